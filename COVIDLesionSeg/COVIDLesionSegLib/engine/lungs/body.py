"""The patient's body, the air in it, and the pieces of that air that are large enough for a lung.

What is outside is found slice by slice: air that reaches the border of the field of view without
passing an opening of the body narrower than 16 mm. So a drain, a small wound or a streak through
the chest wall does not open the chest, and a wall may be as thin as a child's. Where the field of
view cuts the chest itself, its border touches lung, which is told from the air outside by its
density.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from ..errors import LungsNotFoundError
from .morphology import (
    count_labels,
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
_TIP = 4  # voxels from the edge of an image to a round field of view that all but touches it
_BORDER_SHARE = 0.25  # of the border; what takes more is outside whatever its HU
_GAS = -945  # HU; median below: gas in the bowel or outside, not even an emphysematous lung
_LOW_GAS = -880  # HU; median below, at the height of the lungs' bases: gas in the bowel
_DARKER = 50  # HU; at least so much darker than the lung, too
_LOW = 0.1  # of the largest piece lies lower than a piece at the height of the bases
_THICK = 7.0  # mm between slices; gas and the lung above it may share thicker ones
_GAS_IN_SLICE_ML = 0.5  # of gas in a slice, at least
_TABLE = 5.0  # mm; a core of the body is thicker on each side, a shell of the table is not
_DEEP_AIR = 0.5  # ml of a piece of lung are farther from any wall than half an opening
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
    outside, enclosed = _outside_and_enclosed(coarse, grid)
    pieces = _air_inside((coarse <= _WALL) & ~outside, enclosed, coarse, core, grid)
    inside = pieces & ~body
    if inside.any():  # the core alone does not close the chest, or the field of view cuts it
        body |= inside
        haze = (coarse > _WALL) & ~tissue & ~outside & within(inside, _HAZE, grid.spacing)
        body = fill_slices(body | haze)
    return body


def _air_inside(
    air: np.ndarray,
    enclosed: np.ndarray,
    coarse: np.ndarray,
    core: np.ndarray,
    grid: WorkingGrid,
) -> np.ndarray:
    """Of the pieces of air that are not outside, the large ones, as dense as lung, in the patient.

    A cleft beside an arm holds no ``enclosed`` voxel, as it is too narrow. A table is flat, or
    hollowed towards the patient: nothing of it lies in the patient's convex hull.
    """
    labels, sizes = label(air)
    deep = count_labels(labels[enclosed], len(sizes))
    numbers = np.flatnonzero(
        (sizes * grid.voxel_ml >= _PIECE * SMALLEST_LUNG) & (deep * grid.voxel_ml > _DEEP_AIR)
    )
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


def _outside_and_enclosed(coarse: np.ndarray, grid: WorkingGrid) -> tuple[np.ndarray, np.ndarray]:
    """Air around the patient with padding, and the midst of other air; bool, like ``coarse``."""
    wall = coarse > _WALL
    padding = find_padding(coarse)
    free = ~within(wall, _OPENING / 2, grid.spacing) & ~padding
    flooded = np.zeros(coarse.shape, bool)
    grown = _grown_in_plane(padding)
    rim = grown.copy()
    rim[:, [0, -1]] = rim[:, :, [0, -1]] = True
    rim &= ~padding
    for z in np.flatnonzero(free.any(axis=(1, 2))):
        regions, count = ndimage.label(free[z])
        touching = np.bincount(regions[rim[z]], minlength=count + 1)
        # The border's own voxels are partly padding.
        inner = np.where(rim[z], 0, regions)
        voxels = np.bincount(inner.ravel(), minlength=count + 1)
        total = np.bincount(inner.ravel(), coarse[z].ravel(), minlength=count + 1)
        flood = total < _OUTSIDE * voxels
        flood |= touching > _BORDER_SHARE * np.count_nonzero(rim[z])
        flood &= touching > 0
        flood[0] = False
        flooded[z] = flood[regions]
    # No further: behind a wall of one voxel lies lung.
    reach = _OPENING / 2 + max(grid.spacing[1:])
    outside = within(flooded, reach, grid.spacing) & ~wall
    # Where tissue and padding share a coarse voxel, it looks like lung.
    outside[grown & (coarse <= _TISSUE)] = True
    return outside, free & ~flooded


def padding_rim(coarse: np.ndarray) -> np.ndarray:
    """The voxels in the field of view that share an edge with padding; bool, like ``coarse``."""
    padding = find_padding(coarse)
    rim: np.ndarray = _grown_in_plane(padding) & ~padding
    return rim


def _grown_in_plane(mask: np.ndarray) -> np.ndarray:
    """A mask (z, y, x), wider by a voxel in every axial slice."""
    rows = mask.copy()
    rows[:, 1:] |= mask[:, :-1]
    rows[:, :-1] |= mask[:, 1:]
    grown = rows.copy()
    grown[:, :, 1:] |= rows[:, :, :-1]
    grown[:, :, :-1] |= rows[:, :, 1:]
    return grown


def find_padding(coarse: np.ndarray) -> np.ndarray:
    """Outside the field of view: exactly the lowest value, from the border inwards.

    Args:
        coarse: HU (z, y, x), on the coarse grid.

    Returns:
        bool, the same shape.
    """
    lowest = coarse.min()
    if lowest > _PADDING:
        return np.zeros(coarse.shape, bool)
    labels, sizes = label_slices(coarse == lowest)
    at_border = touches_border(labels, len(sizes))
    at_border[0] = False
    padding: np.ndarray = at_border[labels]
    at_edge = np.ones(coarse.shape[1:], bool)
    at_edge[_TIP:-_TIP, _TIP:-_TIP] = False
    for z in np.flatnonzero(padding.any(axis=(1, 2))):
        # Not a few voxels of saturated air, or of lung in an image of 8 bits.
        wide = ndimage.binary_opening(np.pad(padding[z], 2, "edge"), iterations=2)[2:-2, 2:-2]
        # But the tips between a round field of view and the edge of the image are as narrow.
        tips = padding[z] & at_edge
        padding[z] = ndimage.binary_propagation(wide & padding[z], mask=tips | wide & padding[z])
    return padding


def midline_of(body: np.ndarray) -> float:
    """x index of the patient's midline in a bool mask (z, y, x) of the body; 0 without a body."""
    return float(np.nonzero(body.any(axis=(0, 1)))[0].mean()) if body.any() else 0.0


def width_of(body: np.ndarray, grid: WorkingGrid) -> float:
    """mm across the patient, bool (z, y, x), the median of the slices; 0 without a body."""
    across: np.ndarray = np.any(body, axis=1)
    used = across[np.any(across, axis=1)]
    if not len(used):
        return 0.0
    first, last = used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
    return float(np.median(last - first)) * grid.spacing[2]


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
    if grid.spacing[0] > _THICK:
        lung = lung & ~_gas_in_slices(lung, coarse, grid)
    # Where a diaphragm fills a part of each voxel only, gas must not hang on to the lung.
    pieces = _Pieces(lung & (coarse < _WALL), coarse, grid)
    gas = pieces.mask_of([n for n in pieces.numbers[1:] if pieces.is_dark(n) and pieces.is_low(n)])
    if gas.any():
        lung = lung & ~ndimage.binary_dilation(gas)
    pieces = _Pieces(lung, coarse, grid)
    # A lung of which little is aerated still counts beside a normal one.
    if not pieces.numbers:
        raise LungsNotFoundError(NOT_FOUND)
    largest_ml = float(pieces.ml[pieces.numbers[0]])
    if largest_ml < SMALLEST_LUNG:
        raise LungsNotFoundError(
            f"The largest piece of what may be lung has only {largest_ml:.0f} ml, and at least "
            f"{SMALLEST_LUNG:.0f} ml are needed: choose a CT that shows more of the lungs, in HU."
        )
    smallest = _PIECE * largest_ml
    kept = [n for n in pieces.numbers if pieces.ml[n] >= smallest and not pieces.is_below(n)]
    return pieces.mask_of(kept)


def _gas_in_slices(lung: np.ndarray, coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """Gas at the height of the bases that one thick slice joins to the lung; bool, like ``lung``.

    In the slices below it is dark all over and apart from the lung. A bulla lies within lung.
    """
    air = lung & (coarse < _WALL)
    labels, sizes = label_slices(air)
    dark = np.zeros(len(sizes), bool)
    numbers = np.flatnonzero(sizes * grid.voxel_ml >= _GAS_IN_SLICE_ML)
    if len(numbers):
        limit = min(_LOW_GAS, float(np.median(coarse[air])) - _DARKER)
        dark[numbers] = ndimage.median(coarse, labels, numbers) < limit
    gas: np.ndarray = dark[labels]
    lower = np.cumsum(np.count_nonzero(air & ~gas, axis=(1, 2)))
    gas[lower >= _LOW * lower[-1]] = False
    return _grown_in_plane(gas)


class _Pieces:
    """Connected pieces that are not gas, the largest first, compared with the largest.

    Attributes:
        numbers: Labels of those that may be part of a lung by size and HU.
        ml: Volume of each label.
    """

    def __init__(self, mask: np.ndarray, coarse: np.ndarray, grid: WorkingGrid):
        self._labels, sizes = label(mask)
        self.ml = sizes * grid.voxel_ml
        large = [int(n) for n in np.argsort(sizes)[::-1] if self.ml[n] >= _PIECE * SMALLEST_LUNG]
        self._regions = ndimage.find_objects(self._labels)
        self._medians = {
            n: float(np.median(coarse[region][self._labels[region] == n]))
            for n, region in ((n, self._regions[n - 1]) for n in large)
        }
        self.numbers = [n for n in large if self._medians[n] > _GAS]
        if self.numbers:
            self._lower = np.cumsum(self._per_slice(self.numbers[0]))

    def _per_slice(self, number: int) -> np.ndarray:
        region = self._regions[number - 1]
        counts = np.zeros(len(self._labels), np.int64)
        counts[region[0]] = np.count_nonzero(self._labels[region] == number, axis=(1, 2))
        return counts

    def is_dark(self, number: int) -> bool:
        """Whether it is darker than any lung beside the largest piece."""
        return bool(self._medians[number] < min(_LOW_GAS, self._medians[self.numbers[0]] - _DARKER))

    def is_low(self, number: int) -> bool:
        """Whether it lies at the height of the base of the largest piece, or lower."""
        counts = self._per_slice(number)
        middle = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
        return bool(self._lower[middle] < _LOW * self._lower[-1])

    def is_below(self, number: int) -> bool:
        """Whether most of it lies below the largest piece."""
        counts = self._per_slice(number)
        return bool(counts[self._lower == 0].sum() > 0.5 * counts.sum())

    def mask_of(self, numbers: list[int]) -> np.ndarray:
        return np.isin(self._labels, numbers)
