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
    assert "right lung has only 40 %" in flag.message


@pytest.mark.parametrize(
    ("crop", "end", "index"), [(np.s_[8:], "inferior", 0), (np.s_[:20], "superior", 19)]
)
def test_a_scan_that_ends_within_the_lungs(crop, end, index):
    labels, hu = (array[crop] for array in chest((20, 14, 10), (20, 14, 10)))
    (flag,) = check_lungs(labels, hu, SPACING)
    assert flag.code == "lungs-cut-off"
    assert end in flag.message
    assert flag.slices == (index,)


def test_a_tip_at_the_border_is_only_a_note():
    labels, hu = chest()
    labels[0, 5, 5:10] = 1
    (flag,) = check_lungs(labels, hu, SPACING)
    assert (flag.code, flag.level, flag.slices) == ("lungs-touch-border", "note", (0,))


def test_lungs_at_the_side_of_the_field_of_view():
    labels, hu = (array[:, :, 7:] for array in chest((20, 12, 10), (20, 12, 9)))
    (flag,) = check_lungs(labels, hu, SPACING)
    assert flag.code == "lungs-cut-off"
    assert flag.slices == tuple(range(5, 25))


def test_a_lung_that_is_mostly_dense():
    labels, hu = chest()
    hu[(labels == 2) & (np.arange(40) < 9)[:, None, None]] = 30
    assert codes(labels, hu) == []
    hu[(labels == 2) & (np.arange(40) < 13)[:, None, None]] = 30
    (flag,) = check_lungs(labels, hu, SPACING)
    assert flag.code == "lung-dense"
    assert "40 % of the left lung" in flag.message
    assert flag.slices == tuple(range(5, 13))


def test_the_slices_that_are_mostly_dense_are_named_the_densest_first():
    labels, hu = chest()
    for depth, slices in ((9, np.s_[5:9]), (15, np.s_[9:19])):
        hu[slices][(labels[slices] == 2) & (np.arange(40) < depth)[:, None]] = 30
    flag = flagged("lung-dense", labels, hu)
    assert flag.slices == (*range(9, 19), *range(5, 9))


def test_a_smaller_lung_is_named_with_the_slices_in_which_it_is_smaller():
    labels, hu = chest((20, 10, 4), (20, 10, 10))
    (flag,) = check_lungs(labels, hu, SPACING)
    assert sorted(flag.slices) == list(np.flatnonzero((labels == 1).any(axis=(1, 2))))
    assert "is the smaller one in slices" in flag.message


def test_no_lung_at_all_is_missing_and_small_not_a_division_by_zero():
    assert codes(*chest((0, 0, 0), (0, 0, 0))) == ["lung-volume-small", "lung-missing"]


def flagged(code, labels, hu):
    """The one flag with this code."""
    (flag,) = (flag for flag in check_lungs(labels, hu, SPACING) if flag.code == code)
    return flag


def with_gap(side, gap, keep=0.0):
    """The two boxes, one of them without these slices but for a part of its columns."""
    labels, hu = chest()
    for z in gap:
        columns = np.flatnonzero((labels[z] == side).any(axis=0))
        cut = columns[round(keep * len(columns)) :]
        labels[z, :, cut] = np.where(labels[z, :, cut] == side, 0, labels[z, :, cut])
    return labels, hu


@pytest.mark.parametrize(("side", "name"), [(1, "right"), (2, "left")])
@pytest.mark.parametrize("keep", [0.0, 0.3])
def test_slices_without_a_lung_between_slices_with_it_are_named(side, name, keep):
    flag = flagged("lung-gap", *with_gap(side, (9, 10, 11, 15), keep))
    assert f"The {name} lung" in flag.message
    assert "slices 9 to 11 and 15 (of 0 to 39, from the inferior end)" in flag.message
    assert flag.slices == (9, 10, 11, 15)


def test_a_lung_that_gets_somewhat_narrower_has_no_gap():
    assert "lung-gap" not in codes(*with_gap(1, (9, 10, 11, 15), keep=0.7))


def test_slices_with_right_and_left_exchanged_are_named():
    labels, hu = chest()
    labels[12:14] = np.array([0, 2, 1], np.uint8)[labels[12:14]]
    flag = flagged("lung-sides-unclear", labels, hu)
    assert "slices 12 to 13 (of 0 to 39" in flag.message
    assert flag.slices == (12, 13)


def test_slices_in_which_both_lungs_are_called_right_are_named_twice():
    labels, hu = chest()
    labels[12:14][labels[12:14] == 2] = 1
    for code in ("lung-gap", "lung-sides-unclear"):
        assert "slices 12 to 13 (of 0 to 39" in flagged(code, labels, hu).message


def test_a_piece_apart_below_the_lungs_is_named_with_its_side_and_slices():
    labels, hu = (np.roll(array, 12, axis=0) for array in chest())
    labels[3:6, 5:9, 36:42], hu[3:6, 5:9, 36:42] = 2, -900
    flag = flagged("lung-piece-apart", labels, hu)
    assert "72 ml counted as left lung" in flag.message
    assert "below" in flag.message and "slices 3 to 5 (of 0 to 39" in flag.message
    assert flag.slices == (3, 4, 5)


def test_gas_that_only_the_diaphragm_parts_from_the_lung_is_named():
    labels, hu = chest()
    labels[1:5, 5:15, 35:44] = 2
    hu[1:4, 7:13, 37:42], hu[4, 5:15, 35:44] = -900, 50
    assert "slices 1 to 3 (of 0 to 39" in flagged("lung-piece-apart", labels, hu).message


def test_an_organ_that_hangs_below_the_lung_is_named_and_a_consolidation_is_not():
    labels, hu = chest()
    hu[(hu == 40) & (labels == 0)] = 50
    consolidated = hu.copy()
    consolidated[8:14, 5:8, 5:15] = 30  # along the front wall, lung below and behind it
    assert codes(labels, consolidated) == []

    labels[2:5, 5:15, 5:8] = 1  # a recess
    hu[2:5, 5:15, 5:8] = -850
    labels[2:4, 5:10, 9:13] = 1  # liver beside it
    hu[2:4, 5:10, 9:13] = 55
    flag = flagged("lung-soft-tissue", labels, hu)
    assert "ml of soft tissue counted as right lung" in flag.message
    assert "slices 2 to 3 (of 0 to 39" in flag.message
    assert flag.slices == (2, 3)


def test_lungs_at_the_circle_of_the_field_of_view_are_cut_off():
    labels, hu = chest()
    padding = np.hypot(np.arange(40)[:, None] - 10, np.arange(60) - 24) > 18
    hu[:, padding], labels[:, padding] = -3024, 0
    flag = flagged("lungs-cut-off", labels, hu)
    assert set(flag.slices) == set(range(5, 25))
