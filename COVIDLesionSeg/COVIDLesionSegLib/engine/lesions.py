"""Lesions one by one: areas of lesion that are connected in three dimensions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

NEIGHBOURS = np.ones((3, 3, 3), bool)
"""Voxels that share a corner are connected."""


class Areas(NamedTuple):
    """Connected areas of lesion.

    Attributes:
        box: The smallest box of the CT's array that holds all of them.
        numbers: int32, (z, y, x) of the box; 0 elsewhere, else the area's number, from 1.
        voxels: Voxels of every area, by its number; ``voxels[0]`` is 0.
    """

    box: tuple[slice, slice, slice]
    numbers: npt.NDArray[np.int32]
    voxels: npt.NDArray[np.int64]


def connected_areas(lesion: npt.NDArray[Any]) -> Areas | None:
    """The connected areas of a CT; None where there is no lesion. Classes that touch are one area.

    Args:
        lesion: (z, y, x), non-zero in lesions.
    """
    from scipy import ndimage  # takes time to load, and the panel needs it late

    boxes = ndimage.find_objects((lesion != 0).view(np.uint8))
    if not boxes:
        return None
    z, y, x = boxes[0]
    numbers, count = ndimage.label(lesion[z, y, x], structure=NEIGHBOURS)
    voxels = np.zeros(count + 1, np.int64)
    for one in numbers:  # all at once, the count would take 8 bytes for every voxel
        voxels += np.bincount(one.ravel(), minlength=count + 1)
    voxels[0] = 0
    return Areas((z, y, x), numbers, voxels)
