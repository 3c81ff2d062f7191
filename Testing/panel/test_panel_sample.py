"""A generated chest CT from the panel's button and from the console, without any download."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def run(panel):
    """The generation of the sample CT."""
    return panel._inputs.sample.run


def is_idle(run) -> bool:
    from COVIDLesionSegLib.panel.running.run import RunState

    return run.state is RunState.IDLE


def volume_names(scene) -> list[str]:
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode").GetName() for i in range(count)]


def test_the_button_loads_a_chest_ct_and_selects_it(panel, run, bench, scene):
    button = panel.ui.sampleButton
    assert button.text == "Load sample CT"
    button.click()
    assert button.text == "Cancel (0 %)"
    bench.wait_until(lambda: "(40 %)" in button.text, 120)
    bench.wait_until(lambda: is_idle(run), 120)

    ct = panel.ui.ctSelector.currentNode()
    assert ct.GetName() == "Sample chest CT" and panel.ct is ct
    assert ct.GetImageData().GetDimensions() == (324, 252, 56)
    assert ct.GetImageData().GetScalarRange()[0] == -1024
    assert panel.ui.applyButton.enabled
    assert button.text == "Load sample CT"


def test_pressed_again_it_stops_and_the_scene_stays_as_it_was(panel, run, bench, scene):
    panel.ui.sampleButton.click()
    panel.ui.sampleButton.click()
    assert not panel.ui.sampleButton.enabled
    bench.wait_until(lambda: is_idle(run))

    assert volume_names(scene) == []
    assert panel.ui.sampleButton.text == "Load sample CT" and panel.ui.sampleButton.enabled


def test_a_closed_scene_gets_no_sample_ct(panel, run, bench, scene):
    panel.ui.sampleButton.click()
    scene.Clear(False)
    bench.wait_until(lambda: is_idle(run))

    assert volume_names(scene) == []


def test_a_run_on_another_ct_is_not_disturbed(panel, run, bench, ct, scene):
    from COVIDLesionSegLib.panel.running.run import RunState
    from panel.workers import ScriptedWorker

    panel.ui.sampleButton.click()
    panel.run.start_process = ScriptedWorker()  # runs until it is ended
    panel.ui.applyButton.click()
    bench.wait_until(lambda: is_idle(run), 120)

    assert panel.run.state is RunState.RUNNING and panel.ct is ct
    assert volume_names(scene) == ["CT", "Sample chest CT"]
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)


def test_a_failure_is_said(panel, run, bench, scene):
    from panel.workers import ScriptedWorker

    run.start_process = lambda request: ScriptedWorker(
        [{"error": "OutputError", "message": "The disk is full."}], exit_code=1
    )
    panel.ui.sampleButton.click()
    bench.wait_until(lambda: is_idle(run))

    assert panel.ui.statusLabel.text == "The disk is full."


def test_the_console_gives_the_same_ct(bench, scene, tmp_path, monkeypatch):
    import slicer

    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    node = COVIDLesionSegLogic().sampleCT()

    assert node.GetName() == "Sample chest CT"
    assert node.GetImageData().GetDimensions() == (324, 252, 56)
    assert not list(tmp_path.iterdir())
