"""Airways that are counted as lung, and lung that was left out where airways were looked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..boxes import bounding_box, widened
from ..flags import Flag
from .airways import below_carina, bronchi_in_lung, find_trachea, grow_airways
from .body import midline_of
from .morphology import label
from .places import most_first, name_slices
from .working_grid import WorkingGrid

_TISSUE = -300  # HU; above: tissue
_AERATED = -600  # HU, mean over a coarse voxel; one that shares a wall has more
_AROUND = 40.0  # mm around the lungs, where there is but one: the trachea lies beside it
_TAKEN = 0.06  # of the airways' lumen, also a child's; outlines of healthy lungs take 0.02
_SPECK = 0.1  # of what was taken
_LEFT_OUT_ML = 3.0
_IN_LUNG = 0.5  # of the voxels around what was left out are lung
_CROSS = ndimage.generate_binary_structure(2, 1)[None]


def check_airways(
    lungs: dict[int, np.ndarray], coarse: np.ndarray, grid: WorkingGrid
) -> Iterator[Flag]:
    """Flag trachea and main bronchi that are called lung, and aerated lung that is not.

    Args:
        lungs: Right and left lung by label, bool (z, y, x) on the coarse grid.
        coarse: HU, same shape.
        grid: The coarse grid.

    Yields:
        Flags with the codes ``lung-airways-included`` and ``lung-aerated-left-out``.
    """
    sides = lungs[1] + 2 * (lungs[2] & ~lungs[1]).astype(np.uint8)
    if not sides.any():
        return
    airways = _central_airways(sides > 0, coarse, grid)
    airways &= bronchi_in_lung(airways, np.where(airways, 0, sides), grid) == 0
    left_out = _left_out(sides, coarse, airways, grid)
    for side, name in ((1, "right"), (2, "left")):
        labels, sizes = label(airways & lungs[side])
        if sizes.sum() > _TAKEN * np.count_nonzero(airways):
            large = (sizes > _SPECK * sizes.sum())[labels]
            whole = ndimage.binary_dilation(large, _CROSS) & lungs[side]
            voxels = np.count_nonzero(whole, axis=(1, 2))
            there = grid.repeat_slices(voxels)
            yield Flag(
                "lung-airways-included",
                f"About {voxels.sum() * grid.voxel_ml:.0f} ml of the trachea or a main bronchus "
                f"are counted as {name} lung, in {name_slices(there > 0)}: they are no lung.",
                slices=most_first(there),
            )
        voxels = np.count_nonzero(left_out == side, axis=(1, 2))
        if voxels.any():
            there = grid.repeat_slices(voxels)
            yield Flag(
                "lung-aerated-left-out",
                f"{voxels.sum() * grid.voxel_ml:.0f} ml with the density of lung, within the "
                f"{name} lung in {name_slices(there > 0)}, are not counted as lung: look whether "
                "they were taken for an airway.",
                slices=most_first(there),
            )


def _central_airways(lungs: np.ndarray, coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """Lumen of trachea and main bronchi; bool, like ``coarse``."""
    airways = np.zeros(coarse.shape, bool)
    seen: np.ndarray = np.any(lungs, axis=0)
    around = bounding_box(seen, [round(_AROUND / mm) for mm in grid.spacing[1:]])
    if around is None:
        return airways
    rows, columns = around
    part = coarse[:, rows, columns]
    midline = midline_of(coarse > _TISSUE) - columns.start
    trachea = find_trachea(part, np.ones(part.shape, bool), midline, grid)
    if trachea is None:
        return airways
    box = bounding_box(trachea, below_carina(grid.spacing))
    if box is not None:
        airways[:, rows, columns][box] = grow_airways(part[box], trachea[box], grid.spacing)
    return airways


def _left_out(
    sides: np.ndarray, coarse: np.ndarray, airways: np.ndarray, grid: WorkingGrid
) -> np.ndarray:
    """Large pieces of aerated tissue amid a lung that are not in it; the lung's label, else 0."""
    result = np.zeros_like(sides)
    box = bounding_box(sides > 0, 1)
    if box is None:
        return result
    # Voxels that share the wall of an airway are no lung.
    near = ndimage.binary_dilation(airways[box], iterations=2)
    aerated = (coarse[box] < _AERATED) & (sides[box] == 0) & ~near
    labels, sizes = label(ndimage.binary_opening(aerated, _CROSS))
    regions = ndimage.find_objects(labels)
    for number in np.flatnonzero(sizes * grid.voxel_ml > _LEFT_OUT_ML):
        region = widened(regions[number - 1], 1, labels.shape)
        piece = labels[region] == number
        around = np.bincount(
            sides[box][region][ndimage.binary_dilation(piece) & ~piece], minlength=3
        )
        if around[1:].sum() > _IN_LUNG * around.sum():
            result[box][region][piece] = 1 + around[1:].argmax()
    return result
