"""Remarks on a whole result: untrained networks, next to no lesion, a divided ensemble."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from COVIDLesionSegLib.engine.flags import UNTRAINED, Flag, untrained_flag
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.severity.quality_flags import severity_flags
from COVIDLesionSegLib.engine.severity.report import RegionSeverity, SeverityReport, SliceSeverity


def report(lung_ml=5000.0, lesion_ml=0.0, disagreements=(), voted_mm2=60.0):
    ratio = lesion_ml / lung_ml if lung_ml else None
    return SeverityReport(
        regions=(RegionSeverity("both lungs", lung_ml, lesion_ml, ratio, {"lesion": lesion_ml}),),
        slices=tuple(
            SliceSeverity(
                i, 10.0 * i - 20.4, 100.0, 1.0, 0.01, {"lesion": 1.0}, voted_mm2, disagreement
            )
            for i, disagreement in enumerate(disagreements)
        ),
        rules=(),
    )


def flags_of(**kwargs):
    return list(severity_flags(report(**kwargs)))


@pytest.mark.parametrize(
    ("lung_ml", "lesion_ml", "flagged"),
    [
        (5000.0, 0.0, False),
        (5000.0, 0.001, True),
        (5000.0, 4.99, True),
        (5000.0, 5.0, False),
        (0.0, 0.0, False),
    ],
)
def test_less_than_a_thousandth_of_lesion_is_flagged_but_none_is_not(lung_ml, lesion_ml, flagged):
    flags = flags_of(lung_ml=lung_ml, lesion_ml=lesion_ml)
    assert [flag.code for flag in flags] == ["lesion-volume-tiny"] * flagged
    assert all(f"{lesion_ml:.2f} ml" in flag.message for flag in flags)


@pytest.mark.parametrize(("lesion_ml", "flagged"), [(0.0, False), (2.0, True), (2.01, False)])
def test_as_little_lesion_as_without_covid_is_stated_and_pointed_at(lesion_ml, flagged):
    measured = report(lung_ml=1000.0, lesion_ml=lesion_ml)
    one = SliceSeverity(3, 0.0, 100.0, 5.0, 0.05, {"lesion": 5.0})
    flags = list(severity_flags(replace(measured, slices=(one,), lesion_free_ml=2.0)))
    assert [flag.code for flag in flags] == ["lesion-volume-as-without-covid"] * flagged
    assert all(flag.slices == (3,) and "CT-0" in flag.message for flag in flags)


def test_what_is_known_of_the_default_limit_is_not_said_of_another_one():
    for limit in (Parameters().lesion_free_ml, 2.5):
        measured = replace(report(lung_ml=1000.0, lesion_ml=2.0), lesion_free_ml=limit)
        (flag,) = severity_flags(measured)
        for known in ("CTs without COVID-19", "one in 50 patients"):
            assert (known in flag.message) == (limit == Parameters().lesion_free_ml)
        assert f"{limit:g} ml" in flag.message


def test_next_to_no_lesion_is_looked_for_where_most_of_it_is():
    measured = report(lesion_ml=0.5)
    areas = [0.0, 2.0, 3.0, 0.0]
    slices = [
        SliceSeverity(index, 0.0, 100.0, area, area / 100, {"lesion": area})
        for index, area in enumerate(areas, start=7)
    ]
    (flag,) = severity_flags(replace(measured, slices=tuple(slices)))
    assert flag.slices == (9, 8)


def test_slices_on_which_an_ensemble_is_divided_are_named_by_their_place():
    (flag,) = flags_of(disagreements=[0.1, None, 0.51, 0.5, 1.0, 0.0])
    assert (flag.code, flag.level) == ("ensemble-divided", "warning")
    assert "disagree on 2 of 6 slices (the worst first: S +20, +0 mm)" in flag.message
    assert flag.slices == (4, 2)


def test_of_many_divided_slices_five_are_named_and_the_rest_counted():
    (flag,) = flags_of(disagreements=[0.9] * 8)
    assert "8 of 8 slices (the worst first: S -20, -10, +0, +10, +20 and 3 more mm)" in flag.message
    assert flag.slices == tuple(range(8))


def test_stray_voxels_do_not_divide_an_ensemble():
    assert flags_of(disagreements=[1.0], voted_mm2=49.0) == []
    assert len(flags_of(disagreements=[1.0], voted_mm2=50.0)) == 1


@pytest.mark.parametrize("disagreements", [(), (None, None), (0.5, 0.0, 0.3)])
def test_a_single_network_and_an_ensemble_that_agrees_are_not_flagged(disagreements):
    assert flags_of(disagreements=disagreements) == []


def test_untrained_networks_are_named():
    flag = untrained_flag(["a", "b"])
    assert (flag.code, flag.level) == (UNTRAINED, "warning")
    assert "a, b" in flag.message and "not graded" in flag.message


def test_a_flag_comes_back_from_json_and_one_of_an_earlier_version_has_no_slices():
    flag = Flag("lung-gap", "Look.", "note", slices=(5, 3))
    assert Flag.from_dict(json.loads(json.dumps(asdict(flag)))) == flag
    assert Flag.from_dict({"code": "x", "message": "y", "level": "note"}) == Flag("x", "y", "note")
    with pytest.raises(KeyError):
        Flag.from_dict({"code": "x"})
