"""Which predictions are selected: by the paper's rule to the letter, or by expected precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.models.calibration import Calibration, ReliabilityBin
from COVIDLesionSegLib.engine.self_training import selection
from COVIDLesionSegLib.engine.self_training.selection import (
    THE_PAPERS,
    measure_for,
    most_confident,
    what_to_change,
)
from engine.crafted import make_card

BINS = (ReliabilityBin(0.5, 0.4, 9), ReliabilityBin(1.0, 0.9, 9))
CALIBRATED = make_card(calibration=Calibration(1.5, 0.0, 0.1, 0.01, BINS, "p2"))


def test_constants_are_those_of_the_paper_and_its_code():
    """Methods, "Unsupervised enhancement"; the cut-off is in the published code alone."""
    assert (selection.CUT_OFF, selection.TOP_FRACTION, selection.MIN_CONFIDENCE) == (
        0.3,
        0.25,
        0.9,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confidence_is_the_mean_probability_strictly_above_the_cut_off(dtype):
    """Equation 1: (0.31 + 0.9 + 0.95) / 3 = 0.72."""
    probability = np.array([[0.3, 0.31, 0.9], [0.95, 0.05, 0.0]], dtype)
    assert THE_PAPERS.of(probability) == pytest.approx(0.72, abs=1e-7)


def test_confidence_is_undefined_where_no_lesion_is_predicted():
    assert THE_PAPERS.of(np.full((4, 4), 0.3, np.float32)) is None


def test_the_top_quarter_is_chosen_if_its_confidence_is_at_least_nine_tenths():
    values = [0.95, 0.5, 0.91, 0.99, None, 0.9, 0.97, 0.93]
    assert most_confident(values) == [3, 6]  # 2 of 8
    assert most_confident([0.9, 0.2, 0.3, 0.4]) == [0]  # 0.9 itself is confident enough
    assert most_confident([0.8999, 0.2, 0.3, 0.4]) == []


def test_another_share_and_another_minimum_can_be_asked_for():
    """The paper chose 25 % and 90 % for its own data and network."""
    values = [0.95, 0.5, 0.66, 0.62]
    assert most_confident(values, fraction=0.75) == [0]
    assert most_confident(values, minimum=0.6) == [0]
    assert most_confident(values, fraction=0.75, minimum=0.6) == [0, 2, 3]


def test_a_share_is_not_cut_short_by_the_last_bit():
    assert len(most_confident([0.9] * 100, fraction=0.29, minimum=0.5)) == 29


def test_of_equally_certain_slices_the_earlier_comes_first():
    assert most_confident([0.95] * 9) == [0, 1]
    assert most_confident([0.91, 0.95, 0.95, 0.95, 0.2, 0.2, 0.2, 0.2]) == [1, 2]


@pytest.mark.parametrize(("slices", "chosen"), [(0, []), (1, []), (3, []), (4, [0]), (7, [0])])
def test_a_quarter_of_fewer_than_four_slices_is_none(slices, chosen):
    assert most_confident([0.99] * slices) == chosen


def test_slices_without_lesion_count_in_the_quarter_but_are_never_chosen():
    assert most_confident([None, None, None, 0.95]) == [3]
    assert most_confident([None] * 8) == []


@given(st.lists(st.none() | st.floats(0.3, 1.0), max_size=40))
def test_no_slice_left_out_is_more_confident_than_one_chosen(values):
    chosen = most_confident(values)
    assert len(chosen) == len(set(chosen)) <= len(values) / 4
    left = [v for n, v in enumerate(values) if n not in chosen and v is not None]
    assert all(values[n] >= max([0.9, *left]) for n in chosen)


def test_by_default_a_calibrated_model_is_measured_by_expected_precision():
    measure = measure_for(CALIBRATED)
    assert (measure.name, measure.minimum) == ("expected-precision", 0.8)
    probability = np.float32([[0.75, 1.0], [0.5, 0.4]])
    assert measure.of(probability) == pytest.approx((0.65 + 0.9) / 2)
    assert measure.of(np.full((4, 4), 0.5, np.float32)) is None


def test_the_papers_rule_is_there_for_every_model_and_the_default_without_calibration():
    assert measure_for(CALIBRATED, "certainty-index") is THE_PAPERS
    assert measure_for(make_card()) is THE_PAPERS
    with pytest.raises(ParameterError, match="crafted is not calibrated.*certainty-index"):
        measure_for(make_card(), "expected-precision")


@pytest.mark.parametrize(
    ("confidences", "advice"),
    [
        ([None] * 8, "choose CTs in which the model finds lesions"),
        ([0.95] * 3, "raise the fraction that is chosen, as 0.25 of 3 slices is not one, or add"),
        ([0.66, None, 0.5, 0.5], "from 0.9 to 0.66 to learn from the most confident slice"),
        ([0.66, 0.619, 0.5, 0.4] * 2, "to 0.66 to learn from the most confident 2 slices"),
        ([0.7, 0.619, *[None] * 6], "(certainty-index) from 0.9 to 0.61 to learn from the"),
    ],
)
def test_what_to_do_where_nothing_is_selected_selects_something(confidences, advice):
    assert advice in what_to_change(confidences, 0.25, 0.9, THE_PAPERS)


@given(st.lists(st.none() | st.floats(0.3, 0.89), min_size=4, max_size=40))
def test_with_the_minimum_that_is_advised_the_fraction_is_selected(values):
    advice = what_to_change(values, 0.25, 0.9, THE_PAPERS)
    if "lower" in advice:
        minimum = float(advice.split(" to ")[1])
        most = min(len(values) // 4, sum(value is not None for value in values))
        assert len(most_confident(values, minimum=minimum)) == most
