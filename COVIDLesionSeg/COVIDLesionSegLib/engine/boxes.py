"""Boxes of an array, as slices: the smallest around a mask, wider ones, and their grids."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from .volume import Geometry

Box = tuple[slice, ...]


def bounding_box(mask: npt.NDArray[Any], margin: int | Sequence[int] = 0) -> Box | None:
    """The smallest box around what is not zero; None where all is.

    Args:
        mask: A mask of any number of dimensions.
        margin: Voxels more on every side, where there are any; one number, or one for each axis.
    """
    # The axis along which voxels lie farthest apart in memory first: others are several times as
    # slow. Where an axis has nothing, the next ones are not looked at.
    order = sorted(range(mask.ndim), key=lambda axis: -abs(mask.strides[axis]))
    part = mask.transpose(order)
    found = {}
    for axis in order:
        # A large slice is left at the first voxel that is not zero.
        occupied = np.flatnonzero(
            [one.any() for one in part]
            if part.ndim > 2
            else np.logical_or.reduce(part, axis=tuple(range(1, part.ndim)))
        )
        if not occupied.size:
            return None
        found[axis] = slice(int(occupied[0]), int(occupied[-1]) + 1)
        part = np.logical_or.reduce(part[found[axis]], axis=0)
    return widened(tuple(found[axis] for axis in range(mask.ndim)), margin, mask.shape)


def widened(box: Box, margin: int | Sequence[int], shape: Sequence[int]) -> Box:
    """The box and so many voxels more on every side, where an array of this shape has any."""
    margins = [margin] * len(box) if isinstance(margin, int) else margin
    return tuple(
        slice(max(0, one.start - more), min(length, one.stop + more))
        for one, more, length in zip(box, margins, shape, strict=True)
    )


def widened_by_mm(box: Box, mm: float, geometry: Geometry) -> Box:
    """The box (k, j, i) and at least so many mm more on every side, where the grid has voxels."""
    return widened(box, [ceil(mm / size) for size in geometry.spacing[::-1]], geometry.shape)


def whole(shape: Sequence[int]) -> Box:
    """The box of all of an array."""
    return tuple(slice(0, length) for length in shape)


def part_with(mask: npt.NDArray[Any], geometry: Geometry, margin: int = 0) -> tuple[Box, Geometry]:
    """The smallest box that holds what is not zero, and its grid; all of both where nothing is.

    Args:
        mask: (k, j, i).
        geometry: Its grid.
        margin: Voxels more on every side, where there are any.
    """
    box = bounding_box(mask, margin) or whole(mask.shape)
    return box, grid_of(box, geometry)


def grid_of(box: Box, geometry: Geometry) -> Geometry:
    """The grid of a box of (k, j, i)."""
    k, j, i = box
    start = (k.start, j.start, i.start)
    shape = (k.stop - k.start, j.stop - j.start, i.stop - i.start)
    return geometry.cropped(start, shape)
