"""Distances between borders: by hand, by brute force, and in mm where pixels are not square."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from COVIDLesionSegLib.engine.metrics.surface import hausdorff95, normalised_surface_dice

masks = hnp.arrays(bool, (6, 7))
spacings = st.tuples(st.sampled_from([0.5, 1.0, 2.5]), st.sampled_from([0.75, 1.0]))


def border(mask: np.ndarray) -> list[tuple[int, ...]]:
    """Pixels of a mask with a neighbour outside it; beyond the image is outside."""
    padded = np.pad(mask, 1)
    return [
        place
        for place in zip(*np.nonzero(mask), strict=True)
        if not all(
            padded[tuple(p + 1 + (axis == n) * step for n, p in enumerate(place))]
            for axis, step in itertools.product(range(mask.ndim), (-1, 1))
        )
    ]


def distances(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """From every border pixel of the first mask to the nearest of the second."""
    here, there = (np.array(border(mask)) * spacing for mask in (first, second))
    return np.linalg.norm(here[:, None] - there[None], axis=-1).min(axis=1)


def square(row: int, column: int, size: int = 4) -> np.ndarray:
    mask = np.zeros((16, 20), bool)
    mask[row : row + size, column : column + size] = True
    return mask


def test_a_shift_is_as_far_as_the_pixels_are_large():
    first, second = square(4, 4), square(4, 7)
    assert hausdorff95(first, second, (1.0, 1.0)) == pytest.approx(3.0)
    assert hausdorff95(first, second, (5.0, 0.5)) == pytest.approx(1.5)


def test_surface_dice_counts_the_border_within_the_tolerance():
    first, second = square(4, 4), square(4, 5)  # 12 border pixels each, 6 of them shared
    assert normalised_surface_dice(first, second, (1.0, 1.0), 0.0) == pytest.approx(0.5)
    assert normalised_surface_dice(first, second, (1.0, 1.0), 1.0) == 1.0
    assert normalised_surface_dice(first, second, (1.0, 2.0), 1.0) < 1.0


def test_what_has_no_border_is_undefined_or_missed_altogether():
    empty, full = np.zeros((16, 20), bool), square(4, 4)
    for predicted, truth in ((empty, empty), (empty, full), (full, empty)):
        assert hausdorff95(predicted, truth, (1.0, 1.0)) is None
    assert normalised_surface_dice(empty, empty, (1.0, 1.0), 2.0) is None
    assert normalised_surface_dice(empty, full, (1.0, 1.0), 2.0) == 0.0
    assert normalised_surface_dice(full, empty, (1.0, 1.0), 2.0) == 0.0


@given(masks, masks, spacings, st.sampled_from([0.6, 1.3, 2.0]))
def test_brute_force_agrees(predicted, truth, spacing, tolerance):
    if not predicted.any() or not truth.any():
        return
    forth, back = distances(predicted, truth, spacing), distances(truth, predicted, spacing)
    expected = max(np.percentile(forth, 95), np.percentile(back, 95))
    assert hausdorff95(predicted, truth, spacing) == pytest.approx(expected, abs=1e-5)
    near = np.count_nonzero(forth <= tolerance) + np.count_nonzero(back <= tolerance)
    assert normalised_surface_dice(predicted, truth, spacing, tolerance) == pytest.approx(
        near / (len(forth) + len(back))
    )


def test_volumes_are_measured_in_all_three_directions():
    first = np.zeros((9, 8, 8), bool)
    first[2:5, 2:6, 2:6] = True
    second = np.roll(first, 2, axis=0)
    assert hausdorff95(first, second, (2.5, 1.0, 1.0)) == pytest.approx(5.0)
    assert normalised_surface_dice(first, first, (2.5, 1.0, 1.0), 0.0) == 1.0
