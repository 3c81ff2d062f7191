"""Areas that are too small to be called a lesion, left out in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..lesions import connected_areas


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
    areas = connected_areas(labels)
    if areas is None:
        return SmallLesions()
    # A volume that is the limit itself must not fall to the rounding of the product.
    small = areas.voxels * voxel_ml < smallest_ml * (1 - 1e-9)
    small[0] = False
    labels[areas.box][small[areas.numbers]] = 0
    return SmallLesions(int(small.sum()), float(areas.voxels[small].sum() * voxel_ml))
