"""The background run: progress, cancel, errors, a scene that changes meanwhile; real processes."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from panel.model_list import choose_model
from panel.sections import section_of
from panel.workers import ScriptedWorker

pytestmark = pytest.mark.slow


@pytest.fixture
def run_state(bench):
    from COVIDLesionSegLib.panel.running.run import RunState

    return RunState


@pytest.fixture
def wait_idle(bench, panel, run_state):
    return lambda: bench.wait_until(lambda: panel.run.state is run_state.IDLE, seconds=240)


@pytest.fixture
def running(bench, panel, ct, run_state):
    """A real worker that has spoken."""
    panel.ui.applyButton.click()
    assert panel.run.state is run_state.RUNNING
    bench.wait_until(lambda: not panel.ui.statusLabel.text.startswith("Starting"), seconds=240)
    assert panel.run._active.job._process is not None
    return panel.run._active.job._process


@pytest.fixture
def computing(bench, panel, running):
    """A real worker in the middle of its work."""
    bench.wait_until(lambda: panel.ui.progressBar.value > 0, seconds=240)
    return running


def node_ids(scene) -> set[str]:
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_apply_gives_what_the_console_gives_and_keeps_the_window_live(panel, ct, bench, run_state):
    import qt
    from slicer.util import arrayFromSegmentBinaryLabelmap, arrayFromVolume

    from COVIDLesionSegLib.panel.parameter_node import COVIDLesionSegLogic

    beats, stages, fractions = [], [], []
    heart = qt.QTimer()
    heart.setInterval(20)
    heart.connect("timeout()", lambda: beats.append(time.monotonic()))
    heart.connect("timeout()", lambda: stages.append(panel.ui.statusLabel.text.split(" - ")[0]))
    heart.connect("timeout()", lambda: fractions.append(panel.ui.progressBar.value))
    # Low enough for the network to mark something on a generated CT.
    panel.ui.thresholdSlider.value = 0.02
    panel.ui.applyButton.click()
    heart.start()
    bench.wait_until(lambda: panel.run.state is run_state.IDLE, seconds=240)
    heart.stop()

    assert panel.ui.statusLabel.text == "Done."
    assert len(beats) > 20
    assert {"Loading PyTorch", "Finding the lungs", "Finding lesions"} <= set(stages)
    assert fractions == sorted(fractions)

    shown = panel.result
    lesion = arrayFromSegmentBinaryLabelmap(shown.segmentationNode, "lesion", ct).copy()
    probability = arrayFromVolume(shown.probabilityNode).copy()
    assert lesion.any()
    beats.clear()
    heart.start()
    again = COVIDLesionSegLogic().segment(ct, threshold=0.02)
    heart.stop()
    assert len(beats) > 20
    np.testing.assert_array_equal(arrayFromVolume(again.probabilityNode), probability)
    np.testing.assert_array_equal(
        arrayFromSegmentBinaryLabelmap(again.segmentationNode, "lesion", ct), lesion
    )
    assert again.severity == shown.severity
    assert again.segmentationNode is shown.segmentationNode


def test_untrained_networks_of_the_list_vote_only_when_allowed(panel, ct, scene, wait_idle):
    import qt

    ui = panel.ui
    ui.showUntrainedCheckBox.click()
    choose_model(panel, "unet")
    voters = ui.membersComboBox
    voters.model().item(voters.findData("attention-unet")).setCheckState(qt.Qt.Checked)
    ui.applyButton.click()
    wait_idle()
    assert "unet has no trained weights" in ui.statusLabel.text
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0

    ui.allowUntrainedCheckBox.checked = True
    ui.applyButton.click()
    wait_idle()
    assert ui.statusLabel.text == "Done."
    assert ui.severityLabel.text.startswith("n/a")
    flags = section_of(panel, "Results")._flag_list.texts
    assert "Never trained: unet, attention-unet" in flags[0]
    assert set(panel.result.provenance["models"]) == {"unet", "attention-unet"}
    assert panel.result.disagreementNode.GetName().endswith("UNTRAINED NETWORK")
    assert ui.overlayComboBox.enabled


def test_cancel_ends_the_process_and_leaves_the_scene_alone(
    computing, panel, scene, run_state, wait_idle, tmp_path
):
    nodes = node_ids(scene)
    assert panel.ui.applyButton.text == "Cancel"
    assert not panel.ui.lungsSelector.enabled and panel.ui.ctSelector.enabled
    panel.ui.applyButton.click()
    assert panel.run.state is run_state.CANCELLING
    assert not panel.ui.applyButton.enabled
    wait_idle()

    assert not is_alive(computing.pid)
    assert not list(tmp_path.glob("COVIDLesionSeg-*"))
    assert node_ids(scene) == nodes
    assert panel.ui.applyButton.text == "Apply"
    assert panel.ui.applyButton.enabled and panel.ui.lungsSelector.enabled
    assert panel.ui.statusLabel.text == "Cancelled: nothing was changed."


def test_closing_the_scene_stops_the_run(running, panel, scene, wait_idle):
    scene.Clear(False)
    wait_idle()

    assert not is_alive(running.pid)
    assert "scene was closed" in panel.ui.statusLabel.text


def test_removing_the_ct_stops_the_run(running, panel, ct, scene, wait_idle):
    scene.RemoveNode(ct)
    wait_idle()

    assert not is_alive(running.pid)
    assert "CT was removed" in panel.ui.statusLabel.text


def test_a_ct_that_is_changed_while_it_is_segmented_gets_no_result(
    computing, panel, ct, scene, wait_idle
):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    nodes = node_ids(scene)
    arrayFromVolume(ct)[2] += 1
    arrayFromVolumeModified(ct)
    wait_idle()

    assert "moved or replaced since it was segmented" in panel.ui.statusLabel.text
    assert node_ids(scene) == nodes and panel.result is None


def test_closing_slicer_ends_the_process_before_returning(running, panel, tmp_path):
    panel.cleanup()

    assert not is_alive(running.pid)
    assert not list(tmp_path.glob("COVIDLesionSeg-*"))
    panel.setup()  # so that the bench can close it once more


def test_leaving_the_module_lets_the_run_go_on(bench, panel, ct, run_state):
    worker = ScriptedWorker([{"stage": "Finding lesions", "fraction": 0.5, "message": ""}])
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    panel.exit()
    bench.wait_until(lambda: panel.ui.progressBar.value == 50)
    panel.enter()

    assert panel.run.state is run_state.RUNNING
    assert panel.ui.applyButton.text == "Cancel"


def test_an_error_of_the_engine_is_its_one_sentence_on_the_panel(panel, ct, wait_idle, scene):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    from COVIDLesionSegLib.engine.errors import InputError
    from COVIDLesionSegLib.engine.volume import check_chest_ct
    from scene.read_nodes import volume_from_node

    arrayFromVolume(ct)[:] = 40
    arrayFromVolumeModified(ct)
    with pytest.raises(InputError) as refusal:
        check_chest_ct(volume_from_node(ct))
    panel.ui.applyButton.click()
    wait_idle()

    assert panel.ui.statusLabel.text == str(refusal.value)
    assert panel.ui.applyButton.enabled
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_after_a_worker_was_killed_by_the_system_less_is_tried_and_the_result_says_so(
    running, panel, wait_idle
):
    os.kill(running.pid, 9)
    wait_idle()

    assert panel.ui.statusLabel.text == "Done."
    assert "one patch at a time" in panel.result.flags[-1].message
    assert panel.result.provenance["parameters"]["batch_size"] == 1


def test_a_worker_that_cannot_start_is_reported_and_leaves_nothing(
    panel, ct, wait_idle, monkeypatch
):
    from COVIDLesionSegLib.worker import process

    monkeypatch.setattr(process, "python_executable", lambda: "/nowhere/python")
    panel.ui.applyButton.click()
    wait_idle()

    assert "could not be started" in panel.ui.statusLabel.text
    assert panel.ui.applyButton.text == "Apply"


def test_a_lost_result_is_reported(panel, ct, wait_idle):
    panel.run.start_process = ScriptedWorker(exit_code=0)
    panel.ui.applyButton.click()
    wait_idle()

    assert "run again" in panel.ui.statusLabel.text
