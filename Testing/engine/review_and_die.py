"""Reviews a case again and again in child processes that are killed, each at another moment.

    python review_and_die.py FOLDER KILLS

The first children are killed before each of the file-system operations that Python's audit hooks
announce (opening, renaming, removing, ...), one after the other; KILLS more at moments spread over
the time that a whole review takes, most of them in the middle of writing. After each kill the
folder is read; what is wrong with it is printed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.review import (
    Verdict,
    read_cases,
    save_case,
    save_labels,
    save_verdict,
)
from COVIDLesionSegLib.engine.volume import Geometry, Volume
from engine.saved_results import make_result

SHAPE = (40, 30, 20)
GRID = Geometry(SHAPE[::-1], (0.7, 0.7, 2.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
VOLUME = Volume(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), GRID)
RESULT = make_result(GRID)
EDITS = 2
_OPERATIONS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}


def edited(number: int) -> np.ndarray:
    lesions = RESULT.lesions.copy()
    lesions[number] = 1
    return lesions


def review(folder: Path) -> None:
    case = save_case(VOLUME, RESULT, folder=folder)
    for number in range(EDITS):
        case = save_verdict(case, Verdict.ACCEPTED, f"note {number}")
        case = save_labels(case, RESULT.lungs, edited(number))


def what_is_wrong(folder: Path) -> str | None:
    cases, problems = read_cases(folder)
    if problems or len(cases) > 1:
        return f"{problems} {len(cases)}"
    for case in cases:
        np.testing.assert_array_equal(case.volume().array, VOLUME.array)
        np.testing.assert_array_equal(case.prediction(), RESULT.lesions)
        np.testing.assert_array_equal(case.result().probability, RESULT.probability)
        np.testing.assert_array_equal(case.lungs(), RESULT.lungs)
        lesions = case.lesions()
        known = [RESULT.lesions, *map(edited, range(EDITS))]
        number = next((n for n, one in enumerate(known) if np.array_equal(one, lesions)), None)
        if number is None or case.edited != (number > 0):
            return "lesions that nobody drew"
        if case.verdict is not None and (case.verdict is Verdict.CORRECTED) != case.edited:
            return f"{case.verdict} of a case that is edited: {case.edited}"
    return None


def killed(folder: Path, step: int | None, seconds: float) -> bool:
    """Whether a child that reviews was killed before ``step`` or after ``seconds``."""
    child = os.fork()
    if child == 0:
        if step is not None:
            die_at(step)
        review(folder)
        os._exit(0)
    time.sleep(seconds)
    if step is None:
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def die_at(step: int) -> None:
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in _OPERATIONS:
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.addaudithook(hook)


def main(folder: Path, kills: int) -> None:
    step = 0
    while killed(folder / f"step-{step}", step, 0.0):
        if problem := what_is_wrong(folder / f"step-{step}"):
            print(f"before operation {step}: {problem}")
        step += 1
    print(f"killed before {step} operations")
    began = time.monotonic()
    assert not killed(folder / "whole", 1_000_000, 0.0)
    whole = time.monotonic() - began
    for number in range(kills):
        one = folder / f"moment-{number % 5}"  # most begin where an earlier kill has left them
        if killed(one, None, whole * (number + 0.5) / kills) and (problem := what_is_wrong(one)):
            print(f"after {number} of {kills}: {problem}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
