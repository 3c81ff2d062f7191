"""Progress as people, logs and programs see it."""

import json

from COVIDLesionSegLib.cli.progress_display import progress_display
from COVIDLesionSegLib.engine.progress import Progress

REPORTS = (Progress("Reading", 0.0), Progress("Finding [lungs]", 0.5, "slice 3 of 9"))


def shown(capsys, **how) -> tuple[str, str]:
    with progress_display(**how) as report:
        for progress in REPORTS:
            report(progress)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_machines_read_one_object_per_line_on_standard_output(capsys):
    out, err = shown(capsys, json_lines=True, quiet=False)
    assert [json.loads(line) for line in out.splitlines()] == [
        {"stage": "Reading", "fraction": 0.0, "message": ""},
        {"stage": "Finding [lungs]", "fraction": 0.5, "message": "slice 3 of 9"},
    ]
    assert err == ""


def test_people_see_a_bar_that_leaves_standard_output_clean(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    out, err = shown(capsys, json_lines=False, quiet=False)
    assert out == ""
    assert "Finding [lungs]" in err


def test_a_log_gets_one_line_for_each_stage(capsys):
    out, err = shown(capsys, json_lines=False, quiet=False)
    assert out == ""
    assert err == "  0%  Reading\n 50%  Finding [lungs]\n"


def test_a_log_says_how_a_long_stage_gets_on_at_every_tenth(capsys):
    with progress_display(json_lines=False, quiet=False) as report:
        for case in range(100):
            report(
                Progress("Segmenting", case / 100, f"{case} of 100, about {100 - case} min left")
            )
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "  0%  Segmenting",
        " 10%  Segmenting: 10 of 100, about 90 min left",
    ]
    assert len(lines) == 10


def test_quiet_prints_nothing(capsys):
    assert shown(capsys, json_lines=False, quiet=True) == ("", "")
