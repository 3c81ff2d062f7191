"""The lungs alone, corrected, and then lesions in them; corrections are never lost unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.lungs_alone import lungs_alone
from panel.workers import ScriptedWorker, finished_with, known_result


def lungs_of(phantom):
    """What the job gives that looks for the lungs only."""
    return lungs_alone(known_result(phantom))


@pytest.fixture
def run_with(panel, ct, bench):
    """Press a button with a given worker and wait for the end."""
    from COVIDLesionSegLib.panel.running.run import RunState

    def press(button, worker: ScriptedWorker) -> None:
        panel.run.start_process = worker
        button.click()
        bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    return press


@pytest.fixture
def lungs(run_with, panel, phantom):
    """The segmentation after 'Lungs only'."""
    run_with(panel.ui.lungsButton, finished_with(lungs_of(phantom)))
    return panel.parameter_node.givenLungs


@pytest.fixture
def edit(ct):
    """Take a block out of a segment, as in Segment Editor, and give what is left."""
    from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

    def correct(node, segment_id: str):
        array = arrayFromSegmentBinaryLabelmap(node, segment_id, ct).copy()
        inside = np.argwhere(array)
        k, j, i = inside[len(inside) // 2]
        array[k, j - 3 : j + 3, i - 3 : i + 3] = 0
        updateSegmentBinaryLabelmapFromArray(array, node, segment_id, ct)
        return array

    return correct


def answer(text: str) -> None:
    from bench.application import answer_message_boxes

    answer_message_boxes(text)


def questions() -> list[str]:
    from bench.application import message_boxes

    return message_boxes()


def segment(node, segment_id: str, ct):
    from slicer.util import arrayFromSegmentBinaryLabelmap

    return arrayFromSegmentBinaryLabelmap(node, segment_id, ct)


def test_lungs_alone_are_shown_and_chosen_for_the_lesions(lungs, panel, scene):
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert panel.ui.resultsSection.isHidden()
    assert panel.ui.lungsSelector.currentNode() is lungs
    assert "correct them" in panel.ui.statusLabel.text
    assert panel.ui.applyButton.text == "Find lesions in these lungs"
    assert not panel.ui.lungsButton.enabled and "Find them" in panel.ui.lungsButton.toolTip
    assert panel.ui.lungsLabel.isHidden() and not panel.ui.lungChoices.isHidden()


def test_the_worker_gets_the_corrected_lungs_and_the_result_keeps_them(
    lungs, panel, ct, edit, run_with, phantom
):
    from COVIDLesionSegLib.engine.volume import read_array

    mine = edit(lungs, "right-lung")
    expected = np.where(mine, 1, np.where(phantom.lungs == 2, 2, 0))
    given = []

    class Reads(ScriptedWorker):
        def __call__(self, request):
            super().__call__(request)
            given.append(read_array(request.parent / "job-input" / "lungs.nrrd")[0])
            return self

    result = replace(known_result(phantom), lungs=expected.astype(np.uint8))
    run_with(panel.ui.applyButton, Reads(result=result, exit_code=0))

    np.testing.assert_array_equal(given[0], expected)
    assert questions() == []
    assert panel.ui.statusLabel.text == "Done."
    assert panel.result.segmentationNode is lungs
    np.testing.assert_array_equal(segment(lungs, "right-lung", ct), mine)
    assert [f.code for f in panel.result.flags if f.code == "corrections-kept"] == []


def test_models_that_look_for_lungs_are_not_asked_about_where_lungs_are_chosen(
    lungs, panel, phantom, run_with, monkeypatch
):
    from COVIDLesionSegLib.engine import requirements

    missing = ("nobody-has-this-package>=1",)
    monkeypatch.setitem(requirements.LUNG_METHOD_PACKAGES, "lungmask-r231", missing)
    monkeypatch.setitem(requirements.NETWORK_PACKAGES, "Lite0UNet", missing)
    node = panel.parameter_node
    node.model, node.lungs, node.secondOpinion = "amc-net", "lungmask-r231", "lungs-lite0"
    run_with(panel.ui.applyButton, ScriptedWorker(result=known_result(phantom), exit_code=0))
    assert questions() == [] and panel.ui.statusLabel.text == "Done."


def test_undo_of_lungs_alone_leaves_nothing(lungs, panel, scene):
    assert not panel.ui.undoButton.isHidden()
    panel.ui.undoButton.click()

    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert panel.ui.applyButton.text == "Apply" and panel.ui.lungsButton.enabled


def test_segments_without_codes_must_be_chosen(panel, ct, scene, phantom, run_with):
    from slicer.util import updateSegmentBinaryLabelmapFromArray

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for id_, label in (("a", 2), ("b", 1)):
        node.GetSegmentation().AddEmptySegment(id_, f"lung {id_}")
        mask = (phantom.lungs == label).astype(np.uint8)
        updateSegmentBinaryLabelmapFromArray(mask, node, id_, ct)
    panel.parameter_node.givenLungs = node
    assert not panel.ui.lungsLabel.isHidden()
    assert not panel.ui.applyButton.enabled and "which lung" in panel.ui.applyButton.toolTip
    boxes = panel._inputs._lungs._boxes.boxes
    boxes["right lung"].currentIndex = boxes["right lung"].findData("b")
    boxes["left lung"].currentIndex = boxes["left lung"].findData("a")

    assert panel.ui.lungsLabel.isHidden() and panel.ui.applyButton.enabled
    run_with(panel.ui.applyButton, finished_with(known_result(phantom)))
    assert panel.ui.statusLabel.text == "Done."
    assert panel.result.segmentationNode is not node
    assert scene.IsNodePresent(node)


def test_lungs_of_another_ct_are_neither_offered_nor_kept(lungs, panel, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))

    assert panel.parameter_node.givenLungs is None
    assert panel.ui.applyButton.text == "Apply"


def test_without_corrections_nothing_is_asked(shown, run_with, panel, phantom):
    run_with(panel.ui.applyButton, finished_with(known_result(phantom)))
    panel.ui.undoButton.click()

    assert questions() == []


def test_cancel_at_the_question_runs_nothing(shown, panel, edit, bench):
    from COVIDLesionSegLib.panel.running.run import RunState

    mine = edit(panel.result.segmentationNode, "lesion")
    answer("Cancel")
    panel.run.start_process = ScriptedWorker()
    panel.ui.applyButton.click()

    assert "'lesion'" in questions()[0]
    assert panel.run.state is RunState.IDLE and not panel.busy
    assert panel.ui.applyButton.text == "Apply"
    np.testing.assert_array_equal(segment(panel.result.segmentationNode, "lesion", panel.ct), mine)


def test_the_users_lungs_are_kept_where_that_is_the_answer(
    shown, panel, edit, run_with, phantom, ct
):
    node = panel.result.segmentationNode
    mine = edit(node, "left-lung")
    answer("Keep my lungs, find lesions in them")
    lungs = np.where(mine, 2, np.where(phantom.lungs == 1, 1, 0)).astype(np.uint8)
    run_with(panel.ui.applyButton, finished_with(replace(known_result(phantom), lungs=lungs)))

    np.testing.assert_array_equal(segment(node, "left-lung", ct), mine)
    assert panel.parameter_node.givenLungs is None
    assert [f.code for f in panel.result.flags if f.code == "corrections-kept"] == []


def test_undo_asks_where_corrections_would_go_with_it(shown, panel, edit, ct):
    node = panel.result.segmentationNode
    mine = edit(node, "lesion")
    answer("Cancel")
    panel.ui.undoButton.click()
    np.testing.assert_array_equal(segment(node, "lesion", ct), mine)
    assert panel.ui.undoButton.enabled
    answer("Undo all the same")
    panel.ui.undoButton.click()

    assert len(questions()) == 2
    assert panel.ui.resultsSection.isHidden()


def test_in_testing_mode_nothing_waits_for_an_answer(shown, panel, edit, monkeypatch):
    import slicer

    edit(panel.result.segmentationNode, "lesion")
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: True, raising=False)
    answer("Cancel")
    panel.ui.undoButton.click()
    assert questions() == [] and panel.ui.resultsSection.isHidden()


def test_a_run_that_the_console_undid_is_not_undone_again(shown, apply, panel, phantom):
    apply(finished_with(known_result(phantom, lesion=False)))
    panel.result.undo()
    panel.ui.undoButton.click()
    assert not panel.ui.undoButton.enabled
    assert "undone" not in panel.ui.statusLabel.text


def test_lungs_that_are_found_while_another_module_is_open_are_chosen_for_the_lesions(
    panel, ct, bench, phantom
):
    from COVIDLesionSegLib.panel.running.run import RunState

    panel.enter()
    worker = ScriptedWorker(result=lungs_of(phantom))
    panel.run.start_process = worker
    panel.ui.lungsButton.click()
    bench.wait_until(lambda: worker.volume is not None)
    panel.exit()
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    panel.enter()
    assert panel.parameter_node.ct is ct
    lungs = panel.parameter_node.givenLungs
    assert lungs is not None and lungs.GetAttribute("COVIDLesionSeg.role") == "segmentation"
    assert panel.ui.applyButton.text == "Find lesions in these lungs"
    panel.ui.lungsSelector.setCurrentNode(None)
    panel.exit()
    panel.enter()
    assert panel.parameter_node.givenLungs is None


def test_a_segmentation_deleted_during_the_run_is_made_anew(shown, panel, scene, bench, phantom):
    from COVIDLesionSegLib.panel.running.run import RunState

    worker = ScriptedWorker(result=known_result(phantom))
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    bench.wait_until(lambda: worker.volume is not None)
    for node in panel.result.nodes:
        scene.RemoveNode(node)
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert panel.ui.statusLabel.text == "Done."
    assert not panel.ui.resultsSection.isHidden()


def test_lungs_deleted_while_they_are_handed_over_end_the_run_with_a_sentence(
    lungs, panel, scene, bench
):
    from COVIDLesionSegLib.panel.running.run import RunState

    panel.run.start_process = ScriptedWorker(exit_code=1)
    panel.ui.applyButton.click()
    scene.RemoveNode(lungs)
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert panel.ui.statusLabel.text.endswith(".")
    assert panel.ui.applyButton.text == "Apply"


def test_lungs_that_were_chosen_for_one_ct_are_not_used_for_another(panel, ct, scene, phantom):
    """Also those of the user's own segmentation, which states no CT."""
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    mine = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "my lungs")
    mine.GetSegmentation().AddEmptySegment("r")
    panel.ui.lungsSelector.setCurrentNode(mine)
    panel.parameter_node.lungSegments = '{"right lung": "r"}'
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert panel.parameter_node.givenLungs is None and panel.parameter_node.lungSegments == ""
    assert panel.ui.applyButton.text == "Apply"
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.parameter_node.givenLungs is mine
    assert panel.parameter_node.lungSegments == '{"right lung": "r"}'


def test_lungs_of_a_ct_come_back_with_a_scene_that_was_saved_with_another_ct_on_show(
    panel, ct, scene, phantom, tmp_path
):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    mine = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "my lungs")
    mine.GetSegmentation().AddEmptySegment("r")
    panel.ui.lungsSelector.setCurrentNode(mine)
    panel.parameter_node.lungSegments = '{"right lung": "r"}'
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    panel.enter()
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    assert panel.parameter_node.ct.GetName() == "other CT"
    assert panel.parameter_node.givenLungs is None
    panel.ui.ctSelector.setCurrentNode(scene.GetFirstNodeByName("CT"))
    assert panel.parameter_node.givenLungs.GetName() == "my lungs"
    assert panel.parameter_node.lungSegments == '{"right lung": "r"}'
    panel.ui.lungsSelector.setCurrentNode(None)
    panel.ui.ctSelector.setCurrentNode(scene.GetFirstNodeByName("other CT"))
    panel.ui.ctSelector.setCurrentNode(scene.GetFirstNodeByName("CT"))
    assert panel.parameter_node.givenLungs is None


def test_an_added_scene_neither_takes_the_lungs_of_a_ct_nor_gives_it_its_own(
    panel, ct, scene, phantom, tmp_path
):
    """Its parameter node takes the place of the one that is there."""
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    def choose_lungs(name):
        mine = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        mine.GetSegmentation().AddEmptySegment("r")
        panel.ui.lungsSelector.setCurrentNode(mine)
        panel.parameter_node.lungSegments = '{"right lung": "r"}'
        return mine

    choose_lungs("lungs of B")
    ct.SetName("B")
    scene.Commit(str(tmp_path / "b.mrml"))
    scene.Clear(False)
    panel.enter()
    a = volume_to_node(phantom.volume, "A")
    panel.ui.ctSelector.setCurrentNode(a)
    lungs_of_a = choose_lungs("lungs of A")
    scene.SetURL(str(tmp_path / "b.mrml"))
    scene.Import()

    panel.ui.ctSelector.setCurrentNode(scene.GetFirstNodeByName("B"))
    assert panel.parameter_node.givenLungs.GetName() == "lungs of B"
    panel.ui.ctSelector.setCurrentNode(a)
    assert panel.parameter_node.givenLungs is lungs_of_a
    assert panel.parameter_node.lungSegments == '{"right lung": "r"}'
    panel.ui.ctSelector.setCurrentNode(scene.GetFirstNodeByName("B"))
    assert panel.parameter_node.givenLungs.GetName() == "lungs of B"


def test_a_run_cancelled_when_its_result_has_just_arrived_leaves_nothing(
    panel, scene, run_with, phantom
):
    arrive = panel.run._on_arrival

    def press_cancel(result) -> None:
        arrive(result)
        assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") > 0
        panel.ui.applyButton.click()

    panel.run._on_arrival = press_cancel
    run_with(panel.ui.applyButton, finished_with(known_result(phantom)))

    assert panel.ui.statusLabel.text == "Cancelled: nothing was changed."
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert not panel.ui.undoButton.enabled and panel.ui.resultsSection.isHidden()
