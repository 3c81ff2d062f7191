"""Severity: the papers' check values, exact bounds, and never a silent zero."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.severity import category_of, measure_severity
from COVIDLesionSegLib.engine.severity.categories import category_from
from COVIDLesionSegLib.engine.severity.report import RuleResult, SeverityReport, SliceSeverity
from COVIDLesionSegLib.engine.severity.rules import slice_mean
from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry

IDENTITY = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)


def grid(shape, spacing=(1.0, 1.0, 1.0), direction=IDENTITY, origin=(0.0, 0.0, 0.0)):
    return Geometry(tuple(shape[::-1]), spacing, origin, direction)


@pytest.mark.parametrize(
    ("ratio", "category", "cascade"),
    [
        (None, None, None),
        (0.0, "CT-0", "CT-0"),
        (1e-9, "CT-1", "CT-1"),
        (0.25, "CT-1", "CT-1"),
        (0.2500001, "CT-2", "CT-2"),
        (0.50, "CT-2", "CT-2"),
        (0.5000001, "CT-3", "CT-3"),
        (0.75, "CT-3", "CT-4"),
        (0.7500001, "CT-4", "CT-4"),
        (1.0, "CT-4", "CT-4"),
    ],
)
def test_category_bounds(ratio, category, cascade):
    assert category_of(ratio) == category
    assert category_of(ratio, from_75_is_ct4=True) == cascade


@pytest.mark.parametrize("ratio", [-0.01, 1.01, float("nan")])
def test_a_share_outside_0_to_1_is_refused(ratio):
    with pytest.raises(ValueError, match="between 0 and 1"):
        category_of(ratio)


def test_the_worse_lung_decides_not_the_pooled_share():
    """Left 30/100, right 10/300: CT-2, although pooled 0.10 would be CT-1."""
    lungs = np.array([1] * 300 + [2] * 100, np.uint8).reshape(1, 4, 100)
    lesions = np.zeros(400, np.uint8)
    lesions[:10] = 1
    lesions[300:330] = 1
    report = measure_severity(lungs, lesions.reshape(lungs.shape), ("lesion",), grid(lungs.shape))
    assert report.rules[0].rule == "eamc-worse-lung"
    assert (report.ratio, report.category) == (pytest.approx(0.30), "CT-2")
    assert report.rules[2].ratio == pytest.approx(0.10)
    assert report.rules[2].category == "CT-1"


def test_the_slice_mean_weighs_every_slice_alike():
    """Lung (100, 100, 10), infected (10, 20, 9): 0.40, CT-2; pooled would be 0.186, CT-1."""
    lungs = np.zeros((4, 10, 10), np.uint8)
    lesions = np.zeros_like(lungs)
    lungs[:2] = 1
    lungs[2, 0] = 1  # the fourth slice has no lung and does not count
    lesions.reshape(4, 100)[0, :10] = 1
    lesions.reshape(4, 100)[1, :20] = 1
    lesions.reshape(4, 100)[2, :9] = 1
    report = measure_severity(lungs, lesions, ("lesion",), grid(lungs.shape))
    mean = report.rules[1]
    assert (mean.rule, mean.category) == ("cascade-slice-mean", "CT-2")
    assert mean.ratio == pytest.approx(0.40)
    assert report.rules[2].ratio == pytest.approx(39 / 210)
    assert [slice_.index for slice_ in report.slices] == [0, 1, 2]


def test_volumes_are_ml_of_the_given_spacing_and_classes_add_up():
    lungs = np.full((4, 5, 6), 1, np.uint8)
    lesions = np.zeros_like(lungs)
    lesions[0] = 1
    lesions[1, 0] = 2
    geometry = grid(lungs.shape, spacing=(0.5, 2.0, 5.0))  # 5 mm3 a voxel
    classes = ("ground-glass opacity", "consolidation")
    right = measure_severity(lungs, lesions, classes, geometry).region("right lung")
    assert right.lung_ml == pytest.approx(0.6)
    assert right.lesion_class_ml == {
        "ground-glass opacity": pytest.approx(0.15),
        "consolidation": pytest.approx(0.03),
    }
    assert right.lesion_ml == pytest.approx(0.18)


@pytest.mark.parametrize(
    ("lesion_free_ml", "category"), [(0.0, "CT-1"), (0.17, "CT-1"), (0.18, "CT-0")]
)
def test_no_more_lesion_than_cts_of_healthy_people_show_is_ct0_by_every_rule(
    lesion_free_ml, category
):
    lungs = np.ones((1, 10, 30), np.uint8)
    lungs[:, :, 15:] = 2
    lesions = np.zeros_like(lungs)
    lesions[0, :6, :3] = 1  # 18 voxels of 0.01 ml
    geometry = grid(lungs.shape, (1.0, 1.0, 10.0))
    report = measure_severity(lungs, lesions, ("lesion",), geometry, lesion_free_ml=lesion_free_ml)
    assert [rule.category for rule in report.rules] == [category] * 3
    # The volume that remains is stated all the same.
    assert report.ratio == pytest.approx(18 / 150)
    assert SeverityReport.from_dict(report.to_dict()) == report


def test_a_small_volume_that_fills_much_of_a_small_piece_of_lung_is_not_ct0():
    lungs = np.ones((1, 10, 30), np.uint8)
    lesions = np.zeros_like(lungs)
    lesions[0, :6, :20] = 1
    geometry = grid(lungs.shape, (1.0, 1.0, 10.0))
    report = measure_severity(lungs, lesions, ("lesion",), geometry, lesion_free_ml=3.0)
    assert not report.lesion_free
    assert [rule.category for rule in report.rules] == ["CT-2"] * 3


def test_a_missing_lung_is_none_and_not_zero():
    lungs = np.full((2, 3, 3), 1, np.uint8)
    report = measure_severity(lungs, np.zeros_like(lungs), ("lesion",), grid(lungs.shape))
    assert report.region("left lung").ratio is None
    assert report.region("right lung").ratio == 0.0
    assert report.category == "CT-0"


def test_without_any_lung_nothing_is_graded():
    empty = np.zeros((2, 3, 3), np.uint8)
    report = measure_severity(empty, empty, ("lesion",), grid(empty.shape))
    assert report.slices == ()
    assert {(rule.ratio, rule.category) for rule in report.rules} == {(None, None)}


def test_lesion_outside_the_lungs_does_not_count():
    lungs = np.zeros((2, 3, 3), np.uint8)
    lungs[0] = 2
    report = measure_severity(lungs, np.ones_like(lungs), ("lesion",), grid(lungs.shape))
    assert report.region("both lungs").lesion_ml == pytest.approx(0.009)
    assert report.region("left lung").ratio == 1.0


@given(
    permutation=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([1.0, -1.0])] * 3),
    seed=st.integers(0, 1000),
)
def test_severity_does_not_depend_on_how_the_ct_is_stored(permutation, signs, seed):
    random = np.random.default_rng(seed)
    lungs = random.integers(0, 3, (3, 4, 5)).astype(np.uint8)
    lesions = (random.random((3, 4, 5)) > 0.6).astype(np.uint8)
    spacing_zyx = (4.0, 2.0, 1.0)
    reference = measure_severity(lungs, lesions, ("lesion",), grid((3, 4, 5), (1.0, 2.0, 4.0)))

    # The same patient stored along permuted and flipped axes, its first voxel placed accordingly.
    direction = np.zeros((3, 3))
    for grid_axis, patient_axis in enumerate(permutation):
        direction[patient_axis, grid_axis] = signs[grid_axis]
    size = [(5, 4, 3)[patient_axis] for patient_axis in permutation]
    spacing = [spacing_zyx[::-1][patient_axis] for patient_axis in permutation]
    origin = [0.0, 0.0, 0.0]
    for grid_axis, patient_axis in enumerate(permutation):
        if signs[grid_axis] < 0:
            origin[patient_axis] = (size[grid_axis] - 1) * spacing[grid_axis]
    geometry = Geometry(
        tuple(size), tuple(spacing), tuple(origin), tuple(float(d) for d in direction.ravel())
    )
    order = AxialOrder.of(geometry)
    stored = measure_severity(
        order.to_stored(lungs), order.to_stored(lesions), ("lesion",), geometry
    )
    assert [r.rule for r in stored.rules] == [r.rule for r in reference.rules]
    for ours, theirs in zip(stored.rules, reference.rules, strict=True):
        assert ours.ratio == pytest.approx(theirs.ratio)
    for ours, theirs in zip(stored.slices, reference.slices, strict=True):
        assert (ours.index, ours.position_mm) == (theirs.index, pytest.approx(theirs.position_mm))
        assert ours.lesion_mm2 == pytest.approx(theirs.lesion_mm2)


def test_areas_of_a_slice_are_mm2_by_class_and_add_up():
    lungs = np.zeros((3, 4, 5), np.uint8)
    lungs[:2] = 1
    lungs[1, :, 3:] = 2
    lesions = np.zeros_like(lungs)
    lesions[0, 0] = 1  # 5 pixels
    lesions[1, :, 4] = 1  # 4 pixels, left
    lesions[1, 0, :3] = 2  # 3 pixels, right
    lesions[2] = 2  # no lung here
    geometry = grid(lungs.shape, spacing=(0.5, 2.0, 5.0))  # 1 mm2 a pixel
    classes = ("ground-glass opacity", "consolidation")
    report = measure_severity(lungs, lesions, classes, geometry)
    assert [slice_.lesion_class_mm2 for slice_ in report.slices] == [
        {"ground-glass opacity": pytest.approx(5.0), "consolidation": 0.0},
        {"ground-glass opacity": pytest.approx(4.0), "consolidation": pytest.approx(3.0)},
    ]
    assert [slice_.lesion_mm2 for slice_ in report.slices] == pytest.approx([5.0, 7.0])
    assert [slice_.disagreement for slice_ in report.slices] == [None, None]


def test_disagreement_of_a_slice_is_the_mean_where_any_member_sees_lesion():
    lungs = np.ones((4, 2, 3), np.uint8)
    lesions = np.zeros_like(lungs)
    disagreement = np.zeros(lungs.shape, np.float32)
    lesions[0, 0] = 1  # three voxels, unanimous
    lesions[1, 0], disagreement[1, 0] = 1, (0.0, 0.5, 1.0)
    disagreement[2, 1, 2] = 0.5  # a minority sees lesion, and it is not labelled
    geometry = grid(lungs.shape, spacing=(0.5, 4.0, 5.0))  # 2 mm2 a pixel
    report = measure_severity(lungs, lesions, ("lesion",), geometry, disagreement)
    assert [slice_.disagreement for slice_ in report.slices] == [0.0, 0.5, 0.5, None]
    assert [slice_.voted_mm2 for slice_ in report.slices] == pytest.approx([6.0, 6.0, 2.0, 0.0])


def test_disagreement_follows_its_slices_however_the_ct_is_stored():
    lungs = np.ones((3, 2, 2), np.uint8)
    lesions = np.ones_like(lungs)
    disagreement = np.stack([np.full((2, 2), value, np.float32) for value in (0.0, 0.5, 1.0)])
    upside_down = grid(lungs.shape, direction=(1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0))
    report = measure_severity(lungs, lesions, ("lesion",), upside_down, disagreement)
    assert [slice_.disagreement for slice_ in report.slices] == [1.0, 0.5, 0.0]


def test_an_ungraded_report_keeps_every_volume_and_loses_every_grade():
    lungs = np.array([1] * 300 + [2] * 100, np.uint8).reshape(1, 4, 100)
    lesions = np.zeros_like(lungs)
    lesions[0, 0] = 1
    graded = measure_severity(lungs, lesions, ("lesion",), grid(lungs.shape))
    ungraded = graded.ungraded()
    assert graded.category == "CT-2" and ungraded.category is None and ungraded.ratio is None
    assert {(rule.ratio, rule.category) for rule in ungraded.rules} == {(None, None)}
    assert [rule.rule for rule in ungraded.rules] == [rule.rule for rule in graded.rules]
    assert (ungraded.regions, ungraded.slices) == (graded.regions, graded.slices)


def test_a_report_survives_a_trip_through_json():
    random = np.random.default_rng(0)
    lungs = random.integers(0, 3, (3, 4, 5)).astype(np.uint8)
    lesions = random.integers(0, 3, lungs.shape).astype(np.uint8)
    disagreement = random.random(lungs.shape, dtype=np.float32)
    report = measure_severity(lungs, lesions, ("a", "b"), grid(lungs.shape), disagreement)
    assert SeverityReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_slice_positions_are_superior_mm_of_the_slice_centres():
    lungs = np.ones((3, 2, 2), np.uint8)
    geometry = grid(lungs.shape, spacing=(1.0, 1.0, 2.5), origin=(0.0, 0.0, -100.0))
    report = measure_severity(lungs, np.zeros_like(lungs), ("lesion",), geometry)
    assert [slice_.position_mm for slice_ in report.slices] == pytest.approx([-100.0, -97.5, -95.0])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_slice_mean_lies_between_the_best_and_the_worst_slice(ratios):
    slices = [SliceSeverity(i, float(i), 100.0, 100.0 * r, r, {}) for i, r in enumerate(ratios)]
    mean = slice_mean(slices).ratio
    assert min(ratios) - 1e-12 <= mean <= max(ratios) + 1e-12


def test_a_slice_is_positive_by_one_pixel_and_by_more_than_half_a_percent_of_its_lungs():
    lungs = np.ones((4, 10, 40), np.uint8)
    lungs[0] = 0  # no lung: no slice of the report
    lesions = np.zeros_like(lungs)
    lesions[2, 0, :2] = 1  # 2 of 400 pixels: 0.005 itself is not above 0.005
    lesions[3, 0, :3] = 1
    report = measure_severity(lungs, lesions, ("lesion",), grid(lungs.shape))
    assert report.positive_slices("cascade-any-pixel") == (2, 3)
    assert report.positive_slices("covid-rate-infection-rate") == (3,)
    assert report.positive_by_rule(report.slices[1]) == {
        "cascade-any-pixel": True,
        "covid-rate-infection-rate": False,
    }


def test_what_is_not_graded_has_no_verdict_on_slices():
    lungs = np.ones((2, 4, 4), np.uint8)
    report = measure_severity(lungs, lungs, ("lesion",), grid(lungs.shape)).ungraded()
    assert set(report.positive_by_rule(report.slices[0]).values()) == {None}
    assert report.positive_slices("cascade-any-pixel") is None


def test_categories_are_named_as_their_papers_name_them():
    cascade = [RuleResult("cascade-slice-mean", "", 0.1, f"CT-{n}") for n in range(5)]
    assert [one.name for one in cascade] == ["healthy", "mild", "moderate", "severe", "critical"]
    assert cascade[1].named_category == "CT-1 (mild)"
    eamc = [RuleResult("eamc-worse-lung", "", 0.1, f"CT-{n}") for n in range(5)]
    assert [one.name for one in eamc] == [
        "normal",
        None,
        None,
        "severe pneumonia",
        "acute pneumonia",
    ]
    assert RuleResult("pooled", "", 0.1, "CT-1").named_category == "CT-1"
    assert RuleResult("cascade-slice-mean", "", None, None).named_category is None


def test_categories_are_read_in_every_usual_spelling():
    assert [category_from(text) for text in ("CT-3", "ct3", " 3 ", "CT 3")] == ["CT-3"] * 4
    assert [category_from(text) for text in ("", "CT-5", "severe", "1.5", "-1")] == [None] * 5
