"""A segmentation that was started from the Python console, seen on the panel."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
from PySide6.QtCore import SIGNAL

from COVIDLesionSegLib.engine.errors import Cancelled, CovidLesionSegError, OutputError
from COVIDLesionSegLib.jobs import CheckInstallationOptions
from COVIDLesionSegLib.worker.job import job_in_background
from panel.workers import ScriptedWorker, finished_with, known_result


@pytest.fixture
def console(panel, ct, monkeypatch):
    """The console's segment() on the CT, with a given worker; ``during`` is called meanwhile."""
    import slicer

    from COVIDLesionSegLib.panel.parameter_node import COVIDLesionSegLogic
    from COVIDLesionSegLib.worker import background

    def segment(worker, during=lambda: None):
        process_events = type(slicer.app).processEvents

        def live(app) -> None:
            process_events(app)
            during()

        with monkeypatch.context() as patch:
            of_worker = partial(background.BackgroundJob, start_process=worker)
            patch.setattr(background, "BackgroundJob", of_worker)
            patch.setattr(type(slicer.app), "processEvents", live)
            return COVIDLesionSegLogic().segment(ct)

    return segment


AT_WORK = {"stage": "Finding lesions", "fraction": 0.5, "message": ""}


def test_it_is_shown_like_one_of_the_panel_and_so_is_its_result(console, panel, phantom):
    worker = ScriptedWorker([AT_WORK], known_result(phantom))
    seen = []

    def look() -> None:
        seen.append(
            (panel.busy, panel.ui.applyButton.text, panel.ui.statusLabel.text.split(" - ")[0])
        )
        if (True, "Cancel", "Finding lesions") in seen:
            worker.code = 0

    shown = console(worker, look)

    assert (True, "Cancel", "Finding lesions") in seen
    assert not panel.busy and panel.ui.applyButton.text == "Apply"
    assert panel.ui.statusLabel.text == "The segmentation of the Python console is done."
    assert panel.result.nodes == shown.nodes
    assert not panel.ui.resultsSection.isHidden()
    panel.ui.undoButton.click()
    assert panel.ui.resultsSection.isHidden()


def test_the_panels_cancel_ends_it(console, panel, scene):
    worker = ScriptedWorker([AT_WORK])
    pressed = []

    def press() -> None:
        if not pressed and panel.ui.applyButton.text == "Cancel":
            pressed.append(panel.ui.applyButton.click())

    with pytest.raises(Cancelled):
        console(worker, press)
    assert worker.killed and not panel.busy
    assert "console was cancelled: nothing was changed." in panel.ui.statusLabel.text
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_why_it_failed_is_said(console, panel):
    worker = ScriptedWorker([{"error": "InputError", "message": "No lungs."}], exit_code=1)
    with pytest.raises(CovidLesionSegError) as raised:
        console(worker)
    said = panel.ui.statusLabel
    assert said.text == f"The segmentation of the Python console failed: {raised.value}"
    assert said.styleSheet and not panel.busy


def test_closing_the_scene_ends_it(console, panel, scene):
    closed = []

    def close() -> None:
        if not closed:
            closed.append(scene.Clear(False))

    with pytest.raises(Cancelled):
        console(ScriptedWorker([AT_WORK]), close)
    assert not panel.busy


def test_a_panel_that_is_closed_or_made_anew_ends_it(console, panel):
    worker = ScriptedWorker([AT_WORK])
    closed = []

    def close() -> None:
        if not closed and panel.busy:
            closed.append(panel.cleanup())

    with pytest.raises(Cancelled):
        console(worker, close)
    assert closed and worker.killed
    panel.setup()  # so that the bench can close it once more


def test_closing_slicers_window_ends_it_without_the_panel_and_is_listened_to_no_longer(
    console, panel, monkeypatch
):
    import slicer

    window = SimpleNamespace(visible=True)
    panel.cleanup()
    worker = ScriptedWorker([AT_WORK])

    def close() -> None:
        if window.visible:
            window.visible = False
            slicer.app.lastWindowClosed.emit()

    with monkeypatch.context() as patch, pytest.raises(Cancelled):
        patch.setattr(slicer.util, "mainWindow", lambda: window)
        console(worker, close)
    assert worker.killed
    assert not slicer.app.receivers(SIGNAL("lastWindowClosed()"))
    panel.setup()  # so that the bench can close it once more


@pytest.mark.parametrize("window", [None, SimpleNamespace(visible=False)])
def test_a_dialog_that_is_closed_where_no_main_window_was_seen_ends_nothing(
    console, phantom, monkeypatch, window
):
    import slicer

    monkeypatch.setattr(slicer.util, "mainWindow", lambda: window)
    worker = finished_with(known_result(phantom))
    assert console(worker, slicer.app.lastWindowClosed.emit).segmentationNode is not None


def test_a_second_one_is_refused_with_a_sentence(console, panel, ct, bench, phantom):
    from COVIDLesionSegLib.panel.running.run import RunState

    worker = ScriptedWorker(result=known_result(phantom))
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    with pytest.raises(CovidLesionSegError, match="running already"):
        console(finished_with(known_result(phantom)))
    bench.wait_until(lambda: worker.volume is not None)
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert panel.ui.statusLabel.text == "Done."
    assert console(finished_with(known_result(phantom))).segmentationNode is not None


def test_a_run_that_cannot_begin_leaves_the_turn_to_others(
    console, panel, ct, phantom, tmp_path, monkeypatch
):
    import slicer

    job = job_in_background("check_installation", CheckInstallationOptions(), lambda out: out)
    with monkeypatch.context() as patch:
        patch.setattr(slicer.app, "temporaryPath", str(tmp_path / "absent"))
        with pytest.raises(OutputError):
            panel.start_run(ct, job)

    assert not panel.busy
    assert console(finished_with(known_result(phantom))).segmentationNode is not None
