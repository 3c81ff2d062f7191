"""What is ordered to be saved is saved, even if the window is killed right after the order."""

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

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.result import facts_from_result
from COVIDLesionSegLib.engine.review import Verdict, case_id, read_cases
from COVIDLesionSegLib.engine.severity.correction import LabelBox, LabelledCT
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.worker.review_orders import Keeper
from engine.saved_results import assert_same, make_result
from engine.small_cts import GRID, ct

RESULT = make_result(GRID, ensemble=True)
ID = case_id(ct())


def labelled(lungs: np.ndarray, lesions: np.ndarray) -> LabelledCT:
    """As Slicer holds them: in layers, with label values of their own."""
    return LabelledCT(
        [LabelBox(lungs * 5, (0, 0, 0), {5: 1, 10: 2})],
        [LabelBox(lesions[1:].astype(np.int16), (1, 0, 0), {1: 1})],
    )


PREDICTION = replace(RESULT, lesions=np.concatenate([RESULT.lesions[:1] * 0, RESULT.lesions[1:]]))


PREDICTION_LABELS = labelled(PREDICTION.lungs, PREDICTION.lesions)


def begin(keeper: Keeper) -> None:
    arrays = {"probability": RESULT.probability, "disagreement": RESULT.disagreement}
    facts = facts_from_result(RESULT)
    prediction = labelled(PREDICTION.lungs, PREDICTION.lesions)
    finish(keeper.prepare(ID, ct(), facts, prediction, arrays, "key-of-the-patient", prediction))
    keeper.start(ID)


def keep(keeper: Keeper, lesions=None, verdict=Verdict.ACCEPTED, note="", seen=()) -> int:
    labels = None if lesions is None else labelled(PREDICTION.lungs, lesions)
    return keeper.keep(ID, labels, GRID, verdict, note, seen)


def edited(number: int) -> np.ndarray:
    lesions = PREDICTION.lesions.copy()
    lesions[1 + number % 3, number % 5, 0] = 1 - min(1, lesions[1 + number % 3, number % 5, 0])
    return lesions


def wait(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers_of(keeper: Keeper) -> list:
    answers = []

    def all_there() -> bool:
        answers.extend(keeper.poll())
        return not keeper.waiting

    wait(all_there)
    return answers


@pytest.fixture
def reviews(tmp_path):
    return tmp_path / "reviews"


@pytest.fixture
def keeper(reviews, tmp_path):
    (tmp_path / "temporary").mkdir()
    keeper = Keeper(reviews, temporary_path=str(tmp_path / "temporary"))
    yield keeper
    keeper.close()
    assert list((tmp_path / "temporary").iterdir()) == []


def only_case(reviews: Path):
    cases, problems = read_cases(reviews)
    assert problems == ()
    (case,) = cases
    return case


def test_a_case_is_kept_as_ordered(keeper, reviews):
    begin(keeper)
    keep(keeper, edited(0), note="Look.", seen=[2])
    answers = answers_of(keeper)
    case = only_case(reviews)

    assert [one.error for one in answers] == ["", ""]
    assert answers[-1].changed == case.changed.isoformat()
    assert (case.id, case.patient) == (ID, "key-of-the-patient")
    assert_same(case.result(), PREDICTION)
    np.testing.assert_array_equal(case.volume().array, ct().array)
    np.testing.assert_array_equal(case.lesions(), edited(0))
    assert (case.verdict, case.note, case.seen) == (Verdict.CORRECTED, "Look.", {2})


def test_of_many_orders_the_newest_counts(keeper, reviews):
    begin(keeper)
    for number in range(12):
        keep(keeper, edited(number), note=str(number))
    keep(keeper, note="last")
    answers_of(keeper)
    case = only_case(reviews)
    np.testing.assert_array_equal(case.lesions(), edited(11))
    assert case.note == "last"


def test_a_case_that_was_only_prepared_leaves_nothing(keeper, reviews):
    finish(
        keeper.prepare(
            ID, ct(), facts_from_result(RESULT), PREDICTION_LABELS, {}, None, PREDICTION_LABELS
        )
    )
    assert keeper.is_prepared(ID) and not keeper.has(ID)
    keeper.forget(ID)
    assert not keeper.is_prepared(ID)
    keeper.close()
    assert not reviews.exists()


def test_closing_carries_out_what_was_ordered(reviews, tmp_path):
    keeper = Keeper(reviews, temporary_path=str(tmp_path))
    begin(keeper)
    keep(keeper, edited(3), note="before the end")
    keeper.close()
    assert only_case(reviews).note == "before the end"


def test_a_case_that_another_window_reviews_is_refused(keeper, reviews, tmp_path):
    begin(keeper)
    answers_of(keeper)
    other = Keeper(reviews, temporary_path=str(tmp_path))
    begin(other)
    (answer,) = answers_of(other)
    assert "another Slicer" in answer.error
    keeper.release(ID)
    answers_of(keeper)
    begin(other)
    assert [one.error for one in answers_of(other)] == [""]
    other.close()


def test_a_case_goes_on_where_it_was(keeper, reviews):
    begin(keeper)
    keep(keeper, edited(1), note="first")
    changed = answers_of(keeper)[-1].changed
    keeper.release(ID)
    finish(keeper.prepare_again(ID, changed, PREDICTION_LABELS))
    keeper.start(ID)
    keep(keeper, note="second")
    assert [one.error for one in answers_of(keeper)] == [""] * 3
    case = only_case(reviews)
    np.testing.assert_array_equal(case.lesions(), edited(1))
    assert case.note == "second"
    keeper.release(ID)
    finish(keeper.prepare_again(ID, changed, PREDICTION_LABELS))  # not its state any more
    keeper.start(ID)
    assert "another program" in answers_of(keeper)[-1].error


def test_a_process_that_was_killed_is_told_and_replaced(keeper, reviews, tmp_path):
    begin(keeper)
    answers_of(keeper)
    keeper._process.kill()
    wait(lambda: not keeper.has(ID))
    begin(keeper)
    keep(keeper, edited(2))
    keeper._process.kill()
    wait(lambda: not keeper.has(ID))
    answers = answers_of(keeper)
    assert answers and all("ended unexpectedly" in one.error for one in answers)
    begin(keeper)
    keep(keeper, edited(2))
    assert [one.error for one in answers_of(keeper)] == ["", ""]
    np.testing.assert_array_equal(only_case(reviews).lesions(), edited(2))
    (folder,) = (tmp_path / "temporary").iterdir()
    assert folder == keeper._given.parent, "with the CT in it"


def test_nothing_is_left_of_a_process_that_was_killed_before_the_window_closes(reviews, tmp_path):
    keeper = Keeper(reviews, temporary_path=str(tmp_path))
    begin(keeper)
    answers_of(keeper)
    keeper._process.kill()
    wait(lambda: not keeper.has(ID))
    keeper.close()
    assert [one.name for one in tmp_path.iterdir()] == ["reviews"]


def test_nothing_is_left_where_the_process_cannot_be_started(reviews, tmp_path):
    def fail(request: Path):
        raise OSError(12, "Cannot allocate memory")

    keeper = Keeper(reviews, fail, str(tmp_path))
    with pytest.raises(OutputError, match="Cannot allocate memory"):
        begin(keeper)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    keeper = Keeper(tmp_path / "file" / "reviews", temporary_path=str(tmp_path))
    begin(keeper)
    (answer,) = answers_of(keeper)
    assert "cannot be made" in answer.error and str(tmp_path) not in answer.error
    keeper.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from COVIDLesionSegLib.worker.review_orders import Keeper
from panel.test_review_saving import begin, edited, keep

keeper = Keeper(Path(sys.argv[1]), temporary_path=sys.argv[2])
begin(keeper)
for number in range(5):
    keep(keeper, edited(number), note=str(number))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_what_was_ordered_before_the_window_was_killed_is_saved(reviews, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(reviews), str(temporary)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    wait(lambda: not any(temporary.iterdir()))
    case = only_case(reviews)
    np.testing.assert_array_equal(case.lesions(), edited(4))
    assert (case.note, case.verdict) == ("4", Verdict.CORRECTED)
