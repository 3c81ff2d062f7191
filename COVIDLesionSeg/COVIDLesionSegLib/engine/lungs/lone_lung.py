"""Which lung it is where one is found alone, and whether that can be told.

In a whole chest a lung beside a collapsed one lies on its side of the patient's middle. A field of
view around one lung alone has no such middle. Then the end at which the body is whole is the
chest wall of that lung; where the field of view cuts the body at both ends, nothing tells.
"""

from __future__ import annotations

import numpy as np

from .body import find_padding
from .working_grid import WorkingGrid

_CUT = 40.0  # mm of a slice, from front to back, where the body goes on beyond the field of view
_CUT_SLICES = 0.5  # of the slices with lung
_BETWEEN = (0.02, 0.98)  # of the lung's voxels, along x, lie within its width
_ROOM = 0.9  # of the lung's width, beside it: at least, for mediastinum and the other chest wall
_ROOM_WITH_ARM = 1.2  # the same, where it might be an arm beside the lung's own chest wall
_WALL = 0.7  # at most, for a chest wall alone


def side_of_lone_lung(
    lung: np.ndarray, body: np.ndarray, coarse: np.ndarray, grid: WorkingGrid
) -> int | None:
    """1 (right) or 2 (left) of the only lung that was found; None where that cannot be told.

    Args:
        lung: bool (z, y, x) on the coarse grid; some of it is true.
        body: See :func:`~.body.find_body`.
        coarse: HU, same shape.
        grid: The coarse grid.
    """
    x = np.nonzero(lung)[2]
    first, last = np.quantile(x, _BETWEEN)
    slices = lung.any(axis=(1, 2))
    ends = np.nonzero(body[slices].any(axis=(0, 1)))[0]
    if not len(ends):
        return None
    # On the patient's right, at low x, and on the left.
    room = np.array([first - ends[0], ends[-1] - last]) / max(last - first, 1.0)
    cut = _cut_ends(body[slices], find_padding(coarse)[slices], grid)
    free = 1 if cut[0] else 0
    wide = _ROOM if all(cut) else _ROOM_WITH_ARM
    if not any(cut) or room.max() >= wide:
        return 1 if x.mean() < (ends[0] + ends[-1]) / 2 else 2
    if all(cut) or room[free] > _WALL:
        return None
    return free + 1


def _cut_ends(body: np.ndarray, padding: np.ndarray, grid: WorkingGrid) -> tuple[bool, bool]:
    """Whether the field of view cuts the body on the right (low x) and on the left."""
    seen = ~padding
    rows = seen.any(axis=2)
    first = seen.argmax(axis=2)[..., None]
    last = (seen.shape[2] - 1 - seen[..., ::-1].argmax(axis=2))[..., None]
    ends = []
    for at in (first, last):
        reached = np.take_along_axis(body, at, axis=2)[..., 0] & rows
        long = np.count_nonzero(reached, axis=1) * grid.spacing[1] > _CUT
        ends.append(bool(long.mean() > _CUT_SLICES))
    return ends[0], ends[1]
