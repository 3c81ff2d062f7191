"""Areas too small to be called a lesion are left out, in three dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from COVIDLesionSegLib.engine.inference.small_lesions import SmallLesions, remove_small_lesions

VOXEL_ML = 0.01


def blocks():
    """Areas of 8, 2 and 1 voxels, far from each other."""
    labels = np.zeros((6, 20, 20), np.uint8)
    labels[1:3, 2:4, 2:4] = 1
    labels[3:5, 10, 10] = 1
    labels[5, 19, 19] = 1
    return labels


def test_areas_below_the_volume_go_and_are_counted():
    labels = blocks()
    assert remove_small_lesions(labels, 0.05, VOXEL_ML) == SmallLesions(2, pytest.approx(0.03))
    assert labels.sum() == 8 and labels[1:3, 2:4, 2:4].all()


@pytest.mark.parametrize(("smallest_ml", "voxels"), [(0, 11), (0.01, 11), (0.02, 10), (0.021, 8)])
def test_an_area_of_just_the_volume_stays(smallest_ml, voxels):
    labels = blocks()
    remove_small_lesions(labels, smallest_ml, VOXEL_ML)
    assert labels.sum() == voxels


def test_voxels_that_share_a_corner_and_classes_that_touch_are_one_area():
    labels = np.zeros((3, 3, 3), np.uint8)
    for n, label in enumerate((1, 2, 1)):
        labels[n, n, n] = label
    before = labels.copy()
    assert remove_small_lesions(labels, 0.03, VOXEL_ML).count == 0
    np.testing.assert_array_equal(labels, before)


def test_a_ct_without_lesion_stays_so():
    labels = np.zeros((2, 3, 4), np.uint8)
    assert remove_small_lesions(labels, 1.0, VOXEL_ML) == SmallLesions()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.3))
def test_every_area_that_stays_is_large_enough_and_unchanged(seed, smallest_ml):
    rng = np.random.default_rng(seed)
    labels = (rng.random((5, 12, 12)) > 0.85).astype(np.uint8) * rng.integers(
        1, 3, (5, 12, 12), dtype=np.uint8
    )
    before = labels.copy()
    removed = remove_small_lesions(labels, smallest_ml, VOXEL_ML)
    areas, count = ndimage.label(before, np.ones((3, 3, 3)))
    for area in range(1, count + 1):
        inside = areas == area
        stays = inside.sum() * VOXEL_ML >= smallest_ml - 1e-9
        np.testing.assert_array_equal(labels[inside], before[inside] if stays else 0)
    lost = ((before > 0) & (labels == 0)).sum()
    assert removed.volume_ml == pytest.approx(lost * VOXEL_ML)
