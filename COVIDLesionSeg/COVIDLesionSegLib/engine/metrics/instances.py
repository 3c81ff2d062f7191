"""Average precision of lesions found one by one, and agreement on the class of slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .overlap import wilson_interval

THRESHOLDS = tuple(float(value) for value in np.linspace(0.5, 0.95, 10))  # COCO's, to the bit
"""Of the intersection over union: .50:.05:.95."""

_RECALLS = np.linspace(0.0, 1.0, 101)
_COCO_MOST = 100
_RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class ImageMatch:
    """Predictions and true instances of one image.

    Attributes:
        scores: (n,) of the predictions.
        iou: (n, m) of masks of predictions and of true instances.
    """

    scores: np.ndarray
    iou: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, masks: np.ndarray, truth: np.ndarray) -> ImageMatch:
        """From masks (n, rows, columns) of predictions and (m, rows, columns) of instances."""
        pixels = int(np.prod(masks.shape[1:]))
        found = masks.reshape(len(masks), pixels).astype(np.float32)
        real = truth.reshape(len(truth), pixels).astype(np.float32)
        overlap = (found @ real.T).astype(np.float64)
        union = found.sum(axis=1)[:, None] + real.sum(axis=1)[None, :] - overlap
        iou = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
        return cls(np.asarray(scores, dtype=np.float64), iou)


def image_average_precision(match: ImageMatch, threshold: float) -> float:
    """Average precision of one image by COVID-Affinity, section 4.3.

    A true instance takes the prediction that overlaps it best, by more than the threshold; every
    other prediction is a false positive. The precision is the largest at this recall or above. An
    image without instances and predictions has 1; one with instances or predictions alone has 0.
    """
    predictions, instances = match.iou.shape
    if not predictions or not instances:
        return float(predictions == instances)
    order = np.argsort(-match.scores, kind="stable")
    iou = match.iou[order]
    best = iou.argmax(axis=0)
    hit = np.zeros(predictions, dtype=bool)
    hit[best[iou[best, np.arange(instances)] > threshold]] = True
    found = np.cumsum(hit)
    precision = np.maximum.accumulate((found / np.arange(1, predictions + 1))[::-1])[::-1]
    return float(precision[hit].sum() / instances)


def paper_average_precision(matches: Sequence[ImageMatch], threshold: float) -> float | None:
    """Mean of :func:`image_average_precision` over images; None without any."""
    if not matches:
        return None
    return float(np.mean([image_average_precision(match, threshold) for match in matches]))


def coco_average_precision(matches: Sequence[ImageMatch], threshold: float) -> float | None:
    """Average precision of all images together by COCO's rule; None without true instances.

    Predictions take true instances by falling score, each the free one that it overlaps best, by
    the threshold or more; precision is read at 101 recalls.
    """
    instances = sum(match.iou.shape[1] for match in matches)
    if not instances:
        return None
    scores, hits = [], []
    for match in matches:
        order = np.argsort(-match.scores, kind="stable")[:_COCO_MOST]
        scores.append(match.scores[order])
        hits.append(_greedy(match.iou[order], threshold))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit = np.concatenate(hits)[order]
    found = np.cumsum(hit)
    precision = found / np.arange(1, len(hit) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(found / instances, _RECALLS, side="left")
    there = places < len(precision)
    return float(precision[places[there]].sum() / len(_RECALLS))


def _greedy(iou: np.ndarray, threshold: float) -> np.ndarray:
    """Which predictions, in this order, take a true instance."""
    hit = np.zeros(len(iou), dtype=bool)
    free = np.ones(iou.shape[1], dtype=bool)
    for n, row in enumerate(iou):
        open_to = np.where(free, row, -1.0)
        if open_to.size and open_to.max() >= min(threshold, 1 - 1e-10):
            # Of equal overlaps the last one, as COCO's own program.
            free[len(row) - 1 - int(open_to[::-1].argmax())] = False
            hit[n] = True
    return hit


def mean_over_thresholds(
    rule: Callable[[Sequence[ImageMatch], float], float | None], matches: Sequence[ImageMatch]
) -> float | None:
    """The mean of a rule's average precision over .50:.05:.95; None where it is."""
    values = [rule(matches, threshold) for threshold in THRESHOLDS]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


@dataclass(frozen=True)
class ClassScore:
    """Agreement on one class of slices.

    Attributes:
        name: Name of the class.
        slices: True slices of it.
        sensitivity, precision: TP / (TP + FN) and TP / (TP + FP); None where undefined. Eq. 10 of
            COVID-Affinity prints TN in place of FN.
        sensitivity_interval, precision_interval: Wilson's 95 % confidence intervals.
        f1: Their harmonic mean; 0 where the class was never hit, None where there is none of it.
    """

    name: str
    slices: int
    sensitivity: float | None
    precision: float | None
    sensitivity_interval: tuple[float, float] | None
    precision_interval: tuple[float, float] | None
    f1: float | None


@dataclass(frozen=True)
class ClassAgreement:
    """Agreement on all classes of slices.

    Attributes:
        classes: One by one.
        f1: Weighted by the true shares of the classes (Eq. 12); None without slices.
        f1_interval: 95 % interval of slices drawn again; None without.
    """

    classes: tuple[ClassScore, ...]
    f1: float | None
    f1_interval: tuple[float, float] | None


def class_agreement(
    names: Sequence[str], truth: Sequence[int], predicted: Sequence[int]
) -> ClassAgreement:
    """Agreement of numbers of classes, slice by slice."""
    real, found = np.asarray(truth, dtype=int), np.asarray(predicted, dtype=int)
    scores = []
    for number, name in enumerate(names):
        hits = int(np.count_nonzero((real == number) & (found == number)))
        there, named = int((real == number).sum()), int((found == number).sum())
        sensitivity = hits / there if there else None
        precision = hits / named if named else None
        scores.append(
            ClassScore(
                name,
                there,
                sensitivity,
                precision,
                wilson_interval(sensitivity, there),
                wilson_interval(precision, named),
                2 * hits / (there + named) if there else None,
            )
        )
    return ClassAgreement(
        tuple(scores),
        _weighted_f1(real, found, len(names)),
        resampled_interval(
            lambda rows: _weighted_f1(real[rows], found[rows], len(names)), len(real)
        ),
    )


def _weighted_f1(real: np.ndarray, found: np.ndarray, classes: int) -> float | None:
    if not len(real):
        return None
    total = 0.0
    for number in range(classes):
        there, named = np.count_nonzero(real == number), np.count_nonzero(found == number)
        hits = np.count_nonzero((real == number) & (found == number))
        if there:
            total += there / len(real) * 2 * hits / (there + named)
    return float(total)


def resampled_interval(
    measure: Callable[[np.ndarray], float | None], number: int
) -> tuple[float, float] | None:
    """95 % percentile interval of a measure of ``number`` things, drawn again 1000 times.

    The draws are always the same. None where there are fewer than two things.
    """
    if number < 2:
        return None
    rng = np.random.default_rng(0)
    drawn = [measure(rng.integers(number, size=number)) for _ in range(_RESAMPLES)]
    values = [value for value in drawn if value is not None]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
