"""Slices one by one, and the spread of scores over groups of slices."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.evaluation.counts import SliceCount
from COVIDLesionSegLib.engine.evaluation.groups import group_scores
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.metrics.overlap import Confusion
from COVIDLesionSegLib.report.evaluation import write_evaluation_html
from COVIDLesionSegLib.report.evaluation_slices import (
    rates_for_page,
    write_groups_csv,
    write_slices_csv,
)
from engine.known_answers import ThreeSlices, brightness_model, sample


def counted(tp, fp, fn, rate):
    return SliceCount(Confusion(tp, fp, fn, 1000 - tp - fp - fn), tp + fp > 0, rate, rate)


def test_groups_are_those_of_covid_rate_with_median_and_quartiles_over_slices():
    """Table 3: below and above an infection rate of 0.015, which itself is in group B."""
    slices = [
        counted(1, 1, 0, 0.001),
        counted(1, 0, 3, 0.014),
        counted(10, 0, 0, 0.015),
        counted(30, 10, 10, 0.1),
        counted(50, 0, 0, 0.2),
        counted(0, 5, 0, 0.0),  # a slice without lesion is in no group
    ]
    found = {(one.group, one.measure): one for one in group_scores(slices)}
    small, large = found["A", "dice"], found["B", "dice"]
    assert (small.slices, large.slices, found["infected", "dice"].slices) == (2, 3, 5)
    dices = [2 / 3, 2 / 5]
    assert small.median == pytest.approx(np.median(dices))
    assert (small.lower, small.upper) == pytest.approx(tuple(np.percentile(dices, [25, 75])))
    assert large.median == 1.0 and large.mean == pytest.approx((1 + 60 / 80 + 1) / 3)
    assert large.sd == pytest.approx(np.std([1, 60 / 80, 1], ddof=1))
    assert found["A", "sensitivity"].median == pytest.approx((1 + 1 / 4) / 2)


def test_without_lungs_there_are_no_groups_by_size_and_without_lesions_none_at_all():
    assert {one.group for one in group_scores([counted(1, 0, 0, None)])} == {"infected"}
    assert group_scores([counted(0, 1, 0, 0.0)]) == []


def test_a_lesion_outside_the_lungs_alone_is_neither_small_nor_large_and_a_remark_says_so():
    def shifted(one):
        """The same with the lungs right of pixel 300, where the expert marked nothing."""
        return replace(one, lungs=np.arange(1000)[None, None] >= 300)

    class Shifted(ThreeSlices):
        mask_by_default = True

        def read(self, patient, cancel):
            inside = sample([(10, 10)])
            yield from (shifted(sample([(100, 200)])), inside, shifted(sample([(0, 250)])))

    evaluation = evaluate_models(Shifted(), [brightness_model()])
    (scores,) = evaluation.models
    groups = {(one.group, one.measure): one for one in group_scores(evaluation.counted[0]["p"])}
    assert (groups["infected", "dice"].slices, groups["A", "dice"].slices) == (3, 1)
    assert groups["A", "dice"].lower == scores.pooled["slice_dice_small"] == 1.0
    assert [flag for flag in scores.flags if flag.endswith("large lesions: 2 of p.")]
    (plain,) = evaluate_models(ThreeSlices(), [brightness_model()]).models
    assert plain.flags == ()


def test_every_slice_and_every_group_is_in_a_file(tmp_path):
    evaluation = evaluate_models(ThreeSlices(), [brightness_model()])
    write_slices_csv(evaluation, tmp_path / "slices.csv")
    with (tmp_path / "slices.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["tp"], row["fp"], row["fn"], row["tn"]) for row in rows] == [
        ("100", "0", "100", "800"),
        ("4", "0", "4", "992"),
        ("0", "0", "0", "1000"),
    ]
    assert float(rows[0]["true_rate"]) == 0.2 and float(rows[0]["predicted_rate"]) == 0.1
    assert rows[2]["dice"] == "n/a" and rows[0]["slice"] == "s"
    write_groups_csv(evaluation, tmp_path / "groups.csv")
    with (tmp_path / "groups.csv").open(encoding="utf-8") as file:
        groups = {(row["group"], row["measure"]): row for row in csv.DictReader(file)}
    assert float(groups["A", "dice"]["median"]) == pytest.approx(8 / 12, abs=1e-5)
    assert groups["infected", "dice"]["slices"] == "2"
    write_evaluation_html(evaluation, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "By size of the lesions" in page and "0.667 (0.667, 0.667)" in page


def test_the_page_shows_the_infected_part_of_slices_beside_the_truth(tmp_path):
    """EAMC, Table 5: two slices of each patient, here 20.0 and 0.8 % found as 10.0 and 0.4 %."""
    evaluation = evaluate_models(ThreeSlices(), [brightness_model()])
    rows = rates_for_page(evaluation)
    assert [row["truth"] for row in rows] == pytest.approx([0.2, 0.008])
    assert [row["found"] for row in rows] == [pytest.approx([0.1]), pytest.approx([0.004])]
    write_evaluation_html(evaluation, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert '<td class="number">20.0 %</td><td class="number">10.0 %</td>' in page
