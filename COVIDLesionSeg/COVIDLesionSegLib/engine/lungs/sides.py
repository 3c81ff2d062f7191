"""Right and left: which lung a piece of lung belongs to, and where two merged lungs part."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import segmentation

from .lone_lung import side_of_lone_lung
from .morphology import count_labels, label
from .plausibility import MISSING_SHARE
from .working_grid import WorkingGrid

_watershed: Any = segmentation.watershed  # it has no annotations

_NECKS = (2.0, 3.5, 5.0, 7.0, 9.0, 12.0, 15.0)  # mm; half the width of a bridge between the lungs
_SMALLER_LUNG = 0.12  # of both together, at least, for two parts to be two lungs
_ADULT_WIDTH = 300.0  # mm of the chest with its wall; the next two shrink with a child's
_APART = 60.0  # mm between the centres of the lungs, along x
_TOO_WIDE = 190.0  # mm along x; no single lung is as wide
_UNDECIDED = 20.0  # mm from the middle between the lungs: what lies there may be of either
_SAMPLES = 20000  # voxels of a lung, about, that pieces are compared with


def right_and_left(
    air: np.ndarray, midline: float, grid: WorkingGrid, width: float = _ADULT_WIDTH
) -> np.ndarray:
    """Label pieces of lung 1 (right, low x) or 2 (left), splitting a piece that is both lungs.

    The two largest pieces are the lungs where they lie side by side. Every other piece belongs to
    the lung on its side of the middle between them, or to the nearer one where it lies in the
    middle. The midline decides only where one lung is not found.

    Args:
        air: Lung on the coarse grid, bool (z, y, x).
        midline: x index of the patient's midline.
        grid: The coarse grid.
        width: Width of the patient's body, in mm.

    Returns:
        uint8 (z, y, x).
    """
    child = min(1.0, width / _ADULT_WIDTH)
    labels, sizes = label(air)
    numbers = np.argsort(sizes)[::-1][: np.count_nonzero(sizes)]
    regions = ndimage.find_objects(labels)
    pieces = [(regions[n - 1], labels[regions[n - 1]] == n) for n in numbers]
    x = [region[2].start + np.nonzero(piece)[2].mean() for region, piece in pieces]
    sides = np.zeros(air.shape, np.uint8)
    done = 0
    if pieces:
        region, piece = pieces[0]
        halves = _halves(piece, midline - region[2].start, grid, child)
        if halves is not None:
            sides[region] = halves
            done = 1
    if not done and _are_both_lungs(sizes[numbers[:2]], x[:2], grid, child):
        right = int(x[1] < x[0])
        for side, which in ((1, right), (2, 1 - right)):
            region, piece = pieces[which]
            sides[region][piece] = side
        done = 2
    both = _Both(sides, grid, child) if 0 < done < len(pieces) else None
    for (region, piece), centre in zip(pieces[done:], x[done:], strict=True):
        side = (1 if centre < midline else 2) if both is None else both.side_of(region, piece)
        sides[region][piece] = side
    return sides


def _are_both_lungs(sizes: np.ndarray, x: list[float], grid: WorkingGrid, child: float) -> bool:
    """Whether two pieces, with these voxels and centres, are one lung each."""
    if len(sizes) < 2 or sizes.min() <= _SMALLER_LUNG * sizes.sum():
        return False
    return bool(abs(x[0] - x[1]) * grid.spacing[2] > child * _APART)


class _Both:
    """Both lungs, which tell to which of them a piece belongs."""

    def __init__(self, sides: np.ndarray, grid: WorkingGrid, child: float):
        self._undecided = child * _UNDECIDED
        self._spacing = np.array(grid.spacing)
        samples = [
            voxels[:: len(voxels) // _SAMPLES + 1] * self._spacing
            for voxels in (np.argwhere(sides == 1), np.argwhere(sides == 2))
        ]
        self._middle = np.mean([points[:, 2].mean() for points in samples])
        self._trees = [cKDTree(points) for points in samples]

    def side_of(self, region: tuple[slice, ...], piece: np.ndarray) -> int:
        voxels = np.argwhere(piece) + [part.start for part in region]
        points = voxels[:: len(voxels) // 200 + 1] * self._spacing
        from_middle = points[:, 2].mean() - self._middle
        if abs(from_middle) > self._undecided:
            return 1 if from_middle < 0 else 2
        right, left = (tree.query(points)[0].mean() for tree in self._trees)
        return 1 if right < left else 2


def _halves(
    piece: np.ndarray, midline: float, grid: WorkingGrid, child: float
) -> np.ndarray | None:
    """Right and left lung of a piece that is both, or None where it is one lung."""
    columns = piece.sum(axis=(0, 1))
    right_share = columns[np.arange(len(columns)) < midline].sum() / columns.sum()
    wide = len(columns) * grid.spacing[2] > _TOO_WIDE
    if wide or _SMALLER_LUNG < right_share < 1 - _SMALLER_LUNG:
        return split(piece, grid, child)
    return None


def split(both: np.ndarray, grid: WorkingGrid, child: float = 1.0) -> np.ndarray | None:
    """Part merged lungs at their narrowest bridge; None if there is no bridge, but one lung.

    Markers are what remains of each lung when the bridge is eroded away, also of a lobe that the
    erosion parts from its lung; the watershed of the distance map puts the border where the bridge
    is narrowest.

    Args:
        both: bool (z, y, x) on the coarse grid.
        grid: The coarse grid.
        child: Width of the patient relative to an adult's, at most 1.
    """
    padded = np.pad(both, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=grid.spacing)[1:-1, 1:-1, 1:-1]
    for neck in _NECKS:
        labels, sizes = label(depth > neck)
        order = np.argsort(sizes)[::-1][:2]
        if len(sizes) < 3 or sizes[order[1]] < _SMALLER_LUNG * sizes[order].sum():
            continue
        numbers = np.arange(1, len(sizes))
        x = np.array([c[2] for c in ndimage.center_of_mass(depth > neck, labels, numbers)])
        main = x[order - 1]
        if abs(main[0] - main[1]) * grid.spacing[2] < child * _APART:
            continue
        from_middle = (x - main.mean()) * grid.spacing[2]
        side = np.where(from_middle < 0, 1, 2)
        side[np.abs(from_middle) < child * _UNDECIDED] = 0
        side[order - 1] = np.where(main == main.min(), 1, 2)
        markers = np.concatenate([[0], side]).astype(np.int32)[labels]
        halves: np.ndarray = _watershed(-depth, markers, mask=both).astype(np.uint8)
        return halves
    return None


def with_lone_lung_on_its_side(
    sides: np.ndarray, body: np.ndarray, coarse: np.ndarray, grid: WorkingGrid
) -> np.ndarray:
    """The same; a lung that was found alone gets the side that the body around it tells.

    Args:
        sides: See :func:`right_and_left`.
        body: See :func:`~.body.find_body`.
        coarse: HU, same shape.
        grid: The coarse grid.
    """
    missing = _missing_side(sides)
    if missing is None or not sides.any():
        return sides
    if side_of_lone_lung(sides == 3 - missing, body, coarse, grid) != missing:
        return sides
    exchanged: np.ndarray = np.where(sides > 0, 3 - sides, 0).astype(np.uint8)
    return exchanged


def remove_remnant(labels: np.ndarray) -> None:
    """Clear, in place, the side that is too small to be a lung: its ratio would rest on noise.

    Args:
        labels: uint8 of any shape; 1 right lung, 2 left lung.
    """
    missing = _missing_side(labels)
    if missing is not None:
        labels[labels == missing] = 0


def _missing_side(labels: np.ndarray) -> int | None:
    """The label of the side that is too small to be a lung beside the other; None if none is."""
    counts = count_labels(labels, 3)
    smaller, larger = sorted((1, 2), key=lambda side: int(counts[side]))
    return smaller if counts[smaller] < MISSING_SHARE * counts[larger] else None
