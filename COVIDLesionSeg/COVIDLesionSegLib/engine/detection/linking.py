"""From instances of single slices to lesions in three dimensions."""

from __future__ import annotations

import numpy as np

from .detector import SliceInstances

LEAST_SHARED = 0.5
"""Share of the smaller of two instances of neighbouring slices that both have, if they are one."""


class Linker:
    """Links instances slice by slice, from inferior to superior.

    The rule: within a slice a pixel belongs to the instance of the highest score that holds it, and
    an instance of which over half belongs to others is left out. Two instances of neighbouring
    slices are one lesion where they share at least half of the smaller one's pixels; so lesions
    that meet in any slice are one. A lesion's score is the highest of its instances.

    Args:
        shape: (z, y, x) of the CT.
    """

    def __init__(self, shape: tuple[int, int, int]):
        self._labels = np.zeros(shape, np.int32)
        self._parents = [0]
        self._scores = [0.0]

    def add(self, index: int, found: SliceInstances, lungs: np.ndarray, least_score: float) -> None:
        """Add the instances of slice ``index``, of at least this score and within the lungs."""
        labels = self._labels[index]
        for score, mask in zip(found.scores, found.masks, strict=True):
            inside = mask & (lungs > 0)
            free = inside & (labels == 0)
            pixels = np.count_nonzero(free)
            if score < least_score or not pixels or 2 * pixels < np.count_nonzero(inside):
                continue
            labels[free] = len(self._parents)
            self._parents.append(len(self._parents))
            self._scores.append(float(score))
        if index:
            self._link(self._labels[index - 1], labels)

    def finish(self) -> tuple[np.ndarray, list[float]]:
        """Numbers of lesions (z, y, x), int32 from 1 on in no order, and their scores."""
        roots = [self._root(number) for number in range(len(self._parents))]
        numbers = {root: n for n, root in enumerate(dict.fromkeys(roots))}
        scores = [0.0] * len(numbers)
        for root, score in zip(roots, self._scores, strict=True):
            scores[numbers[root]] = max(scores[numbers[root]], score)
        renamed = np.array([numbers[root] for root in roots], np.int32)
        return renamed[self._labels], scores[1:]

    def _link(self, below: np.ndarray, above: np.ndarray) -> None:
        both = (below > 0) & (above > 0)
        pairs, shared = np.unique(np.stack([below[both], above[both]]), axis=1, return_counts=True)
        for (first, second), pixels in zip(pairs.T, shared, strict=True):
            smaller = min(np.count_nonzero(below == first), np.count_nonzero(above == second))
            if pixels >= LEAST_SHARED * smaller:
                self._parents[self._root(int(second))] = self._root(int(first))

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            number = self._parents[number]
        return number
