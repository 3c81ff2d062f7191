"""Boxes of an array: what they hold, however the array lies in memory."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.boxes import bounding_box, part_with, whole, widened_by_mm
from COVIDLesionSegLib.engine.volume import Geometry

SHAPE = (7, 9, 11)
BOX = (slice(2, 4), slice(3, 8), slice(5, 6))


def marked(dtype: type = bool, order: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """Only the first and last corner of BOX are not zero."""
    stored = np.zeros([SHAPE[axis] for axis in order], dtype)
    mask = stored.transpose(np.argsort(order))
    mask[2, 7, 5] = mask[3, 3, 5] = True
    return mask


@pytest.mark.parametrize("order", permutations(range(3)))
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float32])
def test_the_smallest_box_is_found_in_any_layout_and_type(
    order: tuple[int, ...], dtype: type
) -> None:
    mask = marked(dtype, order)
    assert bounding_box(mask) == BOX
    back = mask[::-1, :, ::-1]
    assert bounding_box(back) == (slice(3, 5), slice(3, 8), slice(5, 6))


def test_every_number_of_dimensions_has_a_box() -> None:
    assert bounding_box(marked()[3, 3]) == BOX[2:]
    assert bounding_box(marked()[2]) == (slice(7, 8), slice(5, 6))
    assert bounding_box(marked()[None]) == (slice(0, 1), *BOX)


@pytest.mark.parametrize("shape", [(5,), (4, 5), SHAPE, (0, 4, 4), (4, 4, 0)])
def test_nothing_has_no_box(shape: tuple[int, ...]) -> None:
    assert bounding_box(np.zeros(shape, np.uint8), 2) is None


def test_a_margin_ends_where_the_array_does() -> None:
    assert bounding_box(marked(), 2) == (slice(0, 6), slice(1, 9), slice(3, 8))
    assert bounding_box(marked(), [3, 0, 9]) == (slice(0, 7), slice(3, 8), slice(0, 11))


def test_a_margin_in_mm_is_at_least_so_wide_on_every_axis() -> None:
    geometry = Geometry(SHAPE[::-1], (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), np.eye(3).ravel())
    assert widened_by_mm(BOX, 2.5, geometry) == (slice(1, 5), slice(1, 9), slice(2, 9))


def test_a_part_lies_where_it_lay_on_the_whole_grid() -> None:
    geometry = Geometry(SHAPE[::-1], (1.0, 2.0, 3.0), (10.0, 20.0, 30.0), np.eye(3).ravel())
    box, grid = part_with(marked(), geometry)
    assert box == BOX
    assert grid.shape == marked()[box].shape
    assert np.allclose(grid.origin, (10 + 5, 20 + 2 * 3, 30 + 3 * 2))
    assert part_with(np.zeros(SHAPE), geometry)[0] == whole(SHAPE)
