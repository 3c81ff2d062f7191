"""Areas that are too small to be called a lesion, left out in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class SmallLesions:
    """What was left out.

    Attributes:
        count: Areas.
        volume_ml: Their volume together, in ml.
    """

    count: int = 0
    volume_ml: float = 0.0


def remove_small_lesions(
    labels: npt.NDArray[np.uint8], smallest_ml: float, voxel_ml: float
) -> SmallLesions:
    """Set connected areas below a volume to 0, in place; classes that touch are one area.

    Args:
        labels: (z, y, x), non-zero in lesions; voxels that share a corner are connected.
        smallest_ml: Areas of this volume stay; 0 leaves everything.
        voxel_ml: Volume of a voxel.
    """
    if smallest_ml <= voxel_ml:
        return SmallLesions()
    boxes = ndimage.find_objects((labels > 0).astype(np.uint8))
    if not boxes:
        return SmallLesions()
    inside = labels[boxes[0]]
    areas, count = ndimage.label(inside, structure=_NEIGHBOURS)
    voxels = np.bincount(areas.ravel(), minlength=count + 1)
    # A volume that is the limit itself must not fall to the rounding of the product.
    small = voxels * voxel_ml < smallest_ml * (1 - 1e-9)
    small[0] = False
    inside[small[areas]] = 0
    return SmallLesions(int(small.sum()), float(voxels[small].sum() * voxel_ml))
