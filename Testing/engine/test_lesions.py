"""Lesions one by one, and the confidence of slices and lesions, against counts made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lesions import connected_areas
from COVIDLesionSegLib.engine.models.calibration import Calibration, ReliabilityBin
from COVIDLesionSegLib.engine.severity import measure_correction, measure_severity
from COVIDLesionSegLib.engine.severity.correction import LabelBox, LabelledCT
from COVIDLesionSegLib.engine.severity.lesions import Confidence
from COVIDLesionSegLib.engine.severity.report import SeverityReport
from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry
from engine.directions import DIRECTIONS

CLASSES = ("lesion",)
SPACING = (0.5, 1.0, 2.0)
DIAGRAM = Calibration(
    1.5,
    0.5,
    0.02,
    0.01,
    (ReliabilityBin(0.0, 0.0, 10), ReliabilityBin(0.5, 0.4, 10), ReliabilityBin(1.0, 0.9, 10)),
    "p2",
)


def chest():
    """In axial order: two lungs; 12 voxels in the right one, 2 in the left, and 2 outside."""
    lungs, lesions = np.zeros((8, 10, 12), np.uint8), np.zeros((8, 10, 12), np.uint8)
    lungs[1:7, 2:8, 1:5], lungs[1:7, 2:8, 7:11] = 1, 2
    lesions[2, 3:5, 1:5] = 1
    lesions[3, 5, 1:5] = 1  # by its corners
    lesions[5, 7, 9:11] = 1
    lesions[0, 0, :2] = 1
    probability = np.where(lesions, 0.75, 0.2).astype(np.float32)
    probability[3] = np.where(lesions[3], 1.0, 0.2)
    return lungs, lesions, probability


def on_grid(direction="axial"):
    """The chest on a grid of its own: arrays and geometry."""
    direction = DIRECTIONS[direction]
    order = AxialOrder.of(Geometry((1, 1, 1), SPACING, (0, 0, 0), tuple(direction.ravel())))
    arrays = [np.ascontiguousarray(order.to_stored(one)) for one in chest()]
    size = arrays[0].shape[::-1]
    return *arrays, Geometry(size, SPACING, (-31.0, 12.0, 80.0), tuple(direction.ravel()))


def measured(direction="axial", calibrated=True):
    lungs, lesions, probability, geometry = on_grid(direction)
    confidence = Confidence(probability, DIAGRAM.frequency) if calibrated else None
    return measure_severity(lungs, lesions, CLASSES, geometry, confidence=confidence)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lesions_are_listed_by_volume_with_lung_slices_and_place(direction):
    first, second = measured(direction).lesions
    assert [one.number for one in (first, second)] == [1, 2]
    assert (first.region, second.region) == ("right lung", "left lung")
    assert (first.lesion_ml, second.lesion_ml) == (pytest.approx(0.012), pytest.approx(0.002))
    assert (first.slices, second.slices) == ((2, 3), (5, 5))
    assert (first.largest_slice, second.largest_slice) == (2, 5)
    _, lesions, _, geometry = on_grid(direction)
    labels = AxialOrder.of(geometry).to_axial(lesions)
    for one, part in ((first, slice(2, 4)), (second, slice(5, 6))):
        inside = np.zeros_like(labels)
        inside[part] = labels[part]
        k, j, i = np.argwhere(AxialOrder.of(geometry).to_stored(inside)).mean(axis=0)
        place = (geometry.ijk_to_lps @ [i, j, k, 1])[:3]
        assert one.centre_lps_mm == pytest.approx(tuple(place), abs=0.051)


def test_confidence_is_the_frequency_that_the_reliability_diagram_states_for_the_found_voxels():
    """0.65 at a probability of 0.75, 0.9 at 1: 8 and 4 voxels of the first lesion."""
    report = measured()
    assert {slice_.index: slice_.confidence for slice_ in report.slices if slice_.lesion_mm2} == {
        2: pytest.approx(0.65),
        3: pytest.approx(0.9),
        5: pytest.approx(0.65),
    }
    assert {slice_.confidence for slice_ in report.slices if not slice_.lesion_mm2} == {None}
    assert [lesion.confidence for lesion in report.lesions] == [
        pytest.approx((8 * 0.65 + 4 * 0.9) / 12),
        pytest.approx(0.65),
    ]


def test_without_calibration_confidence_is_not_available():
    report = measured(calibrated=False)
    assert {one.confidence for one in (*report.slices, *report.lesions)} == {None}
    assert [replace(lesion, confidence=None) for lesion in measured().lesions] == list(
        report.lesions
    )


def test_a_reliability_diagram_is_read_between_its_bins_and_flat_beyond_them():
    shuffled = replace(DIAGRAM, bins=DIAGRAM.bins[:0:-1])
    assert shuffled.frequency([0.1, 0.5, 0.6, 1.0]).tolist() == pytest.approx([0.4, 0.4, 0.5, 0.9])


def test_a_report_with_lesions_comes_back_from_json_and_one_of_an_earlier_version_too():
    report = measured()
    assert SeverityReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    earlier = json.loads(json.dumps(report.to_dict()))
    del earlier["lesions"]
    for slice_ in earlier["slices"]:
        del slice_["confidence"]
    assert SeverityReport.from_dict(earlier).lesions == ()


def test_a_ct_without_lesion_has_none():
    lungs, lesions, probability, geometry = on_grid()
    confidence = Confidence(probability, DIAGRAM.frequency)
    report = measure_severity(lungs, 0 * lesions, CLASSES, geometry, confidence=confidence)
    assert report.lesions == () and connected_areas(0 * lesions) is None


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_confidence_stays_where_a_correction_changed_nothing(direction):
    lungs, lesions, _, geometry = on_grid(direction)
    original = measured(direction)
    corrected = lesions.copy()
    AxialOrder.of(geometry).to_axial(corrected)[5, 7, 9] = 0

    def labelled(labels):
        whole = [LabelBox(one, (0, 0, 0), {1: 1, 2: 2}) for one in (lungs, labels)]
        return LabelledCT(whole[:1], whole[1:])

    after = measure_correction(
        labelled(lesions * (lungs > 0)),
        labelled(corrected * (lungs > 0)),
        CLASSES,
        geometry,
        original,
    ).severity
    assert after.lesions[0] == original.lesions[0]
    assert after.lesions[1].confidence is None
    assert after.lesions[1].lesion_ml == pytest.approx(0.001)
    assert {slice_.index: slice_.confidence for slice_ in after.slices if slice_.lesion_mm2} == {
        2: pytest.approx(0.65),
        3: pytest.approx(0.9),
        5: None,
    }


@pytest.mark.parametrize("corner_mm", [-157.3, -157.05, -156.8, -156.55])
def test_confidence_stays_of_lesions_that_a_correction_of_the_lungs_left_alone(corner_mm):
    """On a part of the grid their centres, rounded to a tenth of a mm, may round otherwise."""
    axes = tuple(np.eye(3).ravel())
    geometry = Geometry((12, 10, 8), (0.7, 0.9, 1.5), (corner_mm, 112.1, 80.3), axes)
    lungs, lesions = (np.zeros(geometry.shape, np.uint8) for _ in range(2))
    lungs[1:7, 2:8, 1:11] = 1
    for x in (1, 4, 7):
        lesions[4, 3, x : x + 2] = 1
    confidence = Confidence(lesions * np.float32(0.75), DIAGRAM.frequency)
    original = measure_severity(lungs, lesions, CLASSES, geometry, confidence=confidence)
    smaller = lungs.copy()
    smaller[1, 2, 10] = 0

    def labelled(lungs):
        boxes = [LabelBox(one[1:7, 2:8, 1:11], (1, 2, 1), {1: 1}) for one in (lungs, lesions)]
        return LabelledCT(boxes[:1], boxes[1:])

    after = measure_correction(labelled(lungs), labelled(smaller), CLASSES, geometry, original)
    assert after.severity.confidence == pytest.approx(0.65)
