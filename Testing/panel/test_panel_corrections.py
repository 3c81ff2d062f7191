"""Edits of the case on show are noticed and measured; those of a case that was left are, too."""

from __future__ import annotations

import time

import numpy as np
import pytest

from COVIDLesionSegLib.engine.review import Verdict
from COVIDLesionSegLib.engine.severity.correction import LabelBox
from panel.shown import measured
from panel.workers import ScriptedWorker, known_result


@pytest.fixture
def other(panel, ct, phantom):
    """Another CT in the scene, with a result."""
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    node = volume_to_node(phantom.volume, "other CT")
    show_result(node, known_result(phantom), surfaces=False)
    return node


def test_what_nobody_expected_is_said_once_and_the_next_edit_is_measured(
    shown, panel, bench, correct, monkeypatch
):
    measurement, asked = panel.corrections._measurement, []
    real = measurement.poll

    def break_down():
        asked.append(1)
        raise KeyError("patient")

    monkeypatch.setattr(measurement, "poll", break_down)
    correct()
    bench.wait_until(lambda: measured(panel))
    end = time.monotonic() + 0.3
    bench.wait_until(lambda: time.monotonic() > end)
    assert len(asked) == len(bench.slot_errors) == 1
    bench.slot_errors.clear()
    assert panel.ui.changesLabel.text == panel.corrections.problem != ""
    assert "patient" not in panel.corrections.problem
    monkeypatch.setattr(measurement, "poll", real)
    correct()  # takes the edit back
    bench.wait_until(lambda: measured(panel))
    assert not panel.corrections.problem and panel.corrections.corrected is False


def test_a_case_is_compared_with_its_run_in_short_steps(shown, panel, bench, other, ct):
    panel.ui.ctSelector.setCurrentNode(other)
    assert panel.corrections.looking and panel.corrections.pending
    assert panel.ui.correctedLabel.isHidden()
    bench.wait_until(lambda: measured(panel))
    assert panel.corrections.corrected is False


def test_a_step_of_the_comparison_reads_a_small_part_of_a_large_ct():
    from COVIDLesionSegLib.engine.steps import SLAB_BYTES
    from COVIDLesionSegLib.scene.label_boxes import same_boxes, same_boxes_in_steps

    voxels = np.zeros((300, 512, 512), np.uint8)
    boxes = [[LabelBox(one, (0, 0, 0), {1: 1})] for one in (voxels, voxels.copy())]
    assert len(list(same_boxes_in_steps(*boxes))) >= voxels.nbytes / SLAB_BYTES
    voxels[-1, -1, -1] = 1
    assert not same_boxes(*boxes)


def test_edits_that_were_made_unwatched_are_found(shown, panel, bench, other, ct):
    import slicer

    from COVIDLesionSegLib.scene.show import find_result

    node = find_result(other).segmentationNode
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", other).copy()
    array[1, 30:40, 30:40] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", other)
    panel.ui.ctSelector.setCurrentNode(other)
    bench.wait_until(lambda: measured(panel))
    assert panel.corrections.corrected


def test_while_one_ct_is_segmented_the_result_of_another_is_corrected_and_measured(
    shown, panel, bench, other, correct, ct
):
    from COVIDLesionSegLib.panel.running.run import RunState

    ui = panel.ui
    worker = ScriptedWorker([{"stage": "Finding lesions", "fraction": 0.5, "message": ""}])
    ui.ctSelector.setCurrentNode(other)
    bench.wait_until(lambda: measured(panel))
    panel.run.start_process = worker
    ui.applyButton.click()
    sections = (ui.resultsSection, ui.displaySection, ui.correctionSection, ui.reviewSection)
    assert all(section.isHidden() for section in sections)

    ui.ctSelector.setCurrentNode(ct)
    assert not any(section.isHidden() for section in sections)
    assert ui.applyButton.text == "Cancel"
    bench.wait_until(lambda: ui.statusLabel.text.startswith("other CT: Finding lesions"))
    bench.wait_until(lambda: measured(panel))
    correct()
    bench.wait_until(lambda: measured(panel))
    assert panel.corrections.corrected and panel.run.state is RunState.RUNNING
    panel.say("of the CT on show")
    end = time.monotonic() + 1.2  # progress is said twice a second
    bench.wait_until(lambda: time.monotonic() > end)
    assert ui.statusLabel.text == "of the CT on show"

    ui.ctSelector.setCurrentNode(other)
    assert all(section.isHidden() for section in sections)
    ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    assert not any(section.isHidden() for section in sections)


def test_a_result_that_arrives_while_another_ct_is_on_show_leaves_that_there(
    shown, panel, bench, other, ct, phantom
):
    from COVIDLesionSegLib.panel.running.run import RunState

    worker = ScriptedWorker(result=known_result(phantom, lesion=False))
    panel.ui.ctSelector.setCurrentNode(other)
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    panel.ui.ctSelector.setCurrentNode(ct)
    ratio = panel.result.severity.ratio
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert panel.ct is ct and panel.result.severity.ratio == ratio > 0
    assert "another CT is chosen" in panel.ui.statusLabel.text
    panel.ui.ctSelector.setCurrentNode(other)
    assert panel.result.severity.ratio == 0


def test_an_accepted_case_that_is_edited_and_left_at_once_is_corrected_in_the_scene(
    shown, panel, bench, other, ct, correct
):
    from COVIDLesionSegLib.scene.cohort import cohort
    from COVIDLesionSegLib.scene.review import read_review
    from COVIDLesionSegLib.scene.show import find_result

    panel.ui.acceptButton.click()
    before = find_result(ct).severity
    correct()
    panel.ui.ctSelector.setCurrentNode(other)
    bench.wait_until(lambda: measured(panel))
    assert panel.corrections.corrected is False
    node = find_result(ct).segmentationNode
    bench.wait_until(lambda: read_review(node).verdict is Verdict.CORRECTED)
    assert find_result(ct).severity != before
    rows = {
        case.ct: case for case in cohort(ct.GetScene(), panel.parameter_node.severityRule.value)
    }
    assert rows[ct].verdict is Verdict.CORRECTED and rows[other].verdict is None
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.ui.correctedButton.checked


def test_a_case_that_is_left_and_removed_is_forgotten(
    shown, panel, bench, other, ct, correct, scene
):
    correct()
    panel.ui.ctSelector.setCurrentNode(other)
    scene.RemoveNode(ct)
    bench.wait_until(lambda: measured(panel) and not panel.corrections._left)
    assert panel.corrections.corrected is False


def test_after_a_correction_flags_are_said_to_be_those_of_the_run(shown, panel, bench, correct):
    label = panel.ui.flagsOfRunLabel
    assert label.isHidden() and not panel.ui.flagsList.isHidden()
    correct()
    bench.wait_until(lambda: measured(panel))
    assert not label.isHidden() and label.text == "Flags of the run, before corrections"
    correct()
    bench.wait_until(lambda: measured(panel))
    assert label.isHidden()


def test_an_edit_on_a_ct_that_was_moved_since_its_run_is_refused_and_the_figures_stay(
    shown, panel, bench, ct, scene, correct
):
    from vtk import vtkMatrix4x4

    before = panel.result.severity
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtkMatrix4x4()
    matrix.SetElement(2, 3, 60.0)
    transform.SetMatrixTransformToParent(matrix)
    correct()
    ct.SetAndObserveTransformNodeID(transform.GetID())
    bench.wait_until(lambda: measured(panel))
    assert "moved" in panel.corrections.problem
    assert panel.result.severity == before
    ct.SetAndObserveTransformNodeID(None)
    correct()  # takes the edit back
    bench.wait_until(lambda: measured(panel))
    assert not panel.corrections.problem and panel.result.severity == before
