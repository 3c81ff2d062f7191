"""Infection rates, slice detection, intervals and the confusion picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from COVIDLesionSegLib.engine.evaluation.examples import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    confusion_picture,
)
from COVIDLesionSegLib.engine.metrics.infection import (
    any_pixel,
    by_infection_rate,
    infection_rate,
    rate_correlation,
    rate_error,
)
from COVIDLesionSegLib.engine.metrics.overlap import mean_and_sd, wilson_interval

masks = hnp.arrays(bool, (5, 7))


def test_infection_rate_is_lesion_within_the_lungs_over_the_lungs():
    lungs = np.zeros((10, 10), np.uint8)
    lungs[:4], lungs[6:] = 1, 2
    lesion = np.zeros((10, 10), bool)
    lesion[3:5] = True  # 10 pixels in the right lung, 10 outside the lungs
    assert infection_rate(lesion, lungs) == pytest.approx(10 / 80)
    assert infection_rate(lesion, np.zeros_like(lungs)) is None


def test_rate_error_and_correlation():
    true_rates, predicted = [0.0, 0.1, 0.2, 0.3], [0.01, 0.12, 0.17, 0.31]
    assert rate_error(true_rates, predicted) == pytest.approx(0.0175)
    assert rate_error([], []) is None
    assert rate_correlation(true_rates, [3 * rate + 0.1 for rate in true_rates]) == pytest.approx(1)
    assert rate_correlation(true_rates, [-rate for rate in true_rates]) == pytest.approx(-1)
    assert rate_correlation(true_rates, predicted) == pytest.approx(
        np.corrcoef(true_rates, predicted)[0, 1]
    )


@pytest.mark.parametrize("predicted", [[], [0.1], [0.1, 0.1, 0.1]])
def test_correlation_with_what_never_changes_is_undefined(predicted):
    true_rates = [0.1 * n for n in range(len(predicted))]
    assert rate_correlation(true_rates, predicted) is None
    assert rate_correlation(predicted, true_rates) is None


def test_a_slice_is_positive_by_one_pixel_or_by_more_than_half_a_percent_of_its_lungs():
    assert not any_pixel(0)
    assert any_pixel(1)
    assert any_pixel(0.3)  # an area in mm2
    assert by_infection_rate(0.005) is False
    assert by_infection_rate(0.0051) is True
    assert by_infection_rate(None) is None


def test_interval_is_wilsons():
    """Newcombe, Statistics in Medicine 1998, Table I: 81/263, 15/148, 0/20, 1/29, 29/29."""
    for found, count, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ):
        assert wilson_interval(found / count, count) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(None, 100) is None
    assert wilson_interval(0.9, 0) is None


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_an_interval_holds_its_score_lies_within_0_and_1_and_is_never_without_width(metric, count):
    low, high = wilson_interval(metric, count)
    assert 0.0 <= low <= metric <= high <= 1.0
    assert high - low > 1e-4


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_more_samples_narrow_the_interval(metric, count):
    wide, narrow = (wilson_interval(metric, n) for n in (count, 4 * count))
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_mean_and_spread_leave_out_what_is_undefined():
    assert mean_and_sd([0.5, None, 0.7]) == pytest.approx((0.6, 0.1 * 2**0.5))
    assert mean_and_sd([0.5, None]) == (0.5, None)
    assert mean_and_sd([None]) == (None, None)


@given(hnp.arrays(np.uint8, (5, 7)), masks, masks)
def test_picture_colours_every_pixel_by_its_case_and_leaves_the_background(grey, predicted, truth):
    picture = confusion_picture(grey, predicted, truth)
    assert picture.shape == (5, 7, 3) and picture.dtype == np.uint8
    for where, color in (
        (predicted & truth, TRUE_POSITIVE),
        (~predicted & truth, FALSE_NEGATIVE),
        (predicted & ~truth, FALSE_POSITIVE),
    ):
        blended = 0.4 * grey[where][:, None] + 0.6 * np.array(color)
        assert np.abs(picture[where] - blended).max(initial=0) <= 0.5
    background = ~predicted & ~truth
    assert (picture[background] == grey[background][:, None]).all()


def test_colours_are_green_red_and_yellow_on_a_black_slice():
    black, one = np.zeros((1, 1), np.uint8), np.ones((1, 1), bool)
    hit, miss, false_alarm = (
        confusion_picture(black, predicted, truth)[0, 0]
        for predicted, truth in ((one, one), (~one, one), (one, ~one))
    )
    assert hit.argmax() == 1 and hit[0] == 0
    assert miss.argmax() == 0 and miss[1] < miss[0] / 3
    assert min(false_alarm[:2]) > 100 and false_alarm[2] == 0
