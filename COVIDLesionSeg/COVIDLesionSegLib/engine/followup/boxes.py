"""The part of a grid on which something is worked out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..lungs.morphology import bounding_box
from ..volume import Geometry

Box = tuple[slice, ...]


def part_with(
    mask: npt.NDArray[np.generic], geometry: Geometry, margin: int = 0
) -> tuple[Box, Geometry]:
    """The smallest box that holds what is not zero, and its grid.

    Args:
        mask: (k, j, i), not zero somewhere.
        geometry: Its grid.
        margin: Voxels more on every side, where there are any.
    """
    box = bounding_box(mask, [margin] * 3)
    k, j, i = box
    start = (k.start, j.start, i.start)
    shape = (k.stop - k.start, j.stop - j.start, i.stop - i.start)
    return box, geometry.cropped(start, shape)
