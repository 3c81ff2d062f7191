"""Trachea and main bronchi."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..boxes import bounding_box, widened
from .morphology import deeper_than, label, label_slices, within
from .working_grid import WorkingGrid, clip_hu

AIRWAY = 3  # label, beside right lung 1 and left lung 2
_LUMEN = -850  # HU; upper limit for the lumen of the trachea on the coarse grid
_CROSS_SECTION = (15.0, 900.0)  # mm2 of the lumen of a trachea in an axial slice, also of a child
_WALLED_HU = -600  # HU; above: at least a third of a coarse voxel is tissue
_WALLED = 0.5  # of what is around the trachea, at least, is tissue
_FROM_MIDLINE = 45.0  # mm
_HEIGHT = 25.0  # mm; shortest run of slices that is taken for a trachea
_GROWTH_LIMITS = (-970, -950, -930, -910, -890, -870)  # HU
_LARGEST = 110.0  # ml of trachea and bronchi together
_BELOW_CARINA = 50.0  # mm around the trachea in which the main bronchi end
_WALL = 2.0  # mm
_STEP = 1.0  # mm; slices closer than this are skipped, they add memory and no airway
_SURROUNDINGS = 20.0  # mm; side of the box around a voxel that shows whether it is in the lung
_WITHIN_LUNG = 0.8  # of what is around it, apart from airways, is lung
_MAIN_BRONCHUS = 3.0  # mm; narrower airways (radius) belong to the lung


def find_trachea(
    coarse_hu: np.ndarray, body: np.ndarray, midline: float, grid: WorkingGrid
) -> np.ndarray | None:
    """Lumen of the trachea on the coarse grid, or None.

    It is the longest vertical stack of small dark cross-sections near the midline, each of them
    within tissue: a lung is much larger in a slice, what is dark in a lung lies within lung, an
    apex is much shorter, gas in the bowel lies lower.

    Args:
        coarse_hu: HU (z, y, x), on the coarse grid.
        body: bool, the same shape.
        midline: x index of the patient's midline on the coarse grid.
        grid: The coarse grid.

    Returns:
        bool, the same shape.
    """
    labels, sizes = label_slices((coarse_hu < _LUMEN) & body)
    areas = sizes * grid.spacing[1] * grid.spacing[2]
    small = (areas > _CROSS_SECTION[0]) & (areas < _CROSS_SECTION[1])
    # Where the wall of the trachea is, and a voxel that it shares with the lumen.
    ring, owner = _rings(small[labels] * labels)
    walled = np.bincount(owner, coarse_hu[ring] > _WALLED_HU, len(areas))
    tubes = (small & (walled > _WALLED * np.bincount(owner, minlength=len(areas))))[labels]
    labels, sizes = label(tubes)
    best, best_height = None, _HEIGHT
    for number, region in enumerate(ndimage.find_objects(labels), start=1):
        height = (region[0].stop - region[0].start) * grid.spacing[0]
        if height < best_height or region[0].stop < len(coarse_hu) / 2:
            continue
        across = np.flatnonzero((labels[region] == number).any(axis=(0, 1))) + region[2].start
        if abs(across.mean() - midline) * grid.spacing[2] < _FROM_MIDLINE:
            best, best_height = number, height
    return None if best is None else labels == best


def _rings(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The voxels two away from labelled regions in their slices, and the label of each."""
    near, far = (ndimage.grey_dilation(labels, (1, size, size)) for size in (3, 5))
    ring = (far > 0) & (near == 0)
    return ring, far[ring]


def mark_airways(
    labels: np.ndarray,
    hu: np.ndarray,
    trachea: np.ndarray,
    spacing: tuple[float, float, float],
    grid: WorkingGrid,
) -> None:
    """Write trachea and main bronchi with their walls into ``labels``, from the coarse trachea.

    Of slices much thinner than a millimetre only some are looked at, and the others repeat them.

    Args:
        labels: Integers (z, y, x), on the grid of the CT; changed in place.
        hu: HU, the same shape.
        trachea: bool (z, y, x), on the coarse grid.
        spacing: mm along (z, y, x) of the CT.
        grid: The coarse grid.
    """
    every = max(1, round(_STEP / spacing[0]))
    coarse = bounding_box(trachea)
    if coarse is None:
        return
    box = widened(
        tuple(
            slice(part.start * factor, part.stop * factor)
            for part, factor in zip(coarse, grid.factors, strict=True)
        ),
        below_carina(spacing),
        grid.shape,
    )
    rows_columns = box[1:]
    seen = slice(box[0].start, box[0].stop, every)
    seed = grid.repeat(trachea, (seen, *rows_columns))
    spacing = (spacing[0] * every, *spacing[1:])
    open_airway = grow_airways(clip_hu(hu[(seen, *rows_columns)]), seed, spacing)
    # At least the voxels that share the edge of the lumen belong to the wall.
    walled = within(open_airway, max(_WALL, 1.5 * max(spacing[1:])), spacing)
    for offset in range(every):
        part = labels[(slice(box[0].start + offset, box[0].stop, every), *rows_columns)]
        part[walled[: len(part)]] = AIRWAY


def below_carina(spacing: tuple[float, float, float]) -> list[int]:
    """Voxels around the trachea in which the main bronchi end."""
    return [round(_BELOW_CARINA / mm) for mm in spacing]


def grow_airways(
    hu: np.ndarray, seed: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Lumen of trachea and main bronchi, bool (z, y, x), without their walls.

    The limit of the region growing rises until the region leaks into the lung; the last one
    before the leak counts.

    Args:
        hu: Of a box around the trachea, on the scanners' scale.
        seed: Lumen of the trachea, same shape.
        spacing: mm along (z, y, x).
    """
    smooth = ndimage.uniform_filter(hu, (1, 3, 3))
    seed_hu = smooth[seed]
    lumen, previous = None, 0.0
    voxel_ml = float(np.prod(spacing)) / 1000
    for limit in _GROWTH_LIMITS:
        if not np.any(seed_hu < limit):
            continue
        regions, sizes = label(smooth < limit)
        touched = np.unique(regions[seed & (regions > 0)])
        # The largest touched region only: specks of noise are not airways.
        region = touched[np.argmax(sizes[touched])]
        volume = sizes[region] * voxel_ml
        if volume > _LARGEST or (previous > 3 and volume > 1.6 * previous + 2):
            break
        lumen, previous = regions == region, volume
    if lumen is None:
        return seed
    wide = within(deeper_than(lumen, _MAIN_BRONCHUS, spacing), _MAIN_BRONCHUS, spacing) & lumen
    open_airway: np.ndarray = wide | seed & (smooth < _LUMEN)
    return open_airway


def bronchi_in_lung(airways: np.ndarray, sides: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """Airways that are surrounded by lung, not by the mediastinum: they belong to the lung.

    These are bronchi within the lung, and emphysema that the growing region has leaked into.

    Args:
        airways: bool (z, y, x) on the coarse grid.
        sides: uint8, same shape; 1 right lung, 2 left lung, both without airways.
        grid: The coarse grid.

    Returns:
        uint8, same shape; the lung that the airway belongs to, 0 where it is none.
    """
    result = np.zeros_like(sides)
    size = [2 * round(_SURROUNDINGS / 2 / mm) + 1 for mm in grid.spacing]
    box = bounding_box(airways, size)
    if box is None:
        return result
    around = [
        ndimage.uniform_filter((sides[box] == side).astype(np.float32), size) for side in (1, 2)
    ]
    others = ndimage.uniform_filter((~airways[box]).astype(np.float32), size)
    within_lung = airways[box] & (around[0] + around[1] > _WITHIN_LUNG * others)
    nearer = np.where(around[0] >= around[1], 1, 2)
    result[box][within_lung] = nearer[within_lung]
    return result
