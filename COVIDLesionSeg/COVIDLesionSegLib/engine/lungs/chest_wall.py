"""The inner chest wall, as the ribs show it, and dense lung between it and aerated lung.

Consolidation without any air has the HU of the muscle beyond it, but the ribs tell where the muscle
begins. How far a lung normally stays from the ribs is measured on the patient, within limits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..flags import Flag
from .morphology import label
from .places import most_first, name_slices
from .rays import ANGLES, RAYS, Rays
from .working_grid import WorkingGrid

_BONE = 180  # HU, mean over a coarse voxel
_NEIGHBOURS = (15.0, 9.0)  # mm along z, and degrees: at least one rib is within
_SAME_RIBS = 8.0  # mm from the mediastinum, ...
_SAME_GAP = 5.0  # ... and mm from the lung, beyond the innermost of them
_SMOOTH = (7.0, 6.0)  # mm and degrees; standard deviation of the interpolation between ribs
_NEAR_RIB = 0.08  # of the interpolation's weight, at least, is ribs
_SIDEWAYS = 0.6  # sine; rays that meet the chest wall at its sides, all but perpendicularly
_BESIDE = 0.45  # sine; less is beside sternum and spine
_MIDDLE = (0.2, 0.7)  # of the lungs' height, where nothing but the pleura lies between
_PLEURA = (1.0, 2.5)  # mm; from 1 in all, to 2.5 and the voxel itself, between lung and rib
_RIM = 4.5  # mm beyond that, at least, hold dense lung, ...
_RIM_EDGE = 2.0  # ... next to it, at least so much
_DENT = (50.0, 30.0)  # mm along z, and degrees; larger ones are not filled
_DEEPEST = 30.0  # mm; what is thicker may be anything
_MUCH = 0.01  # of a lung; of healthy ones hardly a thousandth
FAT = -60  # HU, mean of a voxel and those around it; below: fat


class ChestWall:
    """Inner surface of the ribs around the lungs.

    Attributes:
        rays: The rays that it is given on.
        lung: Where each ray leaves the lungs, in mm; 0 where it meets none. (z, rays).
        radius: Where each ray meets the inner chest wall, in mm; infinite where no rib is near.
        gap: mm from the lung to the inner chest wall; infinite where no rib or no lung is near.
            Between two ribs the lung bulges as the wall does, so it is more exact than the radius,
            but of a lung that is dented it gives what is around the dent.
    """

    def __init__(self, lungs: np.ndarray, coarse: np.ndarray, rays: Rays, grid: WorkingGrid):
        self.rays = rays
        self.lung = rays.exit(lungs)
        bone = (coarse > _BONE) & (rays.radius > rays.at_voxels(self.lung))
        ribs = rays.entry(bone)
        gaps = np.where(self.lung > 0, ribs - self.lung, np.inf)
        gap = _between_ribs(gaps, _SAME_GAP, grid)
        pleura = self._pleura(gap, grid)
        self.gap = gap - pleura
        self.radius = _between_ribs(ribs, _SAME_RIBS, grid) - pleura

    def _pleura(self, gap: np.ndarray, grid: WorkingGrid) -> float:
        """mm between the voxels of a lung and the ribs where only the pleura lies between."""
        used = np.flatnonzero(self.lung.any(axis=1))
        low, high = (used[0] + round(share * len(used)) for share in _MIDDLE)
        sideways = np.abs(np.sin(ANGLES)) > _SIDEWAYS
        gaps = gap[low:high, sideways]
        gaps = gaps[np.isfinite(gaps)]
        most = _PLEURA[1] + max(grid.spacing[1:])
        return float(np.clip(np.median(gaps), _PLEURA[0], most)) if len(gaps) else most


def _between_ribs(ribs: np.ndarray, tolerance: float, grid: WorkingGrid) -> np.ndarray:
    """What is known at the ribs, in mm, for the rays near them; infinite elsewhere.

    Of what is known, only that counts which is at most the tolerance (mm) more than the least
    around it: shoulder blade and arm lie farther out, and so does the edge of a rib.
    """
    modes = ("nearest", "wrap")
    degree = RAYS / 360
    mm, degrees = _NEIGHBOURS
    size = [2 * round(mm / grid.spacing[0]) + 1, 2 * round(degrees * degree) + 1]
    known = np.isfinite(ribs)
    known &= ribs < ndimage.minimum_filter(ribs, size, mode=modes) + tolerance
    sigma = [_SMOOTH[0] / grid.spacing[0], _SMOOTH[1] * degree]
    weight, total = (
        ndimage.gaussian_filter(values.astype(np.float32), sigma, mode=modes)
        for values in (known, np.where(known, ribs, 0))
    )
    near = weight > _NEAR_RIB
    between: np.ndarray = np.where(near, total / np.where(near, weight, 1), np.inf)
    return between


def _closed(lung: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """How far the lung reaches on each ray without its dents; (z, rays) in mm.

    Seen along the rays the chest wall is all but flat, so dents are filled to the wall itself, not
    to a chord of it.
    """
    mm, degrees = _DENT
    size = [2 * round(mm / 2 / grid.spacing[0]) + 1, 2 * round(degrees / 2 * RAYS / 360) + 1]
    modes = ("nearest", "wrap")
    widest = ndimage.maximum_filter(lung, size, mode=modes)
    closed: np.ndarray = ndimage.minimum_filter(widest, size, mode=modes)
    return closed


def dense_rim(lungs: np.ndarray, coarse: np.ndarray, rays: Rays, grid: WorkingGrid) -> np.ndarray:
    """Soft tissue between the lungs and the inner chest wall that is thicker than the pleura.

    Args:
        lungs: bool (z, y, x) on the coarse grid.
        coarse: HU.
        rays: Rays of these lungs.
        grid: The coarse grid.

    Returns:
        bool (z, y, x).
    """
    wall = ChestWall(lungs, coarse, rays, grid)
    radius = np.minimum(_closed(wall.lung, grid), wall.radius)
    radius = np.maximum(radius, np.where(wall.lung > 0, wall.lung + wall.gap, 0))
    excess = np.where(wall.lung > 0, radius - wall.lung, 0)
    excess[~(excess < _DEEPEST)] = 0
    excess[:, np.abs(np.sin(ANGLES)) < _BESIDE] = 0
    smooth = ndimage.median_filter(excess, (3, 5), mode="nearest")
    labels, count = ndimage.label((smooth > _RIM_EDGE) & (excess > 0))
    thick = np.zeros(count + 1, bool)
    thick[labels[smooth > _RIM]] = True
    thick[0] = False
    last = rays.at_voxels(np.where(thick[labels], wall.lung, np.inf))
    # A voxel counts where its centre is nearer to the wall than half a voxel, as in a healthy lung.
    reach = rays.at_voxels(radius) + max(grid.spacing[1:]) / 2
    between = (rays.radius > last) & (rays.radius <= reach) & ~lungs
    # The mean of its own voxels only: next to it lies air.
    inside, total = (
        ndimage.uniform_filter(values.astype(np.float32), (1, 3, 3))
        for values in (between, np.where(between, coarse, 0))
    )
    soft = between & (total > FAT * inside) & (coarse < _BONE)
    labels, _ = label(soft | lungs)  # muscle behind fat does not hang on the lung
    joined = np.zeros(labels.max() + 1, bool)
    joined[labels[lungs]] = True
    rim: np.ndarray = soft & joined[labels]
    return rim


def rim_flags(sides: np.ndarray, rim: np.ndarray, grid: WorkingGrid) -> Iterator[Flag]:
    """Flag a dense rim that is a large part of a lung: it may be fluid.

    Args:
        sides: uint8 (z, y, x) on the coarse grid; 1 right lung, 2 left lung.
        rim: What :func:`dense_rim` added to them, bool.
        grid: The coarse grid.
    """
    for side, name in ((1, "right"), (2, "left")):
        lung = sides == side
        voxels = np.count_nonzero(lung & rim, axis=(1, 2))
        if voxels.sum() > _MUCH * np.count_nonzero(lung):
            there = grid.repeat_slices(voxels)
            yield Flag(
                "lung-rim-dense",
                f"{voxels.sum() * grid.voxel_ml:.0f} ml of dense tissue along the ribs were taken "
                f"for consolidation of the {name} lung, in {name_slices(there > 0)}: look whether "
                "they are fluid, and whether more is missing.",
                slices=most_first(there),
            )
