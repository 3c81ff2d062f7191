"""Where two extractors differ by more than a volume, the lung, the slices and the ml are named."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lungs.second_opinion import compare_lungs

SPACING = (10.0, 5.0, 5.0)  # 4 voxels are 1 ml


def lungs():
    labels = np.zeros((20, 40, 60), np.uint8)
    labels[2:18, 5:35, 5:25] = 1
    labels[2:18, 5:35, 35:55] = 2
    return labels


def flags(labels, other, **kwargs):
    return list(compare_lungs(labels, other, SPACING, **kwargs))


def test_equal_lungs_are_not_flagged():
    assert flags(lungs(), lungs()) == []


@pytest.mark.parametrize(("side", "columns"), [(1, (5, 15)), (2, (45, 55))])
def test_what_the_second_opinion_leaves_out_is_named_with_lung_slices_and_ml(side, columns):
    other = lungs()
    other[6:9, 10:20, slice(*columns)] = 0
    other[8, 20:30, slice(*columns)] = 0
    (flag,) = flags(lungs(), other)
    assert (flag.code, flag.level) == ("lung-opinions-differ", "warning")
    assert f"the {('right', 'left')[side - 1]} lung leaves out 100 ml of it" in flag.message
    assert "finds 0 ml more, in slices 6 to 8 (of 0 to 19" in flag.message
    assert flag.slices == (8, 6, 7)


def test_what_only_the_second_opinion_finds_is_named_too():
    labels = lungs()
    labels[6:9, 10:20, 5:15] = 0
    (flag,) = flags(labels, lungs())
    assert "right lung leaves out 0 ml of it and finds 75 ml more" in flag.message


def test_a_lung_that_is_the_other_one_for_the_second_opinion_is_named_on_both_sides():
    other = lungs()
    other[4:7] = np.array([0, 2, 1], np.uint8)[other[4:7]]
    found = flags(lungs(), other)
    assert [flag.slices for flag in found] == [(4, 5, 6), (4, 5, 6)]
    assert "right lung leaves out 450 ml of it and finds 450 ml more" in found[0].message


@pytest.mark.parametrize("ml", [74.0, 75.0])
def test_only_a_place_larger_than_the_volume_counts(ml):
    other = lungs()
    other[6:9, 10:20, 5:15] = 0
    assert len(flags(lungs(), other, tolerated_ml=ml)) == (ml < 75)


def test_places_that_are_small_each_do_not_add_up():
    other = lungs()
    for first in range(2, 18, 3):
        other[first, 10:20, 5:15] = 0
    assert flags(lungs(), other) == []


def test_an_outline_one_voxel_apart_is_no_difference():
    other = lungs()
    other[2:18, 4:36, 4:26] = 1
    assert flags(lungs(), other, tolerated_ml=1.0) == []
    assert flags(other, lungs(), tolerated_ml=1.0) == []
