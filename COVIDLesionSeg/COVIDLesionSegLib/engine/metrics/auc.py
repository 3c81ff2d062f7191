"""Area under the receiver operating characteristic curve, in bounded memory."""

from __future__ import annotations

import numpy as np

_BINS = 2**16


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

    def merge(self, other: ProbabilityHistogram) -> None:
        """Count what ``other`` counted, too."""
        self._counts += other._counts

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve (EAMC, section 4), 0 to 1; None without lesion or without rest.

        The probability that a lesion pixel has a higher probability than another one, ties
        counted half (Mann and Whitney).
        """
        negatives, positives = self._counts
        pairs = float(negatives.sum()) * float(positives.sum())
        if not pairs:
            return None
        below = np.cumsum(negatives) - negatives
        return float((positives * (below + negatives / 2)).sum() / pairs)
