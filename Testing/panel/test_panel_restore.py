"""A CT that was reviewed before gets its corrections and verdict back, in one step, if wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.review import (
    Verdict,
    read_cases,
    save_case,
    save_labels,
    save_verdict,
)
from panel.shown import stored
from panel.workers import known_result


@pytest.fixture
def reviews(tmp_path):
    return tmp_path / "reviews"


@pytest.fixture
def corrected(phantom, reviews):
    """The generated CT, corrected in an earlier session."""
    result = known_result(phantom)
    case = save_case(phantom.volume, result, folder=reviews)
    lesions = result.lesions.copy()
    lesions[1:3, 40:50, 40:50] ^= 1
    lungs = result.lungs.copy()
    lungs[2, 30:34, 30:34] = 0
    save_labels(case, lungs, lesions)
    return save_verdict(case, Verdict.CORRECTED, "Left base.", seen=[2])


@pytest.fixture
def offered(corrected, panel, ct, bench):
    bench.wait_until(lambda: not panel.ui.restoreSection.isHidden())
    return corrected


def restore(panel, bench) -> None:
    from COVIDLesionSegLib.panel.running.run import RunState

    panel.ui.restoreButton.click()
    assert panel.busy and panel.ui.restoreSection.isHidden()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)


def labels_in_scene(node, ct, ids) -> np.ndarray:
    import slicer

    labels = np.zeros(ct.GetImageData().GetDimensions()[::-1], np.uint8)
    for label, id_ in enumerate(ids, start=1):
        labels[slicer.util.arrayFromSegmentBinaryLabelmap(node, id_, ct) > 0] = label
    return labels


def test_a_ct_that_was_corrected_before_is_recognised(offered, panel):
    assert panel.ui.restoreLabel.text.startswith("You corrected this CT on 20")
    assert panel.ui.restoreButton.enabled


def test_restoring_brings_back_edits_prediction_verdict_and_note(
    offered, panel, ct, bench, phantom
):
    restore(panel, bench)
    shown, ui = panel.result, panel.ui
    assert ui.statusLabel.text == "Done."
    for node, lungs, lesions in (
        (shown.segmentationNode, offered.lungs(), offered.lesions()),
        (shown.predictionNode, phantom.lungs, offered.prediction()),
    ):
        np.testing.assert_array_equal(labels_in_scene(node, ct, ["right-lung", "left-lung"]), lungs)
        np.testing.assert_array_equal(labels_in_scene(node, ct, ["lesion"]), lesions)
    assert ui.correctedButton.checked and ui.noteEdit.plainText == "Left base."
    assert stored(panel).seen == {2}
    assert (
        shown.segmentationNode.GetSegmentation()
        .GetSegment("lesion")
        .GetRepresentation("Closed surface")
    )
    bench.wait_until(lambda: not panel.corrections.pending)
    assert panel.corrections.corrected
    assert stored(panel).verdict is Verdict.CORRECTED
    assert panel.result.severity != panel.result.original == known_result(phantom).severity


def test_one_undo_takes_the_whole_review_away_again(offered, panel, bench, scene, ct):
    from bench.application import answer_message_boxes

    before = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    restore(panel, bench)
    bench.wait_until(lambda: not panel.corrections.pending)
    answer_message_boxes("Undo all the same")
    panel.ui.undoButton.click()
    assert panel.result is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before


def test_a_restored_case_goes_on_where_it_was(offered, panel, bench, reviews):
    restore(panel, bench)
    bench.wait_until(lambda: not panel.corrections.pending)
    panel.ui.keepCheckBox.checked = True
    panel.ui.noteEdit.plainText = "Second day."
    bench.wait_until(lambda: panel.ui.keptLabel.text.startswith("Saved at"))
    (case,), _ = read_cases(reviews)
    assert (case.note, case.verdict) == ("Second day.", Verdict.CORRECTED)
    np.testing.assert_array_equal(case.lesions(), offered.lesions())
    np.testing.assert_array_equal(case.lungs(), offered.lungs())
    import slicer

    from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

    slicer.app.userSettings().remove(CONSENT_SETTING)


def test_not_now_leaves_everything_as_it_is(offered, panel, ct, reviews):
    panel.ui.dismissButton.click()
    assert panel.ui.restoreSection.isHidden() and panel.result is None
    assert read_cases(reviews).cases == (offered,)


def test_a_ct_that_nobody_reviewed_is_offered_nothing(corrected, panel, phantom, bench):
    from COVIDLesionSegLib.scene.volumes import volume_to_node
    from panel.sections import section_of

    other = replace(phantom.volume, array=phantom.volume.array + np.int16(1))
    panel.ui.ctSelector.setCurrentNode(volume_to_node(other, "other CT"))
    looking = section_of(panel, "Restore")._looking
    bench.wait_until(lambda: not looking.active)
    assert panel.ui.restoreSection.isHidden()


def test_a_case_that_was_only_begun_is_offered_nothing(phantom, reviews, panel, ct, bench):
    from panel.sections import section_of

    save_case(phantom.volume, known_result(phantom), folder=reviews)
    looking = section_of(panel, "Restore")._looking
    panel.ui.ctSelector.setCurrentNode(None)
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: not looking.active)
    assert panel.ui.restoreSection.isHidden()


def test_a_case_that_is_damaged_says_so_and_changes_nothing(offered, panel, bench, scene):
    (path,) = offered.folder.glob("prediction-*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    restore(panel, bench)
    assert "damaged" in panel.ui.statusLabel.text and panel.result is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_a_case_that_was_begun_anew_is_offered_no_longer(
    offered, panel, apply, phantom, bench, reviews
):
    """Restoring it would put the earlier verdict on the later prediction."""
    import slicer

    from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING
    from panel.workers import finished_with

    panel.ui.keepCheckBox.checked = True
    apply(finished_with(known_result(phantom, lesion=False)))
    assert not panel.ui.restoreSection.isHidden()
    panel.ui.acceptButton.click()
    bench.wait_until(lambda: panel.ui.keptLabel.text.startswith("Saved at"))
    (case,), _ = read_cases(reviews)
    assert (case.verdict, case.edited) == (Verdict.ACCEPTED, False)
    assert panel.ui.restoreSection.isHidden()
    slicer.app.userSettings().remove(CONSENT_SETTING)


def test_what_another_program_changed_meanwhile_is_restored_as_it_is_now(
    offered, panel, bench, reviews
):
    save_verdict(offered, Verdict.REJECTED, "Breathing.", seen=[1, 2])
    restore(panel, bench)
    assert panel.ui.rejectButton.checked and panel.ui.noteEdit.plainText == "Breathing."
    bench.wait_until(lambda: not panel.corrections.pending)
    assert stored(panel).seen == {1, 2}


def other_ct(phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    other = replace(phantom.volume, array=phantom.volume.array + np.int16(1))
    return volume_to_node(other, "other CT")


def test_a_result_that_comes_while_another_ct_is_chosen_is_not_shown_for_it(
    panel, ct, bench, phantom
):
    """As when a scene in which a CT is chosen is added during the run."""
    from COVIDLesionSegLib.panel.running.run import RunState
    from COVIDLesionSegLib.scene.show import find_result
    from panel.workers import finished_with

    other = other_ct(phantom)
    panel.run.start_process = finished_with(known_result(phantom))
    panel.ui.applyButton.click()
    panel.parameter_node.ct = other
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    assert panel.ct is panel.parameter_node.ct is other and panel.result is None
    assert find_result(ct) is not None and find_result(other) is None
    assert "another CT is chosen" in panel.ui.statusLabel.text
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.result is not None and panel.ui.undoButton.enabled


def test_a_review_restored_while_another_ct_is_chosen_is_there_with_its_ct(
    offered, panel, ct, bench, phantom
):
    from COVIDLesionSegLib.panel.running.run import RunState

    other = other_ct(phantom)
    panel.ui.restoreButton.click()
    panel.parameter_node.ct = other
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    assert panel.ct is other and panel.result is None
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: not panel.corrections.pending)
    assert panel.corrections.corrected and stored(panel).note == "Left base."
    assert panel.ui.correctedButton.checked


def test_after_undo_restoring_is_offered_again(offered, panel, bench):
    from bench.application import answer_message_boxes

    for _ in range(2):
        restore(panel, bench)
        bench.wait_until(lambda: not panel.corrections.pending)
        answer_message_boxes("Undo all the same")
        panel.ui.undoButton.click()
        bench.wait_until(lambda: not panel.ui.restoreSection.isHidden())
        assert panel.result is None and panel.ui.restoreLabel.text.startswith("You corrected")
    panel.ui.dismissButton.click()
    panel.show_result(panel.ct, None)
    assert panel.ui.restoreSection.isHidden()
