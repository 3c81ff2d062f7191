"""Liver, spleen and stomach under the dome that are counted as lung."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..flags import Flag
from .morphology import free_surface, label, within
from .places import most_first, name_slices
from .working_grid import WorkingGrid

_SOFT_HU = -100
_SOFT_ML = 3.0
_AERATED_HU = -500
_ABOVE_LUNG = 0.3  # of a consolidation, at least, lies above aerated lung, ...
_FREE = 0.6  # ... or at most this share of its surface borders on tissue outside the lung; ...
_FREE_BASE = 0.8  # ... of a base without air, more borders on chest wall and diaphragm
_THICK = 6.0  # mm of an organ, at least, and two slices; the outline of a base may take less
_BELOW_LUNG = 0.5  # of the top of an organ, at least, lies below aerated lung, ...
_FREE_ORGAN = 0.3  # ... more of its surface borders on tissue outside the lung, ...
_HAZY_HU = -600
_HAZY = 0.35  # ... less of the lung on it is ground glass, as next to most consolidations, ...
_SAME_HU = 25  # ... and what lies next outside has the same HU
_ORGAN_HU = (10, 90)
_NEXT = (1.2, 2.2)  # voxels from a piece, beyond those that share its border
_CROSS = ndimage.generate_binary_structure(2, 1)[None]


def check_soft_tissue(
    lungs: dict[int, np.ndarray], coarse: np.ndarray, rim: np.ndarray | None, grid: WorkingGrid
) -> Iterator[Flag]:
    """Flag dense regions that hang below the lung into what is not lung: ``lung-soft-tissue``.

    A consolidation has aerated lung below it, or is bordered by lung at least as much as by the
    chest wall and the diaphragm. A base without any air in its slices looks much the same. The top
    of an organ is bordered by lung, too, but sharply, and goes on outside without a border.

    Args:
        lungs: Right and left lung by label, bool (z, y, x) on the coarse grid.
        coarse: HU, same shape.
        rim: Dense lung along the ribs that has a flag of its own, bool, same shape.
        grid: The coarse grid.
    """
    both = lungs[1] | lungs[2]
    for side, name in ((1, "right"), (2, "left")):
        soft = lungs[side] & (coarse > _SOFT_HU)
        if rim is not None:
            soft &= ~rim
        labels, sizes = label(ndimage.binary_opening(soft, _CROSS))
        large = np.flatnonzero(sizes * grid.voxel_ml > _SOFT_ML)
        if not len(large):
            continue
        aerated = lungs[side] & (coarse < _AERATED_HU)
        above_lung = np.logical_or.accumulate(aerated, axis=0)
        below_lung = np.logical_or.accumulate(aerated[::-1], axis=0)[::-1]
        found = []
        for number in large:
            piece = labels == number
            if above_lung[piece].mean() >= _ABOVE_LUNG:
                continue
            limit = _FREE_BASE
            if np.count_nonzero(aerated[piece.any(axis=(1, 2))]) > sizes[number]:
                below = below_lung[piece].mean() > _BELOW_LUNG
                organ = below and _is_thick(piece, grid) and _is_of_organ(piece, both, coarse, grid)
                limit = _FREE_ORGAN if organ else _FREE
            if free_surface(piece, both) > limit:
                found.append(number)
        if found:
            voxels = np.count_nonzero(np.isin(labels, found), axis=(1, 2))
            there = grid.repeat_slices(voxels)
            yield Flag(
                "lung-soft-tissue",
                f"{voxels.sum() * grid.voxel_ml:.0f} ml of soft tissue counted as {name} lung, in "
                f"{name_slices(there > 0)}, lie under it and look like liver, spleen or stomach, "
                "not like consolidation.",
                slices=most_first(there),
            )


def _is_thick(piece: np.ndarray, grid: WorkingGrid) -> bool:
    height = np.count_nonzero(piece) / np.count_nonzero(piece.any(axis=0)) * grid.spacing[0]
    return bool(height >= _THICK and np.count_nonzero(piece.any(axis=(1, 2))) > 1)


def _is_of_organ(
    piece: np.ndarray, both: np.ndarray, coarse: np.ndarray, grid: WorkingGrid
) -> bool:
    """Whether lung borders on it sharply, and tissue of its own HU lies next to it outside."""
    near, far = (within(piece, voxels * max(grid.spacing[1:]), grid.spacing) for voxels in _NEXT)
    far &= ~near
    lung, outside = coarse[far & both], coarse[far & ~both]
    tissue = outside[(outside > _ORGAN_HU[0]) & (outside < _ORGAN_HU[1])]
    if not (len(lung) and len(tissue)):
        return False
    core = ndimage.binary_erosion(piece, _CROSS)
    own = np.median(coarse[core if core.any() else piece])
    hazy = np.mean(lung > _HAZY_HU)
    return bool(hazy < _HAZY and abs(own - np.median(tissue)) < _SAME_HU)
