"""What a correction changed, against counts made by hand, on grids of any orientation."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.severity import Correction, measure_correction, measure_severity
from COVIDLesionSegLib.engine.severity.correction import LabelBox, LabelledCT
from COVIDLesionSegLib.engine.volume import Geometry
from engine.directions import DIRECTIONS

SHAPE = (6, 10, 12)
CLASSES = ("ground-glass opacity", "consolidation")
SPACING = (0.7, 0.9, 2.5)


def grid(direction="axial"):
    return Geometry(SHAPE[::-1], SPACING, (-31.0, 12.0, 80.0), tuple(DIRECTIONS[direction].ravel()))


@pytest.fixture
def chest():
    """Two lungs of 2 x 4 x 4 voxels with lesions of both classes in the right one."""
    lungs, lesions = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    lungs[2:4, 3:7, 1:5] = 1
    lungs[2:4, 3:7, 7:11] = 2
    lesions[2, 3:5, 1:3] = 1
    lesions[3, 3, 1:3] = 2
    return lungs, lesions


def boxed(lungs, lesions) -> LabelledCT:
    """As a segmentation stores them: layers cropped to what they hold."""

    def box(array):
        occupied = np.argwhere(array)
        if not len(occupied):
            return []
        start, stop = occupied.min(axis=0), occupied.max(axis=0) + 1
        part = array[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        values = {10 + label: label for label in range(1, 4)}
        stored = np.where(part > 0, part + 10, 0)
        return [LabelBox(stored, tuple(int(n) for n in start), values)]

    return LabelledCT(box(lungs), box(lesions))


def measure(before, after, direction="axial", graded=True):
    original = measure_severity(*before, CLASSES, grid(direction))
    return measure_correction(
        boxed(*before), boxed(*after), CLASSES, grid(direction), original, graded
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_added_and_removed_volumes_and_agreement_are_those_counted_by_hand(chest, direction):
    lungs, lesions = chest
    corrected = lesions.copy()
    corrected[2, 3, 1:3] = 0  # 2 of 4 voxels of ground glass are taken out
    corrected[2, 6, 7:10] = 1  # and 3 are put into the other lung
    measured = measure(chest, (lungs, corrected), direction)
    changes = {change.name: change for change in measured.changes}
    ml = 0.7 * 0.9 * 2.5 / 1000

    glass = changes["ground-glass opacity"]
    assert glass.added_ml == pytest.approx(3 * ml)
    assert glass.removed_ml == pytest.approx(2 * ml)
    assert (glass.before_ml, glass.after_ml) == (pytest.approx(4 * ml), pytest.approx(5 * ml))
    assert glass.dice == pytest.approx(2 * 2 / (4 + 5))
    assert not changes["consolidation"].changed and changes["consolidation"].dice == 1.0
    assert not changes["right lung"].changed and not changes["left lung"].changed
    assert measured.changed


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_severity_is_that_of_the_corrected_labels_on_the_whole_grid(chest, direction):
    lungs, lesions = (array.copy() for array in chest)
    lungs[4, 4:6, 8:10] = 2  # a slice that had no lung before
    lesions[4, 4, 8] = 2
    measured = measure(chest, (lungs, lesions), direction).severity
    expected = measure_severity(lungs, lesions, CLASSES, grid(direction))

    assert measured.regions == expected.regions and measured.rules == expected.rules
    assert [slice_.index for slice_ in measured.slices] == [
        slice_.index for slice_ in expected.slices
    ]
    for one, other in zip(measured.slices, expected.slices, strict=True):
        assert one.position_mm == pytest.approx(other.position_mm)
        assert replace(one, position_mm=other.position_mm) == other


def test_lungs_are_compared_too_and_lesions_outside_them_do_not_count(chest):
    lungs, lesions = (array.copy() for array in chest)
    lungs[lungs == 1] = 0
    measured = measure(chest, (lungs, lesions))
    right, left, *_ = measured.changes

    assert right.after_ml == 0 and right.dice == 0.0 and right.removed_ml == right.before_ml
    assert left.dice == 1.0
    assert measured.severity.region("right lung").ratio is None
    assert measured.severity.region("both lungs").lesion_ml == 0


def test_a_lesion_that_was_painted_over_a_lung_leaves_the_lung_whole(chest):
    lungs, lesions = chest
    painted, cut = lesions.copy(), lungs.copy()
    painted[2, 5:7, 1:5] = 1
    cut[painted > lesions] = 0
    overlapping = measure((lungs, lesions), (lungs, painted))
    cutting = measure((lungs, lesions), (cut, painted))

    assert cutting == overlapping
    assert not cutting.changes[0].changed and cutting.changes[2].changed


def test_a_found_lesion_that_was_painted_larger_over_a_lung_keeps_its_lung(chest):
    lungs, lesions = chest
    painted, cut = lesions.copy(), lungs.copy()
    painted[2, 3:7, 1:5] = 1
    cut[painted == 1] = 0  # the brush went over the lesion that was there, too

    assert measure(chest, (cut, painted)) == measure(chest, (lungs, painted))


def test_agreement_of_two_empty_segments_is_undefined(chest):
    lungs, lesions = chest
    nothing = np.zeros_like(lesions)
    measured = measure((lungs, nothing), (lungs, nothing))

    assert [change.dice for change in measured.changes] == [1.0, 1.0, None, None]
    assert not measured.changed
    everything_gone = measure((nothing, nothing), (nothing, nothing))
    assert [change.dice for change in everything_gone.changes] == [None] * 4


def test_no_difference_gives_the_severity_of_the_run_itself(chest):
    original = replace(measure_severity(*chest, CLASSES, grid()), rules=())
    measured = measure_correction(boxed(*chest), boxed(*chest), CLASSES, grid(), original)

    assert measured.severity is original


def test_disagreement_of_the_ensemble_stays_with_its_slice(chest):
    lungs, lesions = chest
    disagreement = (lesions == 1).astype(np.float32)
    original = measure_severity(lungs, lesions, CLASSES, grid(), disagreement)
    corrected = lesions.copy()
    corrected[2, 6, 3] = 1
    measured = measure_correction(
        boxed(*chest), boxed(lungs, corrected), CLASSES, grid(), original
    ).severity

    assert [(s.index, s.voted_mm2, s.disagreement) for s in measured.slices] == [
        (s.index, s.voted_mm2, s.disagreement) for s in original.slices
    ]


def test_a_slice_that_was_not_segmented_stays_so_until_lesions_are_drawn_in_it(chest):
    lungs, lesions = chest
    lesions[3] = 0
    original = measure_severity(lungs, lesions, CLASSES, grid()).without_slices([3])
    assert original.slices_not_segmented == (3,)
    for drawn, expected in (((2, 6, 3), (3,)), ((3, 6, 3), ())):
        corrected = lesions.copy()
        corrected[drawn] = 1
        measured = measure_correction(
            boxed(lungs, lesions), boxed(lungs, corrected), CLASSES, grid(), original
        )
        assert measured.severity.slices_not_segmented == expected


def test_what_means_nothing_is_not_graded_after_a_correction_either(chest):
    lungs, lesions = chest
    corrected = np.where(lungs > 0, 1, 0).astype(np.uint8)
    measured = measure(chest, (lungs, corrected), graded=False)

    assert measured.severity.category is None and measured.severity.ratio is None
    assert measured.severity.region("both lungs").ratio == 1.0


def test_the_later_of_two_overlapping_boxes_counts(chest):
    lungs, lesions = chest
    over = LabelBox(np.full((1, 2, 2), 7, np.uint8), (2, 3, 1), {7: 2})
    before = boxed(lungs, lesions)
    after = LabelledCT(before.lungs, [*before.lesions, over])
    original = measure_severity(lungs, lesions, CLASSES, grid())
    measured = measure_correction(before, after, CLASSES, grid(), original)
    ml = grid().voxel_volume_ml

    assert measured.changes[2].after_ml == 0
    assert measured.changes[3].after_ml == pytest.approx(6 * ml)


def test_a_correction_survives_a_trip_through_json(chest):
    lungs, lesions = chest
    measured = measure(chest, (lungs, np.zeros_like(lesions)))

    assert Correction.from_dict(json.loads(json.dumps(measured.to_dict()))) == measured


def test_a_ct_graded_free_of_lesions_stays_so_until_lesions_are_corrected(chest):
    lungs, lesions = chest
    original = measure_severity(lungs, lesions, CLASSES, grid(), lesion_free_ml=1.0)
    assert original.category == "CT-0" and original.ratio > 0
    larger_lung, more_lesion = lungs.copy(), lesions.copy()
    larger_lung[2:4, 7, 7:11] = 2
    more_lesion[2, 5, 1] = 1

    def corrected(lungs, lesions):
        return measure_correction(
            boxed(*chest), boxed(lungs, lesions), CLASSES, grid(), original
        ).severity

    assert corrected(larger_lung, lesions).category == "CT-0"
    assert corrected(larger_lung, lesions).lesion_free_ml == 1.0
    # What a person drew counts, however small it is.
    assert corrected(lungs, more_lesion).category == "CT-1"
