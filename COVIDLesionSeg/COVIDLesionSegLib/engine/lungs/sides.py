"""Right and left: which lung a piece of lung belongs to, and where two merged lungs part."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from .components import count_labels, label
from .plausibility import MISSING_SHARE
from .working_grid import WorkingGrid

_NECKS = (2.0, 3.5, 5.0, 7.0, 9.0, 12.0, 15.0)  # mm; half the width of a bridge between the lungs
_SMALLER_LUNG = 0.12  # of both together, at least, for two parts to be two lungs
_APART = 60.0  # mm between the centres of the lungs, along x


def right_and_left(air: np.ndarray, midline: float, grid: WorkingGrid) -> np.ndarray:
    """Label pieces of lung 1 (right, low x) or 2 (left), splitting a piece that is both lungs.

    Args:
        air: Lung on the coarse grid, bool (z, y, x).
        midline: x index of the patient's midline.
        grid: The coarse grid.

    Returns:
        uint8 (z, y, x).
    """
    labels, sizes = label(air)
    sides = np.zeros(air.shape, np.uint8)
    for number, region in enumerate(ndimage.find_objects(labels), start=1):
        piece = labels[region] == number
        columns = piece.sum(axis=(0, 1))
        x = np.arange(region[2].start, region[2].stop)
        right_share = columns[x < midline].sum() / sizes[number]
        halves = None
        if _SMALLER_LUNG < right_share < 1 - _SMALLER_LUNG:
            halves = split(piece, grid)
        side = np.uint8(1 if right_share > 0.5 else 2)
        sides[region][piece] = side if halves is None else halves[piece]
    return sides


def split(both: np.ndarray, grid: WorkingGrid) -> np.ndarray | None:
    """Part merged lungs at their narrowest bridge; None if there is no bridge, but one lung.

    Markers are what remains of each lung when the bridge is eroded away; the watershed of the
    distance map puts the border where the bridge is narrowest.
    """
    padded = np.pad(both, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=grid.spacing)[1:-1, 1:-1, 1:-1]
    for neck in _NECKS:
        labels, sizes = label(depth > neck)
        order = np.argsort(sizes)[::-1][:2]
        if len(sizes) < 3 or sizes[order[1]] < _SMALLER_LUNG * sizes[order].sum():
            continue
        centres = [np.mean(np.nonzero(labels == number)[2]) for number in order]
        if abs(centres[0] - centres[1]) * grid.spacing[2] < _APART:
            continue
        right, left = order[np.argsort(centres)]
        markers = np.zeros(both.shape, np.int32)
        markers[labels == right], markers[labels == left] = 1, 2
        return watershed(-depth, markers, mask=both).astype(np.uint8)
    return None


def remove_remnant(labels: np.ndarray) -> None:
    """Clear, in place, the side that is too small to be a lung: its ratio would rest on noise.

    Args:
        labels: uint8 of any shape; 1 right lung, 2 left lung.
    """
    counts = count_labels(labels, 3)
    smaller, larger = sorted((1, 2), key=lambda side: counts[side])
    if counts[smaller] < MISSING_SHARE * counts[larger]:
        labels[labels == smaller] = 0
