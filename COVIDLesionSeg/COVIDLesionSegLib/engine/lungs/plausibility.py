"""Are these the lungs of an adult, whole, and mostly aerated?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..flags import Flag
from .morphology import count_labels

_ADULT_ML = (1500.0, 9000.0)  # both lungs, from expiration in disease to a large inspiration
MISSING_SHARE = 0.05  # of the other lung; less is a remnant, not a lung
_ASYMMETRIC = 0.5  # smaller by larger; normal is about 0.85
_CUT_OFF = 0.10  # of the largest slice's area; less is a costophrenic recess or the tip of an apex
_TOUCHES = 0.005
_DENSE_HU = -300
_DENSE_SHARE = 0.30  # of a lung; vessels alone take about 0.1
_SIDES = {1: "right", 2: "left"}


def check_lungs(
    labels: np.ndarray, axial_hu: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[Flag, ...]:
    """What a reader must know before trusting these lungs.

    Args:
        labels: uint8 (z, y, x) in axial order; 1 right lung, 2 left lung.
        axial_hu: HU, same shape.
        spacing: mm along (z, y, x).

    Returns:
        Flags with these codes: ``lung-volume-small``, ``lung-volume-large``, ``lung-missing``,
        ``lungs-asymmetric``, ``lungs-cut-off``, ``lungs-touch-border``, ``lung-dense``.
    """
    voxel_ml = float(np.prod(spacing)) / 1000
    counts = count_labels(labels, 3)
    ml = {side: float(counts[side]) * voxel_ml for side in _SIDES}
    return (
        *_check_volumes(ml),
        *_check_borders(labels),
        *_check_density(labels, axial_hu, counts),
    )


def _check_volumes(ml: dict[int, float]) -> Iterator[Flag]:
    total = sum(ml.values())
    low, high = _ADULT_ML
    if total < low:
        yield Flag(
            "lung-volume-small",
            f"Both lungs together have {total:.0f} ml, less than {low:.0f} ml expected of an "
            "adult: look whether lung is missing from the CT or from the mask.",
        )
    if total > high:
        yield Flag(
            "lung-volume-large",
            f"Both lungs together have {total:.0f} ml, more than {high:.0f} ml expected of an "
            "adult: look whether the mask leaks out of the lungs and whether the spacing is right.",
        )
    smaller, larger = sorted(_SIDES, key=ml.get)
    ratio = ml[smaller] / ml[larger] if ml[larger] else 0.0
    if ratio < MISSING_SHARE:
        yield Flag(
            "lung-missing",
            f"No {_SIDES[smaller]} lung was found: look for collapse, effusion, or a removed lung.",
        )
    elif ratio < _ASYMMETRIC:
        yield Flag(
            "lungs-asymmetric",
            f"The {_SIDES[smaller]} lung has only {ratio:.0%} of the volume of the "
            f"{_SIDES[larger]} lung: look for collapse, effusion, or lung missing from the mask.",
        )


def _check_borders(labels: np.ndarray) -> Iterator[Flag]:
    areas = np.count_nonzero(labels, axis=(1, 2))
    largest = max(int(areas.max()), 1)
    for area, end in ((areas[0], "inferior"), (areas[-1], "superior")):
        if area > _CUT_OFF * largest:
            yield Flag(
                "lungs-cut-off",
                f"The CT ends within the lungs at the {end} end: volumes and ratios are those of "
                "the scanned part only.",
            )
        elif area > _TOUCHES * largest:
            yield Flag(
                "lungs-touch-border",
                f"The lungs reach the first slice at the {end} end: a small part may be missing.",
                level="note",
            )
    edges = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    if sum(np.count_nonzero(edge) for edge in edges) > _TOUCHES * largest:
        yield Flag(
            "lungs-cut-off",
            "The lungs reach the side of the field of view: volumes and ratios are those of the "
            "scanned part only.",
        )


def _check_density(labels: np.ndarray, hu: np.ndarray, counts: np.ndarray) -> Iterator[Flag]:
    dense = sum(
        np.bincount(one[its_hu > _DENSE_HU], minlength=3)
        for one, its_hu in zip(labels, hu, strict=True)
    )
    for side, name in _SIDES.items():
        if counts[side] and dense[side] > _DENSE_SHARE * counts[side]:
            yield Flag(
                "lung-dense",
                f"{dense[side] / counts[side]:.0%} of the {name} lung is not aerated: "
                "consolidation, effusion and collapse look alike here, and part may be missing.",
            )
