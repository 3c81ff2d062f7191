"""Which slices and cases are called infected: counts by hand, shares of their own denominators."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.metrics.decisions import (
    agreement_by_rule,
    called_infected,
    counted,
    shares,
)
from COVIDLesionSegLib.engine.metrics.infection import SLICE_RULES
from COVIDLesionSegLib.engine.metrics.overlap import Confusion, wilson_interval

ANY_PIXEL, INFECTION_RATE = (rule.rule for rule in SLICE_RULES)


def test_rules_that_say_nothing_of_a_slice_are_left_out():
    assert called_infected(1, 0.004) == {ANY_PIXEL: True, INFECTION_RATE: False}
    assert called_infected(0, None) == {ANY_PIXEL: False}


def test_pairs_are_counted_called_first():
    pairs = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    assert counted(pairs) == Confusion(tp=1, fp=2, fn=1, tn=1)


def test_a_case_is_infected_and_called_so_where_one_slice_is():
    ill, missed, healthy = (
        {ANY_PIXEL: Confusion(tp=1, fn=4, tn=5), INFECTION_RATE: Confusion()},
        {ANY_PIXEL: Confusion(fn=2, tn=3), INFECTION_RATE: Confusion(fn=2)},
        {ANY_PIXEL: Confusion(fp=1, tn=9), INFECTION_RATE: Confusion(tn=10)},
    )
    found = agreement_by_rule([ill, missed, healthy])
    assert found[ANY_PIXEL].slices == Confusion(tp=1, fp=1, fn=6, tn=17)
    assert found[ANY_PIXEL].cases == Confusion(tp=1, fp=1, fn=1, tn=0)
    # A case whose slices have no lungs is not decided by the infection rate.
    assert found[INFECTION_RATE].cases == Confusion(fn=1, tn=1)


def test_every_share_has_the_interval_of_what_it_is_a_share_of():
    found = shares(Confusion(tp=8, fp=1, fn=2, tn=9))
    assert found["sensitivity"].value == pytest.approx(0.8)
    assert found["sensitivity"].interval == wilson_interval(0.8, 10)
    assert found["specificity"].interval == wilson_interval(0.9, 10)
    assert found["precision"].interval == wilson_interval(8 / 9, 9)
    assert found["accuracy"].interval == wilson_interval(17 / 20, 20)
    empty = shares(Confusion(tn=3))["sensitivity"]
    assert empty.value is None and empty.interval is None
