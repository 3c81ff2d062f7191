"""Progress that never stands still, a run that is stuck, and the log of one that failed."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.progress import Progress
from panel.workers import ScriptedWorker


@pytest.fixture
def clock_of(bench):
    """A clock of a run, and a list with the time that it goes by."""
    from COVIDLesionSegLib.panel.running.run_clock import RunClock

    def make(expected_seconds: float | None = None):
        now = [100.0]
        return RunClock(expected_seconds, lambda: now[0]), now

    return make


@pytest.mark.parametrize("expected", [None, 5.0, 600.0])
def test_between_two_reports_the_bar_moves_on_but_never_claims_the_end(clock_of, expected):
    clock, now = clock_of(expected)
    shown = []
    for done in (0.0, 0.3, 0.6, 0.97):
        clock.report(Progress("Finding lesions", done))
        for _ in range(100):
            now[0] += 2.0
            shown.append(clock.fraction())

    assert shown == sorted(shown)
    assert all(later > before for before, later in zip(shown[:20], shown[1:20], strict=False))
    assert shown[-1] < 1.0
    assert shown[99] <= 0.3  # not far ahead of what the job has said
    clock.report(Progress("Done", 1.0))
    assert clock.fraction() == 1.0


def test_a_job_that_begins_anew_does_not_take_the_bar_back(clock_of):
    clock, _ = clock_of()
    clock.report(Progress("Finding lesions", 0.5))
    before = clock.fraction()
    clock.report(Progress("Trying again", 0.2))

    assert clock.fraction() >= before


def test_the_sentence_changes_every_second(clock_of):
    clock, now = clock_of()
    clock.report(Progress("Finding lesions", 0.5, "slice 3 of 9"))
    said = []
    for _ in range(3):
        now[0] += 1.0
        said.append(clock.sentence())

    assert said == [(f"Finding lesions - slice 3 of 9 - 0:0{n}", False) for n in (1, 2, 3)]


def test_a_process_that_does_not_compute_is_called_stuck(clock_of):
    clock, now = clock_of()
    now[0] += 75
    assert clock.sentence(silent_seconds=5.0) == ("Starting - 1:15", False)
    sentence, warning = clock.sentence(silent_seconds=31.2)

    assert warning and "for 31 s" in sentence and "cancel" in sentence


def test_the_panel_goes_on_showing_the_time(panel, ct, bench):
    panel.run.start_process = ScriptedWorker(
        [{"stage": "Finding lesions", "fraction": 0.5, "message": ""}]
    )
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.ui.statusLabel.text == "Finding lesions - 0:02")

    assert panel.ui.progressBar.value >= 50


@pytest.fixture
def crash(panel, ct, bench, tmp_path, monkeypatch):
    """Press Apply with a worker that crashes, also when it is tried again."""
    from COVIDLesionSegLib.panel.running.run import RunState
    from COVIDLesionSegLib.worker.failure_log import FOLDER_VARIABLE

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "logs"))

    def press() -> ScriptedWorker:
        worker = ScriptedWorker(exit_code=-11, printed="Fatal Python error: Segmentation fault")
        panel.run.start_process = worker
        panel.ui.applyButton.click()
        bench.wait_until(lambda: panel.run.state is RunState.IDLE)
        return worker

    return press


def test_a_crash_is_one_sentence_and_its_log_one_click_away(panel, crash):
    assert panel.ui.logButton.isHidden()
    crash()
    assert "crashed (exit code -11)" in panel.ui.statusLabel.text
    assert "in vain" in panel.ui.statusLabel.text
    assert not panel.ui.logButton.isHidden()
    panel.ui.logButton.click()

    assert "Segmentation fault" in panel._run._log_button.window.text.plainText


def test_the_log_button_goes_with_the_next_run(panel, crash, apply, phantom):
    from panel.workers import finished_with, known_result

    crash()
    apply(finished_with(known_result(phantom)))

    assert panel.ui.statusLabel.text == "Done."
    assert panel.ui.logButton.isHidden()
