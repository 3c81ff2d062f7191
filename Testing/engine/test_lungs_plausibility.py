"""Each remark on the lungs appears for its condition, and only for it."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lungs.plausibility import check_lungs

SPACING = (10.0, 10.0, 10.0)  # one voxel is 1 ml


def chest(right=(20, 10, 10), left=(20, 10, 9)):
    """Two boxes of lung in a volume of 40 x 40 x 60 voxels; sizes along (z, y, x)."""
    labels = np.zeros((40, 40, 60), np.uint8)
    for side, size, x in ((1, right, 5), (2, left, 35)):
        labels[5 : 5 + size[0], 5 : 5 + size[1], x : x + size[2]] = side
    return labels, np.where(labels > 0, -850, 40).astype(np.int16)


def codes(labels, hu, spacing=SPACING):
    return [flag.code for flag in check_lungs(labels, hu, spacing)]


def test_ordinary_lungs_have_no_remark():
    assert codes(*chest()) == []


@pytest.mark.parametrize(
    ("right", "left", "code"),
    [
        ((10, 7, 10), (10, 7, 10), "lung-volume-small"),
        ((30, 20, 10), (30, 20, 10), "lung-volume-large"),
        ((20, 10, 10), (20, 10, 4), "lungs-asymmetric"),
        ((20, 10, 4), (20, 10, 10), "lungs-asymmetric"),
        ((20, 10, 15), (5, 5, 2), "lung-missing"),
        ((20, 10, 15), (0, 0, 0), "lung-missing"),
    ],
)
def test_volumes(right, left, code):
    assert codes(*chest(right, left)) == [code]


def test_the_smaller_lung_is_named():
    (flag,) = check_lungs(*chest((20, 10, 4), (20, 10, 10)), SPACING)
    assert "right lung has only 40%" in flag.message


@pytest.mark.parametrize(("crop", "end"), [(np.s_[8:], "inferior"), (np.s_[:20], "superior")])
def test_a_scan_that_ends_within_the_lungs(crop, end):
    labels, hu = (array[crop] for array in chest((20, 14, 10), (20, 14, 10)))
    (flag,) = check_lungs(labels, hu, SPACING)
    assert flag.code == "lungs-cut-off"
    assert end in flag.message


def test_a_tip_at_the_border_is_only_a_note():
    labels, hu = chest()
    labels[0, 5, 5:10] = 1
    (flag,) = check_lungs(labels, hu, SPACING)
    assert (flag.code, flag.level) == ("lungs-touch-border", "note")


def test_lungs_at_the_side_of_the_field_of_view():
    labels, hu = (array[:, :, 7:] for array in chest((20, 12, 10), (20, 12, 9)))
    assert codes(labels, hu) == ["lungs-cut-off"]


def test_a_lung_that_is_mostly_dense():
    labels, hu = chest()
    hu[(labels == 2) & (np.arange(40) < 9)[:, None, None]] = 30
    assert codes(labels, hu) == []
    hu[(labels == 2) & (np.arange(40) < 13)[:, None, None]] = 30
    (flag,) = check_lungs(labels, hu, SPACING)
    assert flag.code == "lung-dense"
    assert "40% of the left lung" in flag.message


def test_no_lung_at_all_is_missing_and_small_not_a_division_by_zero():
    assert codes(*chest((0, 0, 0), (0, 0, 0))) == ["lung-volume-small", "lung-missing"]
