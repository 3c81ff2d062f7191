"""Overlap, counted in pixels or slices: confusion matrix, area under the ROC curve, intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

Value = float | None
"""A score; None where it is undefined."""
Interval = tuple[float, float] | None
"""Lower and upper end of a 95 % confidence interval; None where there is none."""

_BINS = 2**16
_Z_95 = 1.96


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
        raise a mean; here specificity and slice detection measure such slices.
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
        """TP / (TP + FP): EAMC Eq. 10, cascade Eq. 6, Affinity Eq. 11. None if no pixel
        is called lesion."""
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
        """(TP + TN) / all: cascade Eq. 3. None if no pixels were counted."""
        return _share(self.tp + self.tn, self.total)

    @property
    def mae(self) -> float | None:
        """Mean absolute error between predicted and true 0/1 labels: COVID-Rate Eq. 8.

        The share of wrong pixels, 1 - accuracy. None if no pixels were counted.
        """
        return _share(self.fp + self.fn, self.total)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


class ProbabilityHistogram:
    """Pixels counted by probability and truth, from which the area under the ROC curve follows.

    Probabilities that differ by less than 1/65536 may share a bin and then count as equal, so the
    area is exact but for such pairs of a lesion pixel and another one.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, _BINS), dtype=np.int64)

    def add(self, probability: np.ndarray, truth: np.ndarray) -> None:
        """Count pixels; ``probability`` 0 to 1, ``truth`` bool, of one shape."""
        bins = np.minimum(probability * np.float32(_BINS), _BINS - 1).astype(np.intp)
        for label in (0, 1):
            self._counts[label] += np.bincount(bins[truth == label], minlength=_BINS)

    @property
    def counts(self) -> np.ndarray:
        """Pixels, int64 (2, bins): without lesion, and with it."""
        return self._counts

    @property
    def probability(self) -> np.ndarray:
        """The middle of every bin, float64, above 0 and below 1."""
        middles: np.ndarray = (np.arange(_BINS) + 0.5) / _BINS
        return middles

    def dice_above(self, threshold: float) -> float | None:
        """Dice of all pixels if those above a probability were called lesion; None without any.

        Exact to within a bin, 1/65536.
        """
        first = min(int(threshold * _BINS), _BINS)
        negatives, positives = self._counts
        tp, fp = int(positives[first:].sum()), int(negatives[first:].sum())
        return Confusion(tp=tp, fp=fp, fn=int(positives[:first].sum())).dice

    def merge(self, other: ProbabilityHistogram) -> None:
        """Add what ``other`` counted."""
        self._counts += other._counts

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve (EAMC, section 4), 0 to 1; None without lesion or without
        background.

        The probability that a lesion pixel has a higher probability than another one, ties
        counted half (Mann and Whitney).
        """
        negatives, positives = self._counts
        pairs = float(negatives.sum()) * float(positives.sum())
        if not pairs:
            return None
        below = np.cumsum(negatives) - negatives
        return float((positives * (below + negatives / 2)).sum() / pairs)


def wilson_interval(metric: float | None, count: int) -> tuple[float, float] | None:
    """The 95 % confidence interval of a proportion by Wilson's score, within 0 to 1.

    E. B. Wilson, J. Am. Stat. Assoc. 22:209, 1927. The cascade paper (Eq. 2) gives Wald's interval,
    z sqrt(m (1 - m) / N), which has no width at 0 and at 1, where it claims certainty from a single
    sample.

    Args:
        metric: A score between 0 and 1.
        count: Number of test samples; as in the cascade paper, of slices.

    Returns:
        Lower and upper end; None where there is no score or no sample.
    """
    if metric is None or not count:
        return None
    z2 = _Z_95 * _Z_95
    centre = (metric + z2 / (2 * count)) / (1 + z2 / count)
    half = (
        _Z_95
        / (1 + z2 / count)
        * math.sqrt(metric * (1.0 - metric) / count + z2 / (4 * count * count))
    )
    return max(0.0, min(metric, centre - half)), min(1.0, max(metric, centre + half))


def mean_and_sd(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation of the scores there are; None of too few."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None, stdev(known) if len(known) > 1 else None
