"""Corrections are measured in a process of their own, the newest one only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import CovidLesionSegError
from COVIDLesionSegLib.engine.severity import measure_correction, measure_severity
from COVIDLesionSegLib.engine.severity.correction import LabelBox, LabelledCT
from COVIDLesionSegLib.engine.volume import Geometry
from COVIDLesionSegLib.worker.correction_meter import CorrectionMeter, Question

LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"
SHAPE = (8, 16, 20)
GRID = Geometry(SHAPE[::-1], (0.7, 0.7, 2.5), (-31.0, 12.0, 80.0), (1, 0, 0, 0, -1, 0, 0, 0, -1))
CLASSES = ("lesion",)


def labelled(lesions, state=None) -> LabelledCT:
    lungs = np.zeros(SHAPE, np.uint8)
    lungs[1:7, 2:14, 2:9], lungs[1:7, 2:14, 11:18] = 1, 2
    whole = (0, 0, 0)
    return LabelledCT(
        [LabelBox(lungs, whole, {1: 1, 2: 2}, "lungs")], [LabelBox(lesions, whole, {1: 1}, state)]
    )


def question(rows: int) -> Question:
    """The run found a block of lesion, which the user made ``rows`` rows high."""
    before, after = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    before[2:5, 3:6, 3:8] = 1
    after[2:5, 3 : 3 + rows, 3:8] = 1
    lungs = labelled(before).lungs[0].voxels
    original = measure_severity(lungs, before, CLASSES, GRID)
    return Question(labelled(before, "run"), labelled(after), CLASSES, GRID, original, graded=True)


def expected(asked: Question):
    return measure_correction(
        asked.before, asked.after, asked.classes, asked.geometry, asked.original, asked.graded
    )


@pytest.fixture
def measurement(tmp_path):
    one = CorrectionMeter(temporary_path=str(tmp_path))
    yield one
    one.close()
    assert not list(tmp_path.iterdir()), "the private folder was left behind"


def ask(measurement: CorrectionMeter, asked: Question) -> None:
    """Ask without a pause."""
    for _ in measurement.ask(asked):
        pass


def answer(measurement: CorrectionMeter, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while (found := measurement.poll()) is None:
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.02)
    return found


def test_the_answer_is_the_one_of_the_engine(measurement):
    asked = question(rows=7)
    assert measurement.poll() is None and not measurement.pending
    ask(measurement, asked)
    assert measurement.pending

    assert answer(measurement) == expected(asked)
    assert not measurement.pending and measurement.poll() is None


def test_of_several_questions_the_newest_is_answered(measurement):
    for rows in (4, 5, 6, 9):
        ask(measurement, question(rows))

    assert answer(measurement) == expected(question(9))
    ask(measurement, question(2))
    assert answer(measurement) == expected(question(2))


def test_voxels_are_those_of_the_moment_of_asking(measurement):
    asked = question(rows=7)
    should = expected(asked)
    ask(measurement, asked)
    asked.after.lesions[0].voxels[:] = 1

    assert answer(measurement) == should


def test_voxels_of_a_known_state_are_copied_once(measurement, tmp_path):
    ask(measurement, question(4))
    answer(measurement)
    (folder,) = tmp_path.iterdir()
    first = {path.name for path in folder.glob("*/*.npy")}
    ask(measurement, question(5))
    answer(measurement)
    second = {path.name for path in folder.glob("*/*.npy")}

    # The run's lungs and lesions, and the lungs of the user, which are of the same state.
    assert len(first) == len(second) == 3
    assert len(first & second) == 2


def test_a_question_dropped_halfway_is_not_asked_and_the_next_one_is(measurement):
    ask(measurement, question(4))
    answer(measurement)
    dropped = question(5)
    dropped.after.lesions[0] = replace(dropped.after.lesions[0], state="edited")
    next(measurement.ask(dropped))
    assert not measurement.pending and measurement.poll() is None
    ask(measurement, question(6))
    assert answer(measurement) == expected(question(6))


def test_no_difference_is_an_answer_too(measurement):
    asked = question(rows=3)
    ask(measurement, asked)
    found = answer(measurement)

    assert not found.changed and found.severity == asked.original


def test_a_question_that_cannot_be_answered_is_told_and_the_next_one_is_answered(measurement):
    flat = LabelledCT([LabelBox(np.ones((2, 2), np.uint8), (0, 0, 0), {1: 1})], [])
    ask(measurement, replace(question(4), after=flat))
    with pytest.raises(CovidLesionSegError, match="could not be measured"):
        answer(measurement)
    ask(measurement, question(5))
    assert answer(measurement) == expected(question(5))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_died_is_told_once_and_another_takes_its_place(measurement):
    ask(measurement, question(4))
    answer(measurement)
    ask(measurement, question(5))
    os.killpg(measurement._process.pid, signal.SIGKILL)
    measurement._process.wait(10)
    try:
        assert answer(measurement) == expected(question(5))  # it had answered before its end
    except CovidLesionSegError as error:
        assert "Edit once more" in str(error)
    ask(measurement, question(6))
    assert answer(measurement) == expected(question(6))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_parent_that_was_killed_leaves_neither_process_nor_files(tmp_path):
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_correction_meter import CorrectionMeter, question
one = CorrectionMeter(temporary_path={str(tmp_path)!r})
list(one.ask(question(4)))
while one.poll() is None:
    time.sleep(0.02)
print(one._process.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while list(tmp_path.iterdir()):
        assert time.monotonic() < deadline, "the files of a dead parent stay"
        time.sleep(0.1)
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}/exe").exists()
