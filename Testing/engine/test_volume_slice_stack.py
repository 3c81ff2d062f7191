"""Slice positions, for every orientation, order and rounding."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume.slice_stack import slice_order, stack_geometry

AXIAL = np.array([1.0, 0, 0, 0, 1.0, 0])


def unit(vector):
    return vector / np.linalg.norm(vector)


@st.composite
def orientations(draw):
    numbers = st.floats(-1, 1)
    i = np.array([draw(numbers) for _ in range(3)])
    j = np.array([draw(numbers) for _ in range(3)])
    assume(np.linalg.norm(np.cross(i, j)) > 0.05)
    i = unit(i)
    return np.concatenate([i, unit(j - (i @ j) * i)])


def stack(positions, orientation=AXIAL, pixel=(0.7, 0.8)):
    positions = positions[slice_order(positions, orientation)]
    return stack_geometry(positions, orientation, pixel, rows=6, columns=5)


@given(orientations(), st.integers(3, 40), st.floats(0.3, 10), st.randoms(use_true_random=False))
def test_any_order_of_files_gives_the_written_grid(orientation, count, step, random):
    normal = np.cross(orientation[:3], orientation[3:])
    origin = np.array([-10.0, 20.0, -300.0])
    positions = origin + np.outer(np.arange(count) * step, normal)
    shuffled = list(range(count))
    random.shuffle(shuffled)
    grid = stack(positions[shuffled], orientation)
    assert grid.size == (5, 6, count)
    np.testing.assert_allclose(grid.spacing, (0.8, 0.7, step), rtol=1e-9)
    np.testing.assert_allclose(grid.origin, origin, atol=1e-9)
    np.testing.assert_allclose(
        grid.ijk_to_lps @ [0, 0, count - 1, 1], [*positions[-1], 1], atol=1e-6
    )
    np.testing.assert_allclose(np.linalg.det(np.reshape(grid.direction, (3, 3))), 1, atol=1e-9)


@given(st.integers(4, 60), st.floats(0.5, 10), st.data())
def test_any_missing_slice_within_the_stack_is_noticed(count, step, data):
    positions = np.outer(np.arange(count) * step, [0, 0, 1.0])
    gone = data.draw(st.integers(1, count - 2))
    with pytest.raises(InputError, match="1 slice of the series is missing") as caught:
        stack(np.delete(positions, gone, axis=0))
    before, after = (gone - 1) * step, (gone + 1) * step
    assert f"between {before:.1f} and {after:.1f} mm" in str(caught.value)


@given(st.integers(3, 600), st.floats(0.4, 10), st.floats(-2000, 2000))
@example(3, 0.5, 0.25)  # 0.2, 0.8, 1.2 mm
def test_positions_rounded_to_one_decimal_are_tolerated(count, step, start):
    depths = np.round(start + np.arange(count) * step, 1)
    grid = stack(np.outer(depths, [0, 0, 1.0]))
    assert grid.spacing[2] == pytest.approx(step, abs=0.1 / (count - 1) + 1e-9)


@pytest.mark.parametrize("decimals", [3, 6])
def test_rounded_orientation_is_tolerated_and_made_orthonormal(decimals):
    angle = np.radians(17.3)
    i, j = np.array([np.cos(angle), np.sin(angle), 0]), np.array([0, 0, -1.0])
    positions = np.outer(np.arange(100) * 2.0, np.cross(i, j))
    grid = stack(positions, np.round(np.concatenate([i, j]), decimals))
    direction = np.reshape(grid.direction, (3, 3))
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)


def test_many_gaps_are_counted_and_the_first_named():
    kept = [n for n in range(40) if n % 5 != 3]
    positions = np.outer(np.array(kept) * 2.0, [0, 0, 1.0])
    with pytest.raises(InputError, match="8 slices .* are missing .*, and 5 more gaps"):
        stack(positions)


def test_slices_almost_at_one_position_are_not_taken_for_missing_ones():
    depths = np.array([0.0, 2.0, 2.03, 4.0, 6.0])
    with pytest.raises(InputError, match="unevenly spaced"):
        stack(np.outer(depths, [0, 0, 1.0]))
