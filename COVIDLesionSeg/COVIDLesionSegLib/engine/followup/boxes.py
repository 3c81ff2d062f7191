"""The part of a grid on which something is worked out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..lungs.morphology import bounding_box
from ..volume import Geometry

Box = tuple[slice, ...]


def part_with(
    mask: npt.NDArray[np.generic], geometry: Geometry, margins: list[int] | None = None
) -> tuple[Box, Geometry]:
    """The smallest box that holds what is not zero, and its grid.

    Args:
        mask: (k, j, i), not zero somewhere.
        geometry: Its grid.
        margins: Voxels more on both sides along (k, j, i), where there are any; none by default.
    """
    box = bounding_box(mask, margins or [0] * 3)
    return box, grid_of(box, geometry)


def grid_of(box: Box, geometry: Geometry) -> Geometry:
    """The grid of a box of (k, j, i)."""
    k, j, i = box
    start = (k.start, j.start, i.start)
    shape = (k.stop - k.start, j.stop - j.start, i.stop - i.start)
    return geometry.cropped(start, shape)
