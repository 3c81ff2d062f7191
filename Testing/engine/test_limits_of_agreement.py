"""Infection rates and volumes beside the expert's, Dice by threshold, and the charts of both."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.evaluation.counts import Counts, SliceCount
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.evaluation.limits_of_agreement import (
    limits_of_agreement,
    rate_pairs,
    volume_pairs,
)
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.inference.ensemble import LabelledSlices
from COVIDLesionSegLib.engine.metrics.infection import Involvement, involvement
from COVIDLesionSegLib.engine.metrics.overlap import Confusion, ProbabilityHistogram
from COVIDLesionSegLib.report.evaluation import write_evaluation_html
from COVIDLesionSegLib.report.evaluation_charts import agreement_svg, slices_svg, thresholds_svg
from COVIDLesionSegLib.report.evaluation_slices import (
    write_limits_csv,
    write_slices_csv,
    write_thresholds_csv,
)
from engine.crafted import Pixelwise, make_card
from engine.known_answers import CPU, ThreeSlices, brightness_model, sample


def test_agreement_by_hand():
    """Differences 1, 0, 2: mean 1, sd 1; the fitted line explains 25 of 28 parts."""
    found = limits_of_agreement([(1.0, 2.0), (3.0, 3.0), (5.0, 7.0)])
    assert found.pearson == pytest.approx(np.corrcoef([1, 3, 5], [2, 3, 7])[0, 1])
    assert found.r_squared == pytest.approx(25 / 28)
    assert (found.bias, found.lower, found.upper) == pytest.approx((1.0, -0.96, 2.96))


def test_too_few_pairs_give_no_agreement_instead_of_a_number():
    one = limits_of_agreement([(1.0, 2.0)])
    assert one.bias == 1.0 and one.lower is one.upper is one.pearson is one.r_squared is None
    assert limits_of_agreement([]).bias is None


def counted(tp, fp, fn, true, predicted, pixel_ml=None):
    pixels = Confusion(tp, fp, fn, 1000 - tp - fp - fn)
    return SliceCount(pixels, tp + fp > 0, true, predicted, pixel_ml=pixel_ml)


def test_rates_are_those_of_infected_slices_and_volumes_those_of_whole_cts():
    slices = [counted(5, 1, 5, 0.1, 0.06, 0.5), counted(0, 4, 0, 0.0, 0.04, 0.5)]
    assert rate_pairs([*slices, counted(1, 0, 0, None, None)]) == [(0.1, 0.06)]
    assert volume_pairs({"p": slices, "q": [counted(1, 0, 0, 0.1, 0.1)]}) == [(5.0, 5.0)]


def test_every_ct_of_a_patient_has_its_own_volumes():
    counts = Counts()
    for found in (60, 20):
        one = replace(sample([(found, 40), (0, 0)]), spacing_mm=(10.0, 1.0, 2.0))
        counts.add(one, brightness_model().predict(one, False))
    assert volume_pairs({"p": counts.slices}) == [
        pytest.approx((0.8, 1.2)),
        pytest.approx((0.8, 0.4)),
    ]


RIGHT_AND_LEFT = np.array([[1, 1, 1, 1, 0, 2, 2]])


@pytest.mark.parametrize(
    ("lesion", "side", "rate"),
    [
        ([1, 0, 0, 0, 0, 0, 0], "right", 1 / 4),
        ([0, 0, 0, 0, 0, 1, 0], "left", 1 / 2),
        ([1, 0, 0, 0, 0, 1, 0], "bilateral", 2 / 6),
        ([0, 0, 0, 0, 1, 0, 0], "none", 0.0),  # beside the lungs
    ],
)
def test_lesion_in_one_lung_is_measured_against_that_lung(lesion, side, rate):
    """COVID-Rate, Figure 5."""
    found = involvement(np.array([lesion], bool), RIGHT_AND_LEFT)
    assert found == Involvement(side, pytest.approx(rate))
    assert involvement(np.array([lesion], bool), np.zeros_like(RIGHT_AND_LEFT)) is None


@pytest.mark.parametrize("labelled", [True, False])
def test_sides_are_counted_where_the_lungs_tell_them_apart_only(labelled):
    one = sample([(100, 200)])
    lungs = np.ones(one.as_stack().image.shape, np.uint8 if labelled else bool)
    one = replace(one.as_stack(), lungs=lungs, spacing_mm=(10.0, 1.0, 2.0))
    counts = Counts()
    counts.add(
        one, LabelledSlices(one.lesion.astype(np.float32), one.lesion.astype(np.uint8), None)
    )
    (slice_count,) = counts.slices
    assert slice_count.pixel_ml == 0.02
    wanted = Involvement("right", pytest.approx(0.2)) if labelled else None
    assert slice_count.true_involvement == slice_count.predicted_involvement == wanted


def test_dice_by_threshold_is_that_of_the_pixels_above_it():
    histogram = ProbabilityHistogram()
    probability = np.array([0.1, 0.3, 0.6, 0.9], np.float32)
    histogram.add(probability, np.array([False, True, False, True]))
    for threshold, tp, fp, fn in ((0.05, 2, 2, 0), (0.2, 2, 1, 0), (0.5, 1, 1, 1), (0.95, 0, 0, 2)):
        assert histogram.dice_above(threshold) == pytest.approx(Confusion(tp, fp, fn, 0).dice)
    assert ProbabilityHistogram().dice_above(0.5) is None


def test_tables_and_page_hold_agreement_slices_and_thresholds(tmp_path):
    evaluation = evaluate_models(ThreeSlices(), [brightness_model()])
    write_limits_csv(evaluation, tmp_path / "limits.csv")
    with (tmp_path / "limits.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["quantity"] == "infection rate of slices, %" and row["n"] == "2"
    # Rates are 20 and 0.8 % by the expert, 10 and 0.4 % by the model.
    assert float(row["bias"]) == pytest.approx((-10 - 0.4) / 2, abs=1e-5)
    write_thresholds_csv(evaluation, tmp_path / "thresholds.csv")
    with (tmp_path / "thresholds.csv").open(encoding="utf-8") as file:
        curve = {row["threshold"]: row["dice"] for row in csv.DictReader(file)}
    assert len(curve) == 99
    pooled = evaluation.models[0].pooled["dice"]
    assert float(curve["0.5"]) == pytest.approx(pooled, abs=1e-6)
    write_slices_csv(evaluation, tmp_path / "slices.csv")
    assert "true_side_rate" in (tmp_path / "slices.csv").read_text(encoding="utf-8")
    write_evaluation_html(evaluation, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    for heading in ("Beside the expert", "Slice by slice", "By threshold"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<svg") == 3


def test_charts_are_drawings_with_their_numbers_in_words():
    pairs = [(1.0, 2.0), (3.0, 3.0), (5.0, 7.0)]
    drawn = agreement_svg("a_model", "rate, %", pairs, limits_of_agreement(pairs))
    texts = {one.text for one in ElementTree.fromstring(drawn).iter() if one.text}
    assert "n 3, Pearson 0.945, R² 0.893" in texts
    assert "bias 1.000, limits of agreement -0.960 to 2.960" in texts
    counts = {"p1": [counted(5, 1, 5, 0.1, 0.06)], "p2": [counted(0, 0, 0, 0.0, 0.0)]}
    slices = slices_svg("a_model", counts)
    for color in ("#00aa50", "#dc2828", "#fad200"):  # the EAMC paper's green, red and yellow
        assert color in slices
    assert "<svg" in thresholds_svg(["a"], [{0.5: 0.7, 0.6: None}], 0.5, [None])


def test_the_dice_that_is_reported_is_a_point_beside_the_curve():
    curve = {0.2: 0.4, 0.5: 0.7, 0.8: 0.6}
    on, above = (thresholds_svg(["a"], [curve], 0.5, [dice]) for dice in (0.7, 0.9))
    assert on != above
    (marker,) = set(
        re.findall(r'<use [^>]*xlink:href="#(m\w+)" x="\S+" y="\S+" style="fill: #c6', on)
    )
    places = [
        float(re.search(rf'<use [^>]*"#{marker}" x="\S+" y="(\S+)" style="fill: #c6', svg)[1])
        for svg in (on, above)
    ]
    assert places[1] < places[0]  # higher on the page


@pytest.mark.parametrize(
    ("combination", "curves"), [("majority-vote", 0), ("mean", 99), ("mean-by-class", 99)]
)
def test_a_threshold_has_no_curve_where_members_vote(combination, curves, tmp_path):
    members = [(make_card(id=name), Pixelwise()) for name in "ab"]
    both = EvaluatedModel(members, replace(CPU, combination=combination))
    evaluation = evaluate_models(ThreeSlices(), [both])
    assert len(evaluation.threshold_dice[0]) == curves
    write_evaluation_html(evaluation, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert ("<h2>By threshold</h2>" in page) == bool(curves)
    one = evaluate_models(ThreeSlices(), [EvaluatedModel(members[:1], both.parameters)])
    assert len(one.threshold_dice[0]) == 99
