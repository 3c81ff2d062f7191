"""Agreement counted in pixels, or in slices: true and false positives and negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Counts of a binary decision against the truth; sums of them pool what they count.

    Attributes:
        tp, fp, fn, tn: True positives, false positives, false negatives, true negatives.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(cls, predicted: np.ndarray, truth: np.ndarray) -> Confusion:
        """Count two boolean arrays of one shape."""
        tp = int(np.count_nonzero(predicted & truth))
        fp = int(np.count_nonzero(predicted)) - tp
        fn = int(np.count_nonzero(truth)) - tp
        return cls(tp, fp, fn, predicted.size - tp - fp - fn)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    @property
    def total(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def dice(self) -> float | None:
        """Dice similarity, 2 TP / (2 TP + FP + FN).

        EAMC Eq. 9, cascade Eq. 5, COVID-Rate Eq. 5. None where neither has a lesion: the thesis
        and the released code of COVID-Rate smooth that case to 1, which lets lesion-free slices
        raise a mean; here such slices are judged by specificity and slice detection.
        """
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float | None:
        """Intersection over union, TP / (TP + FP + FN): cascade Eq. 4, thesis section 3.7.1.

        Dice / (2 - Dice), and None where Dice is.
        """
        return _share(self.tp, self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP): EAMC Eq. 10, cascade Eq. 6, Affinity Eq. 11. None if nothing is found."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def sensitivity(self) -> float | None:
        """TP / (TP + FN): EAMC Eq. 11, cascade Eq. 7, COVID-Rate Eq. 6.

        Affinity Eq. 10 prints TP / (TP + TN), a misprint. None if there is nothing to find.
        """
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float | None:
        """TN / (TN + FP): cascade Eq. 9, COVID-Rate Eq. 7. None without a negative."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and sensitivity: cascade Eq. 8, thesis section 3.7.3.

        The same number as Dice.
        """
        return self.dice

    @property
    def accuracy(self) -> float | None:
        """(TP + TN) / all: cascade Eq. 3. None of nothing."""
        return _share(self.tp + self.tn, self.total)

    @property
    def mae(self) -> float | None:
        """Mean absolute error between predicted and true 0/1 labels: COVID-Rate Eq. 8.

        The share of wrong pixels, 1 - accuracy. None of nothing.
        """
        return _share(self.fp + self.fn, self.total)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
