"""Severity by a reader beside the software's: golden numbers, and no case dropped silently."""

from __future__ import annotations

import numpy as np
import pytest
from torchmetrics.functional import cohen_kappa

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.evaluation.category_tables import (
    read_places,
    read_reader,
    read_software,
)
from COVIDLesionSegLib.engine.evaluation.reader_agreement import compare_with_reader, weighted_kappa
from COVIDLesionSegLib.engine.metrics.overlap import wilson_interval
from COVIDLesionSegLib.engine.severity.categories import CATEGORIES

TITLES = {"category": "Software", "pooled": "Pooled"}
# The cascade paper prints no matrix as numbers: this one gives every number of its Table 8.
TABLE_8 = (
    (242, 12, 0, 0, 0),
    (0, 676, 7, 1, 0),
    (0, 17, 89, 19, 0),
    (0, 0, 10, 35, 0),
    (0, 0, 0, 0, 2),
)
HAND = ((3, 1, 0), (1, 2, 1), (0, 1, 3))


def tables(matrix):
    """The reader and the software as cases, so that their matrix is this one."""
    reader, software = {}, {}
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            for number in range(count):
                reader[f"{row}-{column}-{number}"] = CATEGORIES[row]
                software[f"{row}-{column}-{number}"] = CATEGORIES[column]
    return reader, software


def of(matrix):
    reader, software = tables(matrix)
    (rule,) = compare_with_reader(reader, {"category": software}, TITLES).rules
    return rule


def test_table_8_of_the_cascade_paper_is_reproduced():
    rule = of(TABLE_8)
    assert rule.matrix == TABLE_8 and rule.cases == 1110
    expected = {  # accuracy, precision, sensitivity, F1, specificity, in %
        "CT-0": (98.92, 100.0, 95.28, 97.58, 100.0),
        "CT-1": (96.67, 95.89, 98.83, 97.34, 93.19),
        "CT-2": (95.23, 83.96, 71.20, 77.06, 98.27),
        "CT-3": (97.30, 63.64, 77.78, 70.00, 98.12),
        "CT-4": (100.0, 100.0, 100.0, 100.0, 100.0),
    }
    keys = ("accuracy", "precision", "sensitivity", "f1", "specificity")
    for one in rule.categories:
        found = [100 * one.scores[key].value for key in keys]
        assert found == pytest.approx(expected[one.category], abs=0.006), one.category
    average = [100 * rule.average[key] for key in keys]
    assert average == pytest.approx((97.05, 94.18, 94.05, 94.00, 95.53), abs=0.02)


@pytest.mark.parametrize(
    ("power", "by_hand"),
    [
        # Observed and expected disagreement of HAND: 12 cases, all margins 4.
        (0, 1 - (4 / 12) / (2 / 3)),
        (1, 1 - (4 * 0.5 / 12) / ((4 * 0.5 + 2 * 1.0) / 9)),
        (2, 1 - (4 * 0.25 / 12) / ((4 * 0.25 + 2 * 1.0) / 9)),
    ],
)
def test_kappa_by_hand(power, by_hand):
    assert weighted_kappa(HAND, power) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("power", "weights", "golden"),
    [
        (0, None, 0.8910928327310189),
        (1, "linear", 0.9133131915012659),
        (2, "quadratic", 0.9406099518459069),
    ],
)
def test_kappa_is_that_of_scikit_learn_and_torchmetrics(power, weights, golden):
    import torch

    reader, software = (
        torch.tensor([CATEGORIES.index(one) for one in cases.values()]) for cases in tables(TABLE_8)
    )
    other = cohen_kappa(software, reader, "multiclass", num_classes=5, weights=weights)
    found = weighted_kappa(TABLE_8, power)
    assert found == pytest.approx(float(other), abs=1e-6)
    assert found == pytest.approx(golden, abs=1e-12)  # sklearn.metrics.cohen_kappa_score


def test_kappa_without_any_chance_to_disagree_is_undefined():
    assert weighted_kappa(((5, 0), (0, 0)), 2) is None
    assert weighted_kappa(((0, 0), (0, 0)), 1) is None


def test_intervals_hold_their_score_and_are_wilsons_for_proportions():
    rule = of(TABLE_8)
    ct2 = rule.categories[2].scores
    assert ct2["sensitivity"].interval == wilson_interval(89 / 125, 125)
    assert ct2["precision"].interval == wilson_interval(89 / 106, 106)
    assert ct2["specificity"].interval == wilson_interval((985 - 17) / 985, 985)
    for score in (*rule.kappas.values(), ct2["f1"]):
        low, high = score.interval
        assert low < score.value < high and high - low < 0.25
    assert rule.accuracy.value == pytest.approx(1044 / 1110)
    assert rule.within_one.value == pytest.approx(1109 / 1110)
    assert of(TABLE_8) == rule  # the bootstrap is seeded


def test_a_category_that_nobody_gave_has_no_scores():
    ct4 = of(((5, 1, 0, 0, 0), (1, 5, 0, 0, 0), (0,) * 5, (0,) * 5, (0,) * 5)).categories[4]
    assert ct4.cases == 0
    assert ct4.scores["precision"].value is ct4.scores["sensitivity"].value is None
    assert ct4.scores["f1"].value is ct4.scores["f1"].interval is None


def test_cases_on_one_side_only_are_named():
    reader = {"a": "CT-1", "b": "CT-2", "c": None, "d": "CT-0", "e": "CT-3"}
    software = {
        "category": {"a": "CT-1", "b": "CT-1", "c": "CT-1", "d": None, "f": "CT-4"},
        "pooled": {"a": "CT-1", "b": "CT-2", "c": "CT-1", "d": "CT-0", "f": "CT-4"},
    }
    found = compare_with_reader(reader, software, TITLES)
    assert found.only_reader == ("e",) and found.only_software == ("f",)
    assert found.reader_not_graded == ("c",)
    assert [case.case for case in found.cases] == ["a", "b", "d"]
    assert [(one.case, one.reader, one.software["category"]) for one in found.others] == [
        ("c", None, "CT-1"),
        ("e", "CT-3", None),
        ("f", None, "CT-4"),
    ]
    first, second = found.rules
    assert (first.cases, first.not_graded) == (2, ("d",))
    assert (second.cases, second.not_graded, second.accuracy.value) == (3, (), 1.0)


def test_without_a_common_case_there_is_nothing_to_compare():
    with pytest.raises(InputError, match="names of the cases are the same"):
        compare_with_reader({"a": "CT-1"}, {"category": {"b": "CT-1"}}, TITLES)


def test_readers_spell_categories_as_they_like(tmp_path):
    path = tmp_path / "mosmed.csv"
    path.write_text("study_id,category\nstudy_0001,CT-0\nstudy_0002,ct2\nstudy_0003,3\nx,n/a\n")
    assert read_reader(path, "study_id", "category") == {
        "study_0001": "CT-0",
        "study_0002": "CT-2",
        "study_0003": "CT-3",
        "x": None,
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("case,category\na,severe\n", "row 2, column category: the cell is 'severe'"),
        (
            "case,category\na,CT-1\na,CT-2\n",
            "row 3, column case: the cell means case 'a', as in a row",
        ),
        ("case,grade\na,CT-1\n", "lacks the column category"),
        ("case,category\n,CT-1\n", "column case: the cell is empty"),
    ],
)
def test_a_reader_s_table_with_a_fault_is_refused_by_row_and_column(text, sentence, tmp_path):
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_reader(tmp_path / "truth.csv", "case", "category")


def test_a_cohort_gives_the_category_of_every_rule_and_any_other_table_its_own(tmp_path):
    cohort, other = tmp_path / "cohort.csv", tmp_path / "other.csv"
    cohort.write_text(
        "case,status,category,eamc-worse-lung_category,pooled_category\n"
        "a,done,CT-2,CT-2,CT-1\nb,failed,n/a,n/a,n/a\n"
    )
    assert read_software(cohort) == {
        "eamc-worse-lung": {"a": "CT-2", "b": None},
        "pooled": {"a": "CT-1", "b": None},
    }
    other.write_text("case,category\na,CT-3\n")
    assert read_software(other) == {"category": {"a": "CT-3"}}


@pytest.mark.parametrize("cell", ["study.nii", "study.nii.nii.gz", "cts/study.nii.nii.gz"])
def test_a_case_whose_name_ends_as_a_file_does_is_compared(cell, tmp_path):
    cohort, reader = tmp_path / "cohort.csv", tmp_path / "reader.csv"
    cohort.write_text("case,place,category\nstudy.nii,a.mha,CT-1\nstudy,b.mha,CT-2\n")
    reader.write_text(f"case,category\n{cell},CT-1\nstudy,CT-2\n")
    software = read_software(cohort)["category"]
    assert software == {"study.nii": "CT-1", "study": "CT-2"}
    assert read_reader(reader, "case", "category", read_places(cohort)) == software


def test_cases_that_another_table_calls_by_their_files_are_found_without_the_ending(tmp_path):
    other, reader = tmp_path / "other.csv", tmp_path / "reader.csv"
    other.write_text("case,category\na.nii.gz,CT-1\nb.nii,CT-2\n")
    reader.write_text("case,category\na,CT-1\nb.nii,CT-2\n")
    software = read_software(other)["category"]
    assert read_reader(reader, "case", "category", read_places(other)) == software


def test_the_interval_of_a_perfect_reader_is_not_without_width_by_wilson():
    rule = of(np.diag([10, 10, 0, 0, 0]))
    assert rule.accuracy.value == 1.0 and rule.accuracy.interval[0] < 0.9
    assert [score.value for score in rule.kappas.values()] == [1.0] * 3
