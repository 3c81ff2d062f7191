"""When two lesions are the same: on blocks of voxels, registered by a known shift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.followup.matching import match_lesions
from COVIDLesionSegLib.engine.followup.matching_rule import MatchingRule
from COVIDLesionSegLib.engine.followup.quality import IDENTITY
from COVIDLesionSegLib.engine.followup.registration import Registration
from COVIDLesionSegLib.engine.followup.study import Study
from COVIDLesionSegLib.engine.labels import NEW, PERSISTENT, RESOLVED
from COVIDLesionSegLib.engine.volume import Geometry

GRID = Geometry((40, 30, 20), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
ONE_ML = (5, 5, 5)
"""Voxels of a block of 1 ml."""


def with_lesions(*corners, size=ONE_ML, geometry=GRID):
    """A study whose right lung is everything, with blocks of lesion at these (k, j, i)."""
    lesions = np.zeros(geometry.shape, np.uint8)
    for corner in corners:
        lesions[tuple(slice(a, a + n) for a, n in zip(corner, size, strict=True))] = 1
    return Study(geometry, np.ones(geometry.shape, np.uint8), lesions, ("lesion",))


def matched(earlier, later, shift=(0.0, 0.0, 0.0), **rule):
    """``shift`` leads from the later to the earlier CT, LPS in mm."""
    registration = Registration(sitk.TranslationTransform(3, shift), IDENTITY)
    return match_lesions(earlier, later, registration, MatchingRule(**rule))


def kinds(matching):
    return [lesion.kind for lesion in matching.lesions]


@pytest.mark.parametrize("gap_voxels, kind", [(2, ["persistent"]), (3, ["new", "resolved"])])
def test_lesions_are_the_same_up_to_the_tolerance_apart(gap_voxels, kind):
    # Their nearest voxels are gap + 1 voxels of 2 mm apart; a tenth of each must be that near.
    later = with_lesions((5, 5, 5 + 5 + gap_voxels))

    assert kinds(matched(with_lesions((5, 5, 5)), later, tolerance_mm=6.0)) == kind


def test_less_than_the_least_overlap_of_the_smaller_one_is_no_match():
    earlier, later = with_lesions((5, 5, 5)), with_lesions((5, 5, 9))  # a fifth of each overlaps

    assert kinds(matched(earlier, later, tolerance_mm=0.0, least_overlap=0.2)) == ["persistent"]
    assert kinds(matched(earlier, later, tolerance_mm=0.0, least_overlap=0.21)) == [
        "new",
        "resolved",
    ]


def test_lesions_that_became_one_are_merged_and_one_that_became_two_is_split():
    two, one = with_lesions((5, 5, 5), (5, 5, 12)), with_lesions((5, 5, 5), (5, 5, 10), (5, 5, 12))
    (merged,), (split,) = matched(two, one).lesions, matched(one, two).lesions

    assert (merged.pattern, merged.earlier, merged.later) == ("merged", (1, 2), (1,))
    assert (split.pattern, split.earlier, split.later) == ("split", (1,), (1, 2))
    assert (merged.earlier_ml, merged.later_ml) == pytest.approx((2.0, 2.4))
    assert merged.change_ratio == pytest.approx(0.2) and split.change_ml == pytest.approx(-0.4)


def test_a_lesion_between_two_is_linked_to_both_also_where_it_is_nearer_to_one():
    two, between = with_lesions((5, 5, 5), (5, 5, 15)), with_lesions((5, 5, 11), size=(5, 5, 1))
    (merged,) = matched(two, between, tolerance_mm=8.0).lesions
    (split,) = matched(between, two, tolerance_mm=8.0).lesions

    assert (merged.pattern, merged.earlier, merged.later) == ("merged", (1, 2), (1,))
    assert (split.pattern, split.earlier, split.later) == ("split", (1,), (1, 2))
    near_one = matched(two, between, tolerance_mm=6.0)
    assert kinds(near_one) == ["resolved", "persistent"]


def test_the_registration_says_where_a_lesion_lay():
    earlier, later = with_lesions((5, 5, 5)), with_lesions((5, 5, 25))

    assert kinds(matched(earlier, later)) == ["new", "resolved"]
    assert kinds(matched(earlier, later, shift=(-40.0, 0.0, 0.0))) == ["persistent"]


def test_small_lesions_are_counted_apart_unless_they_have_a_partner():
    small = with_lesions((5, 5, 5), size=(2, 2, 2))  # 0.064 ml
    none = with_lesions()
    alone, partnered = matched(small, none), matched(small, with_lesions((5, 5, 5)))

    assert alone.lesions == () and not alone.changes.any()
    assert alone.left_out == ((1, pytest.approx(0.064)), (0, 0.0))
    assert kinds(partnered) == ["persistent"]
    assert kinds(matched(none, small, smallest_ml=0.05)) == ["new"]


def test_a_lesion_that_the_other_ct_does_not_cover_is_neither_new_nor_resolved():
    beyond = matched(with_lesions((5, 5, 5)), with_lesions(), shift=(30.0, 0.0, 0.0))
    unseen = matched(with_lesions(), with_lesions((5, 5, 5)), shift=(-40.0, 0.0, 0.0))

    assert kinds(beyond) == kinds(unseen) == ["not covered"]
    for one in (*beyond.lesions, *unseen.lesions):
        assert (one.change_ml, one.change_ratio) == (None, None)
    assert not beyond.changes.any() and not unseen.changes.any()


def without_lung(study, first, last):
    """The study without the lung of these slices."""
    lungs = study.lungs.copy()
    lungs[first:last] = 0
    return replace(study, lungs=lungs)


@pytest.mark.parametrize(
    "gap, covered",
    [
        ((3, 12), False),
        ((5, 10), True),  # a middle slice is 6 mm from lung, the others are within 5 mm
        ((0, 8), True),  # from the second slice on within 5 mm of lung
        ((0, 11), False),
    ],
)
def test_a_lesion_is_covered_where_the_other_ct_shows_lung_within_the_tolerance_of_most_of_it(
    gap, covered
):
    there, none = with_lesions((5, 5, 5)), without_lung(with_lesions(), *gap)

    assert kinds(matched(none, there)) == ["new" if covered else "not covered"]
    assert kinds(matched(there, none)) == ["resolved" if covered else "not covered"]


@pytest.mark.parametrize("gap", [(3, 12), (5, 10)])
def test_a_lesion_that_the_other_ct_still_marks_outside_its_lungs_is_not_covered(gap):
    there = with_lesions((5, 5, 5))
    outside = without_lung(there, *gap)

    assert kinds(matched(there, outside)) == kinds(matched(outside, there)) == ["not covered"]


def test_a_lesion_in_lung_beyond_the_slices_with_lung_of_the_other_ct_is_not_covered():
    there, none = with_lesions((1, 5, 5)), without_lung(with_lesions(), 0, 10)

    assert kinds(matched(none, there)) == kinds(matched(there, none)) == ["not covered"]


@pytest.mark.parametrize(("left", "kind"), [(7, "not covered"), (8, "resolved")])
def test_a_lesion_of_which_the_other_ct_marks_most_outside_its_lungs_is_not_covered(left, kind):
    other = with_lesions((5, 5, left))  # three fifths of the lesion, or two
    lungs = np.where(other.lesions > 0, 0, other.lungs).astype(np.uint8)
    other = replace(other, lungs=lungs)

    assert kinds(matched(with_lesions((5, 5, 5)), other, tolerance_mm=0.0)) == [kind]


def test_a_resolved_lesion_never_covers_one_that_is_there():
    earlier, later = with_lesions((5, 5, 5)), with_lesions((5, 5, 9))
    changes = matched(earlier, later, tolerance_mm=0.0, least_overlap=0.5).changes

    assert np.count_nonzero(changes == NEW) == 125
    assert np.count_nonzero(changes == RESOLVED) == 100
    assert not (changes == PERSISTENT).any()


def test_without_any_lesion_nothing_is_matched():
    matching = matched(with_lesions(), with_lesions())

    assert matching.lesions == () and not matching.changes.any()
