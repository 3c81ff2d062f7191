"""Right and left lung that are exchanged: in whole slices, or in a part of a lung."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..flags import Flag
from .morphology import label
from .places import most_first, name_slices
from .rays import mediastinum
from .working_grid import WorkingGrid

_WRONG_SIDE = 0.2  # of a lung's area lies beyond the middle of the other lung
_LARGE_AREA = 0.2  # of a lung's largest area; a smaller lung is its tip, of any shape
_BEYOND = 0.05  # of the lungs' width, beyond the mediastinum; junctions of the lungs are nearer
_PART_ML = 5.0
_CROSS = ndimage.generate_binary_structure(2, 1)[None]


def check_sides(
    columns: dict[int, np.ndarray], lungs: dict[int, np.ndarray], grid: WorkingGrid
) -> Iterator[Flag]:
    """Flag slices and parts in which right and left lung are exchanged: ``lung-sides-unclear``.

    Args:
        columns: Voxels of right and left lung over (z, x) of the CT.
        lungs: Right and left lung by label, bool (z, y, x) on the coarse grid.
        grid: The coarse grid.
    """
    areas = columns[1].sum(axis=1) + columns[2].sum(axis=1)
    exchanged = np.where(_whole_slices(columns), areas, 0)
    parts = {side: _parts(lungs[side], lungs[3 - side], side, grid) for side in (1, 2)}
    of_parts = grid.repeat_slices(np.count_nonzero(parts[1] | parts[2], axis=(1, 2)))
    exchanged = np.where(exchanged > 0, exchanged, of_parts)
    if exchanged.any():
        yield Flag(
            "lung-sides-unclear",
            "Right and left lung lie on each other's side in "
            f"{name_slices(exchanged > 0)}: what is said of either lung may be wrong there.",
            slices=most_first(exchanged),
        )


def _whole_slices(columns: dict[int, np.ndarray]) -> np.ndarray:
    """Slices in which more of a lung lies beyond the middle of the other than ever does."""
    x = np.arange(columns[1].shape[1])
    area = {side: columns[side].sum(axis=1) for side in (1, 2)}
    wrong = np.zeros(len(area[1]), bool)
    if not (area[1].any() and area[2].any()):
        return wrong
    middle = {}
    for side in (1, 2):
        whole = (columns[side] @ x).sum() / area[side].sum()
        here = columns[side] @ x / np.maximum(area[side], 1)
        middle[side] = np.where(area[side] > 0, here, whole)[:, None]
    for side, beyond in ((1, x > middle[2]), (2, x < middle[1])):
        wrong |= (columns[side] * beyond).sum(axis=1) > _WRONG_SIDE * area[side]
    wrong &= area[1] + area[2] > _LARGE_AREA * (area[1] + area[2]).max()
    return wrong


def _parts(lung: np.ndarray, other: np.ndarray, side: int, grid: WorkingGrid) -> np.ndarray:
    """Parts of a lung beyond the mediastinum that border on the other lung, not on their own.

    A lung that reaches across the midline, as beside one that shrank, hangs together with itself.
    """
    found = np.zeros(lung.shape, bool)
    if not (lung.any() and other.any()):
        return found
    middle, _ = mediastinum(lung | other)
    width = np.ptp(np.flatnonzero((lung | other).any(axis=(0, 1))))
    x = np.arange(lung.shape[2]) - middle[:, None]
    beyond = (x > _BEYOND * width) if side == 1 else (x < -_BEYOND * width)
    far = lung & beyond[:, None, :]
    if np.count_nonzero(far) * grid.voxel_ml < _PART_ML:
        return found
    labels, sizes = label(ndimage.binary_opening(far, _CROSS))
    for number in np.flatnonzero(sizes * grid.voxel_ml > _PART_ML):
        part = labels == number
        around = ndimage.binary_dilation(part) & ~part
        if np.count_nonzero(around & other) >= np.count_nonzero(around & lung):
            found |= part
    return found
