"""The part of a grid on which something is worked out."""

from __future__ import annotations

from math import ceil

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
    return box, grid_of(box, geometry)


def widened(box: Box, mm: float, geometry: Geometry) -> Box:
    """The box and at least so many mm more on every side, where the grid has voxels there."""
    return tuple(
        slice(max(0, one.start - margin), min(length, one.stop + margin))
        for one, margin, length in zip(
            box, [ceil(mm / size) for size in geometry.spacing[::-1]], geometry.shape, strict=True
        )
    )


def grid_of(box: Box, geometry: Geometry) -> Geometry:
    """The grid of a box of (k, j, i)."""
    k, j, i = box
    start = (k.start, j.start, i.start)
    shape = (k.stop - k.start, j.stop - j.start, i.stop - i.start)
    return geometry.cropped(start, shape)
