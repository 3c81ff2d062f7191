"""Two CTs of one chest whose growth and breathing are known; and two chests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import Cancelled, InputError
from COVIDLesionSegLib.engine.flags import CLEAN_SLICES, LUNGS_CUT_OFF, Flag, untrained_flag
from COVIDLesionSegLib.engine.followup.compare import compare_studies
from COVIDLesionSegLib.engine.followup.registration import register
from COVIDLesionSegLib.engine.followup.study import Study
from COVIDLesionSegLib.engine.labels import CLASSES, NEW, PERSISTENT, RESOLVED
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import Geometry
from engine.directions import DIRECTIONS
from engine.follow_up_pairs import (
    CENTRE,
    LEFT_MIDDLE,
    LEFT_UPPER,
    RIGHT_LOWER,
    RIGHT_MIDDLE,
    Ball,
    breathing,
    grid,
    study,
)

MOTION = breathing(15.0)
OBLIQUE = grid((2.6, 3.2, 4.0), DIRECTIONS["oblique"] @ np.diag([1.0, -1.0, -1.0]))
SAGITTAL = grid((4.0, 3.0, 2.8), DIRECTIONS["sagittal"])
BEFORE = (Ball(RIGHT_MIDDLE, 15), Ball(LEFT_MIDDLE, 11), Ball(LEFT_UPPER, 12, 2))
AFTER = (Ball(RIGHT_MIDDLE, 19), Ball(RIGHT_LOWER, 10), Ball(LEFT_UPPER, 12, 2))


def compared(*studies, **options):
    return compare_studies([lambda progress, study=study: study for study in studies], **options)


def codes(pair):
    return {flag.code for flag in pair.flags}


def moved_ml(ball, motion):
    """Volume of a lesion where the motion puts it, counted on a grid of 1 mm."""
    axis = np.arange(-ball.radius - 20, ball.radius + 20)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    lps = CENTRE + ball.place + np.stack([x, y, z], -1)
    inside = np.linalg.norm(motion(lps) - CENTRE - ball.place, axis=-1) < ball.radius
    return np.count_nonzero(inside) / 1000


@pytest.fixture(scope="module")
def earlier():
    return study(BEFORE, geometry=SAGITTAL)


@pytest.fixture(scope="module")
def later():
    return study(AFTER, geometry=OBLIQUE, motion=MOTION, noise_seed=1)


@pytest.fixture(scope="module")
def pair(earlier, later):
    return compared(earlier, later).pairs[0]


def of_kind(pair, kind):
    return [lesion for lesion in pair.matching.lesions if lesion.kind == kind]


def test_a_lesion_that_came_is_new_and_one_that_went_is_resolved(pair):
    (new,), (resolved,) = of_kind(pair, "new"), of_kind(pair, "resolved")

    assert (new.region, new.earlier_ml) == ("right lung", None)
    assert (resolved.region, resolved.later_ml, resolved.slices) == ("left lung", None, None)
    assert resolved.earlier_ml == pytest.approx(Ball(LEFT_MIDDLE, 11).ml, rel=0.05)


def test_growth_is_that_of_the_lesion_whatever_the_grids_and_the_breathing(pair):
    grown, same = of_kind(pair, "persistent")
    truth = moved_ml(AFTER[0], MOTION) / BEFORE[0].ml
    unchanged = moved_ml(AFTER[2], MOTION) / BEFORE[2].ml

    assert grown.later_ml / grown.earlier_ml == pytest.approx(truth, rel=0.05)
    assert same.later_ml / same.earlier_ml == pytest.approx(unchanged, rel=0.05)
    assert {grown.pattern, same.pattern} == {"one to one"}


def test_volumes_are_those_of_each_study_on_its_own_grid_by_lung_and_class(pair, earlier, later):
    left = next(change for change in pair.changes if change.region == "left lung")
    for value, one in ((left.lung_ml.earlier, earlier), (left.lung_ml.later, later)):
        voxels = np.count_nonzero(one.lungs == 2)
        assert value == pytest.approx(voxels * one.geometry.voxel_volume_ml)
    ground_glass = left.lesion_class_ml[CLASSES[0]]
    assert ground_glass.later == 0 and ground_glass.relative == -1
    assert left.lesion_class_ml[CLASSES[1]].earlier == pytest.approx(BEFORE[2].ml, rel=0.05)


def test_the_changes_lie_on_the_grid_of_the_later_ct_voxel_by_voxel(pair, later):
    changes = pair.matching.changes
    place = [CENTRE + ball.place for ball in (AFTER[0], AFTER[1], AFTER[2])]

    assert pair.geometry == later.geometry and changes.shape == later.geometry.shape
    assert np.array_equal((changes == NEW) | (changes == PERSISTENT), later.lesions > 0)
    for centre, label in zip(place, (PERSISTENT, NEW, PERSISTENT), strict=True):
        nearest = _index_of(centre, later.geometry)
        assert changes[nearest] == label
    # The resolved lesion lies where the motion puts its place.
    k, j, i = np.nonzero(changes == RESOLVED)
    lps = later.geometry.ijk_to_lps @ [i.mean(), j.mean(), k.mean(), 1]
    assert MOTION(lps[:3]) == pytest.approx(CENTRE + LEFT_MIDDLE, abs=3)


def _index_of(there, geometry):
    """Index (k, j, i) of the voxel that the motion brings onto a place of the unmoved chest."""
    z = np.arange(-20.0, 20.0, 0.1)
    lps = there + np.outer(z, [0, 0, 1])
    lps = lps[np.abs(MOTION(lps)[:, 2] - there[2]).argmin()]
    i, j, k = np.rint(np.linalg.solve(geometry.ijk_to_lps, [*lps, 1])[:3]).astype(int)
    return k, j, i


def test_the_registration_fits_and_is_not_flagged(pair):
    assert pair.quality.lung_dice > 0.96
    assert pair.quality.structure_correlation > 0.6
    assert 0 < pair.quality.smallest_jacobian < 1 and pair.quality.folded_share == 0
    assert pair.flags == ()


def test_lungs_of_another_patient_are_flagged_and_their_lesions_not_matched(earlier):
    other = study((Ball(RIGHT_MIDDLE, 15),), seed=2)
    pair = compared(earlier, other).pairs[0]

    assert pair.quality.lung_dice > 0.9  # lungs have one shape: that alone says nothing
    assert codes(pair) == {"registration-poor"}
    assert pair.matching is None
    assert pair.changes[0].lesion_ml.later > 0  # volumes need no registration


def test_a_study_compared_with_itself_has_not_changed_at_all_and_says_so(earlier):
    comparison = compared(earlier, earlier)
    (pair,) = comparison.pairs

    assert codes(pair) == {"same-study-twice"}
    assert {lesion.kind for lesion in pair.matching.lesions} == {"persistent"}
    assert [lesion.change_ml for lesion in pair.matching.lesions] == [0, 0, 0]
    for region in (*pair.changes, *comparison.trend):
        assert (region.lesion_ml.difference, region.lung_ml.difference) == (0, 0)


def test_the_same_ct_corrected_keeps_its_grid_and_shows_what_was_corrected(earlier):
    corrected = replace(earlier, lesions=earlier.lesions * (earlier.lesions == 1))
    (pair,) = compared(earlier, corrected).pairs

    assert [one.later_ml for one in of_kind(pair, "resolved")] == [None]
    assert np.count_nonzero(pair.matching.changes == RESOLVED) == np.count_nonzero(
        earlier.lesions == 2
    )


def test_what_makes_studies_hard_to_compare_is_flagged(earlier):
    other = replace(
        earlier,
        lesions=np.minimum(earlier.lesions, 1),
        classes=("lesion",),
        models={"b": "2"},
        parameters={"threshold": 0.2, "lungs": "threshold"},
        patient="two",
        flags=(untrained_flag(["b"]),),
    )
    parameters = {"threshold": 0.5, "lungs": "threshold", "tiling": "whole-slice"}
    first = replace(earlier, models={"a": "1"}, parameters=parameters, patient="one")
    (pair,) = compared(first, other).pairs

    assert codes(pair) == {
        "same-study-twice",
        "patients-differ",
        "models-differ",
        "parameters-differ",
        "classes-differ",
        "study-untrained",
    }
    (said,) = (flag.message for flag in pair.flags if flag.code == "parameters-differ")
    assert "(threshold)" in said
    by_class = pair.changes[0].lesion_class_ml
    assert set(by_class) == {*CLASSES, "lesion"}
    assert by_class["lesion"].earlier is None and by_class["lesion"].difference is None


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_a_lung_that_one_study_lacks_has_not_healed_and_is_flagged(earlier, first):
    lungs = np.where(earlier.lungs == 2, 0, earlier.lungs)
    hu = earlier.hu.copy()
    hu[earlier.lungs == 0] += 1
    without = replace(earlier, lungs=lungs, hu=hu)
    found = compared(*((without, earlier) if first else (earlier, without))).pairs[0]
    changes = {change.region: change for change in found.changes}
    left = changes["left lung"]

    known = "later" if first else "earlier"
    for change in (left.lesion_ml, left.ratio, *left.lesion_class_ml.values()):
        assert getattr(change, known) is not None
        assert change.difference is None and change.relative is None
    assert changes["right lung"].lesion_ml.difference == 0
    assert "lung-in-one-only" in codes(found) and "inspiration-differs" not in codes(found)


def test_cts_of_too_few_slices_are_said_not_to_fit():
    lungs = np.zeros((3, 40, 60), np.uint8)
    lungs[:, 8:32, 6:26], lungs[:, 8:32, 34:54] = 1, 2
    noise = np.random.default_rng(0).integers(-50, 50, (2, *lungs.shape))
    hu = (np.where(lungs > 0, -850, 0) + noise).astype(np.int16)
    thin = Geometry((60, 40, 3), (4.0, 4.0, 5.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    first, second = (Study(thin, lungs, np.zeros_like(lungs), ("lesion",), one) for one in hu)

    (pair,) = compared(first, second).pairs
    assert "registration-poor" in codes(pair) and pair.matching is None


@pytest.mark.parametrize("first", [False, True])
def test_slices_that_a_classifier_left_out_of_one_study_are_flagged(earlier, later, first):
    flags = (Flag(CLEAN_SLICES, "Some were not segmented.", slices=(3,)),)
    studies = [replace(earlier, patient="one"), replace(later, patient="one")]
    studies[not first] = replace(studies[not first], flags=flags)

    assert codes(compared(*studies).pairs[0]) == {"slices-not-segmented"}


@pytest.mark.parametrize(
    ("flags", "code"),
    [((), "inspiration-differs"), ((Flag(LUNGS_CUT_OFF, "It ends."),), "study-cut-off")],
)
def test_half_a_lung_is_called_cut_off_where_its_ct_ends_and_else_other_breathing(
    earlier, flags, code
):
    lungs = np.array(earlier.lungs)
    lungs[:, : lungs.shape[1] // 2] = 0
    (pair,) = compared(earlier, replace(earlier, lungs=lungs, flags=flags)).pairs

    assert codes(pair) - {"same-study-twice"} == {code}


def test_where_nobody_knows_whether_it_is_one_patient_a_note_says_so(earlier, later):
    (unknown,) = compared(earlier, replace(later, patient=None)).pairs

    assert [(flag.code, flag.level) for flag in unknown.flags] == [("patients-unknown", "note")]


def test_three_studies_are_compared_each_with_the_one_before_and_as_a_whole(earlier):
    none = replace(earlier, lesions=np.zeros_like(earlier.lesions))
    comparison = compared(none, earlier, none)

    assert [(pair.earlier, pair.later) for pair in comparison.pairs] == [(1, 2), (2, 3)]
    kinds = [{lesion.kind for lesion in pair.matching.lesions} for pair in comparison.pairs]
    assert kinds == [{"new"}, {"resolved"}]
    assert comparison.trend[2].lesion_ml.difference == 0
    assert comparison.trend[2].lesion_ml.relative is None  # of nothing


def test_the_wrong_order_and_a_single_study_are_refused(earlier):
    with pytest.raises(InputError, match="earliest first"):
        compared(replace(earlier, day=3), replace(earlier, day=1))
    with pytest.raises(InputError, match="from 2 to 12 studies"):
        compared(earlier)


def test_a_study_without_lungs_or_with_another_ct_is_refused(earlier):
    with pytest.raises(InputError, match="no lungs"):
        replace(earlier, lungs=np.zeros_like(earlier.lungs))
    with pytest.raises(InputError, match="same size"):
        replace(earlier, hu=earlier.hu[1:])


@pytest.mark.slow
def test_without_a_ct_the_shape_of_the_lungs_is_registered_and_a_flag_says_so(earlier, later):
    (pair,) = compared(earlier, replace(later, hu=None)).pairs

    assert codes(pair) == {"registration-by-shape"}
    assert pair.quality.structure_correlation is None and pair.quality.lung_dice > 0.95


def test_the_registration_stops_soon_after_it_was_cancelled(earlier, later):
    cancel, seen = CancelToken(), []

    def progress(report):
        seen.append(report.stage)
        if report.stage == "Registering the lungs: deformable":
            cancel.cancel()

    with pytest.raises(Cancelled):
        register(earlier, later, progress, cancel)
    assert seen[-1] == "Registering the lungs: deformable"
