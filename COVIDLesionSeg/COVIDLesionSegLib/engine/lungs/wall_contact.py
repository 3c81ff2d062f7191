"""Where a lung does not reach the chest wall, though lungs do: dense lung or fluid lies there.

Consolidated lobes have the HU of liver and muscle, and nothing tells fluid from them, so such
places are named, not filled.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..flags import Flag
from .chest_wall import FAT, ChestWall
from .places import most_first, name_slices
from .rays import RAYS, Rays
from .working_grid import WorkingGrid

_CONTACT = 10.0  # mm between lung and inner chest wall, at most
_SEEN = 20.0  # mm within the chest wall whose HU count
_HALF = RAYS // 2
_ORDER = {1: _HALF - 1 - np.arange(_HALF), 2: _HALF + np.arange(_HALF)}
"""Rays of each side from the front to the back."""
_DEGREES = (np.arange(_HALF) + 0.5) * 360 / RAYS
_LATERAL = (_DEGREES > 40) & (_DEGREES < 140)  # not beside sternum and spine
_NARROW = 9.0  # degrees; less contact may be chance
_MIDDLE = (0.5, 0.8)  # of the lungs' height; above the domes, below the apices
_OTHER_HEIGHT = 40.0  # mm, by which the domes and apices of healthy lungs differ at most
_SAME_HEIGHT = 10.0  # mm; a lung reaches its lowest point at the back, to this
_LARGE_SHARE = 0.05  # of the chest wall beside a lung; of healthy ones hardly a hundredth
_LARGE = (500.0, 2000.0)  # mm2 of chest wall; less is too little, more is enough
_ADULT = 220.0  # mm across both lungs, at least; heights and areas shrink with a child's


def check_wall_contact(
    lungs: dict[int, np.ndarray], coarse: np.ndarray, grid: WorkingGrid
) -> Iterator[Flag]:
    """Flag the slices in which a lung is parted from the chest wall by dense tissue.

    A healthy lung reaches the wall in its upper half at the side, at the back as low as at the side
    and at the front, and about where the other one does. Where no rib is seen, nothing is known.

    Args:
        lungs: Right and left lung by label, bool (z, y, x) on the coarse grid.
        coarse: HU, same shape.
        grid: The coarse grid.
    """
    if not all(lung.any() for lung in lungs.values()):
        return  # without both, nothing says where the mediastinum is
    both = lungs[1] | lungs[2]
    rays = Rays(both, grid)
    wall = ChestWall(both, coarse, rays, grid)
    gap = wall.radius - wall.lung
    seen = np.isfinite(wall.radius)
    contact = seen & (wall.lung > 0) & (gap < _CONTACT)
    inner = np.maximum(wall.lung, wall.radius - _SEEN)
    within = (rays.radius > rays.at_voxels(inner)) & (rays.radius < rays.at_voxels(wall.radius))
    with np.errstate(invalid="ignore"):
        dense = rays.mean(coarse, within) > FAT
    apart = seen & ~contact & dense
    area = np.where(seen, wall.radius, 0) * (2 * np.pi / RAYS) * grid.spacing[0]
    across = np.ptp(np.flatnonzero(both.any(axis=(0, 1)))) * grid.spacing[2]
    child = min(1.0, float(across) / _ADULT)
    for side, name in ((1, "right"), (2, "left")):
        half = _ORDER[side]
        expected, surely = _expected(contact, side, both, child, grid)
        missing = _grown(surely & apart[:, half], expected & apart[:, half])
        lost = np.where(missing, area[:, half], 0).sum(axis=1)
        beside = lost.sum() + area[:, half][contact[:, half] & _LATERAL].sum()
        least, enough = (child**2 * mm2 for mm2 in _LARGE)
        if lost.sum() < np.clip(_LARGE_SHARE * beside, least, enough):
            continue
        there = grid.repeat_slices(lost)
        yield Flag(
            "lung-wall-apart",
            f"The {name} lung does not reach the chest wall in {name_slices(there > 0)}: dense "
            "tissue lies there. Look whether it is consolidation, collapse or fluid; what is dense "
            "is missing from the lung.",
            slices=most_first(there),
        )


def _expected(
    contact: np.ndarray, side: int, both: np.ndarray, child: float, grid: WorkingGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Where a lung should reach the wall, and where even an unusual one does; bool (z, half)."""
    own = contact[:, _ORDER[side]]
    other = contact[:, _ORDER[3 - side]]
    # The back of a lung reaches as low as any part of it in front.
    few = np.ones((1, round(_NARROW * RAYS / 360)), bool)
    wide = ndimage.binary_opening(own & _LATERAL, few)
    behind = np.logical_or.accumulate(wide, axis=1)
    used = np.flatnonzero(both.any(axis=(1, 2)))
    height = (np.arange(len(own)) - used[0]) / max(used[-1] - used[0], 1)
    middle = ((height > _MIDDLE[0]) & (height < _MIDDLE[1]))[:, None]
    surely = _lower(behind, child * _SAME_HEIGHT, grid) | middle
    surely |= _lower(other, child * _OTHER_HEIGHT, grid)
    return (behind | other | middle) & _LATERAL, surely & _LATERAL


def _lower(contact: np.ndarray, mm: float, grid: WorkingGrid) -> np.ndarray:
    """Contact that goes on so far above and below."""
    slices = np.ones((2 * round(mm / grid.spacing[0]) + 1, 1), bool)
    eroded: np.ndarray = ndimage.binary_erosion(contact, slices)
    return eroded


def _grown(seeds: np.ndarray, where: np.ndarray) -> np.ndarray:
    grown: np.ndarray = ndimage.binary_propagation(seeds & where, mask=where)
    return grown
