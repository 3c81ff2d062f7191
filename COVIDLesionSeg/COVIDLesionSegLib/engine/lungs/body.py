"""The patient's body, the air in it, and the pieces of that air that are large enough for a lung.

What is outside is found slice by slice: air that reaches the border of the field of view without
passing an opening of the body that is narrower than a finger. So a drain, a wound or a streak
through the chest wall does not open the chest, and a wall may be as thin as a child's. Where the
field of view cuts the chest itself, its border touches lung, which is told from the air outside by
its density.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from ..errors import LungsNotFoundError
from .morphology import (
    deeper_than,
    fill_slices,
    label,
    label_slices,
    largest,
    touches_border,
    within,
)
from .working_grid import WorkingGrid

SMALLEST_LUNG = 150.0  # ml of lung in one piece
NOT_FOUND = (
    "No lungs were found: the CT must show the chest, in HU, with aerated lung on at least one "
    "side."
)
_TISSUE = -300  # HU; above: tissue
_WALL = -600  # HU; above: at least a third of a coarse voxel is tissue, a wall to the air outside
_OPENING = 16.0  # mm; air outside does not pass narrower openings
_OUTSIDE = -930  # HU; mean of a region at the border, below: air outside, not lung
_PADDING = -1000  # HU; padding has at most this
_BORDER_SHARE = 0.25  # of the border; what takes more is outside whatever its HU
_GAS = -945  # HU; median below: gas in the bowel or outside, not even an emphysematous lung
_LOW_GAS = -900  # HU; median below, at the height of the lungs' bases: gas in the bowel
_DARKER = 50  # HU; at least so much darker than the lung, too
_LOW = 0.1  # of the largest piece lies lower than a piece at the height of the bases
_TABLE = 5.0  # mm; a core of the body is thicker on each side, a shell of the table is not
_IN_HULL = 0.25  # of a piece inside the convex hull of the core; hollows of the table have none
_PIECE = 0.1  # of SMALLEST_LUNG, and of the largest piece, at least, to count as lung
_HAZE = 15.0  # mm; ground glass around what is certainly inside
_SAMPLES = 4000  # voxels of a piece that are tested


def find_body(coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """The patient without table and clothes, everything inside included; bool, like ``coarse``.

    Args:
        coarse: HU (z, y, x) on the coarse grid.
        grid: The coarse grid.
    """
    tissue = coarse > _TISSUE
    core = largest(deeper_than(tissue, _TABLE, grid.spacing))
    if not core.any():
        return core
    body = fill_slices(within(core, _TABLE + max(grid.spacing), grid.spacing) & tissue)
    outside = air_outside(coarse, grid)
    inside = _air_inside((coarse <= _WALL) & ~outside, coarse, core, grid) & ~body
    if inside.any():  # the core alone does not close the chest, or the field of view cuts it
        body |= inside
        haze = (coarse > _WALL) & ~tissue & ~outside & within(inside, _HAZE, grid.spacing)
        body = fill_slices(body | haze)
    return body


def _air_inside(
    air: np.ndarray, coarse: np.ndarray, core: np.ndarray, grid: WorkingGrid
) -> np.ndarray:
    """Of the pieces of air that are not outside, the large ones, as dense as lung, in the patient.

    A table is flat, or hollowed towards the patient: nothing of it lies in the patient's convex
    hull.
    """
    labels, sizes = label(air)
    numbers = np.flatnonzero(sizes * grid.voxel_ml >= _PIECE * SMALLEST_LUNG)
    facets = _hull(core)
    inside = np.zeros(len(sizes), bool)
    regions = ndimage.find_objects(labels)
    for number in numbers:
        region = regions[number - 1]
        piece = labels[region] == number
        if np.median(coarse[region][piece]) <= _GAS:
            continue
        voxels = np.argwhere(piece)[:: max(1, sizes[number] // _SAMPLES)]
        voxels += [part.start for part in region]
        within_hull = np.all(voxels @ facets[:, :3].T + facets[:, 3] <= 0, axis=1)
        inside[number] = within_hull.mean() >= _IN_HULL
    result: np.ndarray = inside[labels]
    return result


def _hull(core: np.ndarray) -> np.ndarray:
    """Facets of the convex hull, (n, 4): the normal and offset that are not positive inside."""
    rows = np.argwhere(core.any(axis=2))
    lines = core[tuple(rows.T)]
    first, last = lines.argmax(axis=1), core.shape[2] - 1 - lines[:, ::-1].argmax(axis=1)
    points = np.concatenate([np.column_stack([rows, ends]) for ends in (first, last)])
    try:
        facets: np.ndarray = ConvexHull(points).equations
    except QhullError:  # a flat core encloses nothing
        facets = np.array([[0.0, 0.0, 0.0, 1.0]])
    return facets


def air_outside(coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """Air around the patient, and padding outside the field of view; bool, like ``coarse``."""
    wall = coarse > _WALL
    padding = find_padding(coarse)
    free = ~within(wall, _OPENING / 2, grid.spacing) & ~padding
    flooded = np.zeros(coarse.shape, bool)
    for z in np.flatnonzero(free.any(axis=(1, 2))):
        border = _grown(padding[z])
        border[[0, -1]] = border[:, [0, -1]] = True
        border &= ~padding[z]
        regions, count = ndimage.label(free[z])
        touching = np.bincount(regions[border], minlength=count + 1)
        # The border's own voxels are partly padding.
        inner = np.where(border, 0, regions)
        voxels = np.bincount(inner.ravel(), minlength=count + 1)
        total = np.bincount(inner.ravel(), coarse[z].ravel(), minlength=count + 1)
        outside = total < _OUTSIDE * voxels
        outside |= touching > _BORDER_SHARE * np.count_nonzero(border)
        outside &= touching > 0
        outside[0] = False
        flooded[z] = outside[regions]
    reach = _OPENING / 2 + 1.5 * max(grid.spacing[1:])
    outside = within(flooded, reach, grid.spacing) & ~wall
    for z in np.flatnonzero(padding.any(axis=(1, 2))):
        # Where tissue and padding share a coarse voxel, it looks like lung.
        outside[z] |= _grown(padding[z]) & (coarse[z] <= _TISSUE)
    return outside


def _grown(mask: np.ndarray) -> np.ndarray:
    """A mask (y, x), wider by a voxel."""
    grown: np.ndarray = ndimage.binary_dilation(mask, np.ones((3, 3), bool))
    return grown


def find_padding(coarse: np.ndarray) -> np.ndarray:
    """Outside the field of view: exactly the lowest value, from the border inwards; bool."""
    lowest = coarse.min()
    if lowest > _PADDING:
        return np.zeros(coarse.shape, bool)
    labels, sizes = label_slices(coarse == lowest)
    at_border = touches_border(labels, len(sizes))
    at_border[0] = False
    padding: np.ndarray = at_border[labels]
    for z in np.flatnonzero(padding.any(axis=(1, 2))):
        # Not a few voxels of saturated air, or of lung in an image of 8 bits.
        wide = ndimage.binary_opening(np.pad(padding[z], 2, "edge"), iterations=2)
        padding[z] &= wide[2:-2, 2:-2]
    return padding


def midline_of(body: np.ndarray) -> float:
    """x index of the patient's midline; 0 without a body."""
    return float(np.nonzero(body.any(axis=(0, 1)))[0].mean()) if body.any() else 0.0


def large_pieces(lung: np.ndarray, coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """The large pieces of what may be lung, without the gas of stomach and bowel.

    Gas is much darker than the lung at the height of the bases, or lies below the lungs.

    Args:
        lung: bool, on the coarse grid.
        coarse: HU, same shape.
        grid: The coarse grid.

    Raises:
        LungsNotFoundError: No piece is large enough, or all are gas.
    """
    labels, sizes = label(lung)
    ml = sizes * grid.voxel_ml
    # A lung of which little is aerated still counts beside a normal one.
    numbers = np.flatnonzero(ml >= _PIECE * SMALLEST_LUNG)
    medians = np.asarray(ndimage.median(coarse, labels, numbers)) if len(numbers) else np.empty(0)
    medians, numbers = medians[medians > _GAS], numbers[medians > _GAS]
    if not len(numbers) or ml[numbers].max() < SMALLEST_LUNG:
        raise LungsNotFoundError(NOT_FOUND)
    main = int(ml[numbers].argmax())
    largest_piece = int(numbers[main])
    regions = ndimage.find_objects(labels)

    def per_slice(number: int) -> np.ndarray:
        """Voxels of a piece in every slice of the volume."""
        region = regions[number - 1]
        counts = np.zeros(len(labels))
        counts[region[0]] = np.count_nonzero(labels[region] == number, axis=(1, 2))
        return counts

    lower = np.cumsum(per_slice(largest_piece)) / sizes[largest_piece]
    kept = []
    for number, median in zip(numbers, medians, strict=True):
        counts = per_slice(int(number))
        middle = int(np.searchsorted(np.cumsum(counts), sizes[number] / 2))
        below = counts[lower == 0].sum() > 0.5 * sizes[number]
        dark = median < min(_LOW_GAS, medians[main] - _DARKER)
        if not below and not (dark and lower[middle] < _LOW):
            kept.append(number)
    return np.isin(labels, [n for n in kept if ml[n] >= _PIECE * ml[largest_piece]])
