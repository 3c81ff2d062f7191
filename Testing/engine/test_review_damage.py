"""A reviewed case survives kills, full disks and damage, and loses nothing that a person did."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError, OutputError, UnreadableCaseError
from COVIDLesionSegLib.engine.review import (
    Verdict,
    read_cases,
    save_case,
    save_labels,
    save_verdict,
)
from engine.labelled_data import no_file_above, no_more_open_files
from engine.one_case import only, other_than
from engine.saved_results import assert_same, make_result
from engine.small_cts import GRID, ct


@pytest.fixture
def case(tmp_path):
    return save_case(ct(), make_result(GRID), folder=tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("name", ["case.json", "ct.nrrd", "prediction-", "labels-"])
def test_a_damaged_case_is_left_out_and_named(tmp_path, name, kept):
    good = save_case(ct(seed=1), make_result(GRID), folder=tmp_path)
    bad = save_case(ct(seed=2), make_result(GRID), folder=tmp_path)
    (path,) = bad.folder.glob(f"{name}*")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    cases, problems = read_cases(tmp_path)

    assert [case.id for case in cases] == [good.id]
    (problem,) = problems
    assert bad.id in problem and str(tmp_path) not in problem


@pytest.mark.parametrize(
    "values",
    [
        {"version": 99},
        {"verdict": "excellent"},
        {"geometry": [1, 2]},
        {"seen": None},
        {"labels": "labels-0.npz"},
        {"changed": "2021-01-01"},
    ],
)
def test_a_case_with_damaged_facts_is_left_out(case, values):
    path = case.folder / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values))
    cases, (problem,) = read_cases(case.folder.parent)
    assert cases == () and case.id in problem


def test_bytes_that_changed_on_the_disk_are_noticed_when_they_are_read(case):
    (path,) = case.folder.glob("labels-*")
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    for read in (case.lesions, case.lungs, case.prediction, case.result):
        with pytest.raises(InputError, match=rf"{case.id} is damaged"):
            read()


def test_reviewing_a_damaged_case_again_mends_it(case):
    (case.folder / "case.json").write_text("{")
    assert_same(
        save_case(ct(), make_result(GRID), folder=case.folder.parent).result(), case_result()
    )


def test_what_a_damaged_case_holds_is_not_lost_when_its_ct_is_reviewed_again(case):
    corrected = save_labels(case, case.lungs(), other_than(case.lesions()))
    kept = {path.name: path.read_bytes() for path in corrected.folder.glob("labels-*")}
    (case.folder / "case.json").write_text("{")
    save_case(ct(), make_result(GRID), folder=case.folder.parent)

    (aside,) = case.folder.parent.glob(f".damaged-{case.id}-*")
    assert kept == {path.name: path.read_bytes() for path in aside.glob("labels-*")}
    make_old(aside)
    save_case(ct(seed=1), make_result(GRID), folder=case.folder.parent)
    assert aside.is_dir()


def newer_version(case):
    path = case.folder / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"version": 99}))


def test_a_case_of_a_newer_version_is_left_as_it_is(case):
    corrected = save_labels(case, case.lungs(), other_than(case.lesions()))
    path = case.folder / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"version": 99}))
    before = contents(case.folder)
    with pytest.raises(UnreadableCaseError, match="newer version"):
        save_case(ct(), make_result(GRID, seed=1), folder=case.folder.parent)
    with pytest.raises(UnreadableCaseError, match="newer version"):
        corrected.lesions()
    assert contents(case.folder) == before


def test_a_case_that_cannot_be_read_at_one_moment_is_left_as_it_is(case):
    corrected = save_labels(case, case.lungs(), other_than(case.lesions()))
    before = contents(case.folder)
    volume, result = ct(), make_result(GRID, seed=1)
    with no_more_open_files():
        with pytest.raises(UnreadableCaseError, match="Too many open files"):
            save_case(volume, result, folder=case.folder.parent)
        with pytest.raises(UnreadableCaseError, match="Too many open files"):
            corrected.lesions()
    assert contents(case.folder) == before
    assert only(case.folder.parent).edited


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def make_old(path):
    os.utime(path, (0, 0))


def test_only_what_a_kill_has_left_is_removed_from_a_folder_that_holds_other_things(tmp_path):
    """A home folder may be chosen for reviews."""
    key, another = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    others = (".covid-lesion-seg", ".ssh-keys", f".partial-{key[1:]}.npz", f".{key}", "Documents")
    ours = (f".partial-{key}.json", f".removed-{key}", f".{another}-{key}")
    for name in (*others, *ours):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
        make_old(tmp_path / name)
    recent = tmp_path / f".partial-{another}.npz"
    recent.write_text("being written")
    case = save_case(ct(), make_result(GRID), folder=tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {*others, recent.name, case.id}
    assert read_cases(tmp_path).problems == ()


def case_result():
    return make_result(GRID)


def test_a_full_disk_is_one_sentence_and_what_was_saved_before_stays(tmp_path):
    geometry = replace(GRID, size=(60, 60, 30))
    result = make_result(geometry)
    saved = save_case(ct(geometry), result, folder=tmp_path)
    saved = save_verdict(saved, Verdict.ACCEPTED, "before")
    edited = np.random.default_rng(9).integers(0, 2, geometry.shape, dtype=np.uint8)
    with no_file_above(2000):
        with pytest.raises(OutputError, match="free disk space"):
            save_labels(saved, result.lungs, edited)
        with pytest.raises(OutputError, match="free disk space"):
            save_verdict(saved, Verdict.REJECTED, "x" * 4000)
        with pytest.raises(OutputError, match="free disk space"):
            save_case(ct(geometry, seed=1), result, folder=tmp_path)
        with pytest.raises(OutputError, match="free disk space"):
            save_case(ct(geometry), make_result(geometry, seed=1), folder=tmp_path)
    read = only(tmp_path)

    assert (read.verdict, read.note) == (Verdict.ACCEPTED, "before")
    assert_same(read.result(), result)
    np.testing.assert_array_equal(read.lesions(), result.lesions)
    save_labels(saved, result.lungs, edited)
    np.testing.assert_array_equal(only(tmp_path).lesions(), edited)
    assert {path.name for path in tmp_path.iterdir()} == {saved.id}


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made") as caught:
        save_case(ct(), make_result(GRID), folder=tmp_path / "file" / "reviews")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_at_any_moment_leaves_the_last_complete_state(tmp_path):
    script = Path(__file__).with_name("review_and_die.py")
    told = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "25"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (steps,) = re.fullmatch(r"killed before (\d+) operations\n", told).groups()
    assert int(steps) > 50
