"""Cases under review are saved in the user's folder while the user works, if the user agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.review import Verdict, case_id, read_cases, remove_case
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint
from engine.saved_results import assert_same
from panel.shown import edit, stored
from panel.workers import finished_with, known_result


@pytest.fixture(autouse=True)
def not_asked(bench):
    import slicer

    from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

    slicer.app.userSettings().remove(CONSENT_SETTING)
    yield
    slicer.app.userSettings().remove(CONSENT_SETTING)


@pytest.fixture
def agreed(panel):
    panel.ui.keepCheckBox.checked = True


@pytest.fixture
def reviews(tmp_path):
    return tmp_path / "reviews"


def wait_until_saved(panel, bench) -> None:
    bench.wait_until(lambda: panel.ui.keptLabel.text.startswith("Saved at"))


def only_case(reviews):
    cases, problems = read_cases(reviews)
    assert problems == ()
    (case,) = cases
    return case


def lesions_of(panel, ct):
    import slicer

    node = panel.result.segmentationNode
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", ct)


def answer(yes: bool) -> None:
    from PySide6.QtWidgets import QMessageBox

    from bench.application import answer_message_boxes

    button = QMessageBox.StandardButton
    answer_message_boxes(button.Yes if yes else button.No)


def test_the_user_is_asked_in_the_panel_and_told_the_folder(shown, panel, bench, reviews):
    from bench.application import message_boxes

    ui = panel.ui
    assert str(reviews) in ui.askKeepLabel.text and "voxels of the CT" in ui.askKeepLabel.text
    assert not ui.askKeepWidget.isHidden() and ui.keepCheckBox.isHidden()
    ui.acceptButton.click()
    assert "Not saved yet" in ui.keptLabel.text
    ui.keepCasesButton.click()
    assert ui.askKeepWidget.isHidden() and not ui.keepCheckBox.isHidden()
    wait_until_saved(panel, bench)
    ui.rejectButton.click()
    wait_until_saved(panel, bench)
    assert message_boxes() == [] and ui.keepCheckBox.checked
    assert only_case(reviews).verdict is Verdict.REJECTED


def test_who_declines_keeps_the_verdict_in_the_scene_and_is_told_so(shown, panel, reviews, bench):
    from bench.application import message_boxes

    panel.ui.keepNoCasesButton.click()
    panel.ui.acceptButton.click()
    edit(panel, bench)
    assert stored(panel).verdict is Verdict.CORRECTED
    assert "in the scene only" in panel.ui.keptLabel.text
    assert message_boxes() == [] and not reviews.exists()
    assert not panel.ui.keepCheckBox.checked and panel.ui.askKeepWidget.isHidden()


def test_no_question_interrupts_edits_and_they_are_saved_with_the_answer(
    shown, panel, bench, reviews, ct
):
    from bench.application import message_boxes

    edit(panel, bench)
    assert message_boxes() == [] and not reviews.exists()
    panel.ui.keepCasesButton.click()
    wait_until_saved(panel, bench)
    np.testing.assert_array_equal(only_case(reviews).lesions(), lesions_of(panel, ct))


def test_cases_that_were_reviewed_before_the_answer_are_all_saved(
    shown, panel, bench, reviews, phantom, apply
):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.acceptButton.click()
    other = replace(phantom.volume, array=phantom.volume.array + np.int16(1))
    panel.ui.ctSelector.setCurrentNode(volume_to_node(other, "other CT"))
    apply(finished_with(known_result(phantom)))
    panel.ui.rejectButton.click()
    panel.ui.keepCasesButton.click()
    bench.wait_until(lambda: len(read_cases(reviews).cases) == 2)
    bench.wait_until(lambda: all(case.verdict for case in read_cases(reviews).cases))
    verdicts = {case.id: case.verdict for case in read_cases(reviews).cases}
    assert verdicts == {
        case_id(phantom.volume): Verdict.ACCEPTED,
        case_id(other): Verdict.REJECTED,
    }


@pytest.mark.parametrize("agrees", [True, False])
def test_who_closes_the_scene_without_an_answer_is_asked_then(
    shown, panel, bench, reviews, scene, agrees
):
    from bench.application import message_boxes

    panel.ui.acceptButton.click()
    answer(agrees)
    scene.Clear(False)
    assert len(message_boxes()) == 1 and str(reviews) in message_boxes()[0]
    if agrees:
        bench.wait_until(lambda: reviews.exists() and read_cases(reviews).cases)
        bench.wait_until(lambda: only_case(reviews).verdict is Verdict.ACCEPTED)
    else:
        assert not reviews.exists()


def test_who_reviewed_nothing_closes_the_scene_without_a_question(shown, panel, scene):
    from bench.application import message_boxes

    scene.Clear(False)
    assert message_boxes() == []


def test_edits_verdict_note_and_seen_slices_are_saved_as_they_are_made(
    agreed, shown, panel, bench, reviews, ct, phantom
):
    assert "once you edit" in panel.ui.keptLabel.text
    edit(panel, bench)
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert case.id == case_id(phantom.volume) and case.verdict is None and case.edited
    assert_same(case.result(), shown)
    np.testing.assert_array_equal(case.volume().array, phantom.volume.array)
    np.testing.assert_array_equal(case.lesions(), lesions_of(panel, ct))
    np.testing.assert_array_equal(case.lungs(), phantom.lungs)

    panel.ui.correctedButton.click()
    panel.ui.noteEdit.plainText = "Left base."
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert (case.verdict, case.note) == (Verdict.CORRECTED, "Left base.")
    assert stored(panel).saved == case.changed.isoformat()

    edit(panel, bench)  # turned back
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert (case.verdict, case.edited) == (Verdict.ACCEPTED, False)


def test_nothing_is_saved_before_the_user_does_something(agreed, shown, panel, bench, reviews):
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    assert not reviews.exists()


def test_closing_the_scene_right_after_an_edit_loses_nothing(
    agreed, shown, panel, bench, reviews, ct, scene
):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    panel.ui.noteEdit.plainText = "Just now."
    scene.Clear(False)
    bench.wait_until(lambda: only_case(reviews).note == "Just now.")


@pytest.mark.parametrize("ending", ["scene", "Slicer"])
def test_a_verdict_is_kept_whose_ct_is_still_being_handed_over(
    agreed, shown, panel, bench, reviews, scene, ending
):
    panel.keeping.release_all()  # a small CT is handed over when it is shown
    panel.ui.acceptButton.click()
    assert "Saving" in panel.ui.keptLabel.text
    if ending == "scene":
        scene.Clear(False)
    else:
        panel.keeping.close()
    bench.wait_until(lambda: reviews.exists() and read_cases(reviews).cases)
    bench.wait_until(lambda: only_case(reviews).verdict is Verdict.ACCEPTED)


@pytest.mark.parametrize("ending", ["scene", "Slicer"])
def test_who_ends_before_a_verdict_could_be_saved_is_told_why(
    agreed, shown, panel, bench, reviews, scene, ending
):
    from bench.application import message_boxes

    reviews.write_text("in the way")
    panel.ui.acceptButton.click()
    if ending == "scene":
        scene.Clear(False)
    else:
        panel.keeping.close()
    bench.wait_until(message_boxes)
    (sentence,) = message_boxes()
    assert "not saved" in sentence and "cannot be made" in sentence


def test_who_removes_a_ct_before_its_verdict_was_saved_is_told(
    agreed, shown, panel, bench, reviews, scene, ct
):
    from bench.application import message_boxes

    panel.ui.acceptButton.click()
    scene.RemoveNode(ct)
    told = []
    bench.wait_until(lambda: told.extend(message_boxes()) or told)
    (sentence,) = told
    assert "not saved" in sentence and "removed from the scene" in sentence


def test_who_removes_a_result_and_closes_the_scene_at_once_is_told_of_no_loss(
    agreed, shown, panel, scene
):
    from bench.application import message_boxes

    panel.ui.acceptButton.click()
    scene.RemoveNode(panel.result.segmentationNode)
    scene.Clear(False)
    assert message_boxes() == []


def test_an_unforeseen_error_is_told_instead_of_saving_for_ever(
    agreed, shown, panel, bench, reviews, monkeypatch, caplog
):
    from COVIDLesionSegLib.panel.review import saving as review_saving

    def fail(ct):
        raise ValueError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(review_saving, "prediction_of", fail)
        panel.keeping.release_all()  # it was handed over when it was shown
        panel.ui.acceptButton.click()
        bench.wait_until(lambda: "unexpected" in panel.ui.keptLabel.text)
        assert "nobody foresaw this" in caplog.text
    panel.ui.noteEdit.plainText = "Again."
    wait_until_saved(panel, bench)


def test_an_equal_result_of_another_run_is_not_said_to_be_saved(
    agreed, shown, panel, bench, reviews, apply
):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    apply(finished_with(shown))
    assert "once you edit" in panel.ui.keptLabel.text
    panel.ui.undoButton.click()
    panel.ui.noteEdit.plainText = "Of the first."
    wait_until_saved(panel, bench)
    assert only_case(reviews).verdict is Verdict.ACCEPTED


def test_another_run_begins_a_new_review(agreed, shown, panel, bench, reviews, apply, phantom):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    second = known_result(phantom, lesion=False)
    apply(finished_with(second))
    assert only_case(reviews).verdict is Verdict.ACCEPTED
    panel.ui.rejectButton.click()
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert case.verdict is Verdict.REJECTED
    np.testing.assert_array_equal(case.prediction(), second.lesions)


def test_saved_corrections_are_asked_about_before_another_run_replaces_them(
    agreed, shown, panel, bench, reviews, apply, phantom, ct
):
    from bench.application import answer_message_boxes, message_boxes

    edit(panel, bench)
    panel.ui.correctedButton.click()
    wait_until_saved(panel, bench)
    corrected = lesions_of(panel, ct).copy()
    answer_message_boxes("Cancel")
    apply(finished_with(known_result(phantom, lesion=False)))
    assert len(message_boxes()) == 1 and "You corrected 'lesion'" in message_boxes()[0]
    np.testing.assert_array_equal(lesions_of(panel, ct), corrected)
    assert stored(panel).verdict is only_case(reviews).verdict is Verdict.CORRECTED


def test_a_case_goes_on_after_the_scene_was_loaded_again(
    agreed, shown, panel, bench, reviews, scene, tmp_path
):
    import json

    import slicer

    from COVIDLesionSegLib.headless.saved_scene import save_scene

    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    slicer.util.loadScene(str(path))
    panel.initializeParameterNode()
    panel.ui.noteEdit.plainText = "After loading."
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert (case.verdict, case.note) == (Verdict.ACCEPTED, "After loading.")
    assert json.loads((case.folder / "case.json").read_text("utf-8"))["earlier"] == []


def test_a_case_that_cannot_be_saved_says_why_and_is_tried_again(
    agreed, shown, panel, bench, reviews
):
    reviews.write_text("in the way")
    panel.ui.acceptButton.click()
    bench.wait_until(lambda: "cannot be made" in panel.ui.keptLabel.text)
    reviews.unlink()
    panel.ui.noteEdit.plainText = "Again."
    wait_until_saved(panel, bench)
    assert only_case(reviews).verdict is Verdict.ACCEPTED


def test_a_case_removed_from_the_folder_meanwhile_says_so(agreed, shown, panel, bench, reviews):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    remove_case(only_case(reviews))
    panel.ui.noteEdit.plainText = "Gone?"
    bench.wait_until(lambda: "removed" in panel.ui.keptLabel.text)


def test_who_changes_their_mind_keeps_no_more(agreed, shown, panel, bench, reviews):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    panel.ui.keepCheckBox.checked = False
    panel.ui.rejectButton.click()
    assert "in the scene only" in panel.ui.keptLabel.text
    assert only_case(reviews).verdict is Verdict.ACCEPTED


def test_what_was_edited_while_another_ct_was_on_show_is_saved(
    agreed, shown, panel, bench, reviews, ct, phantom
):
    import slicer

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    node = panel.result.segmentationNode
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", ct).copy()
    array[1:3, 40:50, 40:50] ^= 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", ct)
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: not panel.corrections.pending)
    wait_until_saved(panel, bench)
    case = only_case(reviews)
    assert stored(panel).verdict is case.verdict is Verdict.CORRECTED
    np.testing.assert_array_equal(case.lesions(), lesions_of(panel, ct))


def test_labels_beside_a_ct_that_was_moved_are_not_kept(
    agreed, shown, panel, bench, reviews, ct, phantom
):
    panel.ui.acceptButton.click()
    wait_until_saved(panel, bench)
    ct.SetOrigin([x + 60 for x in ct.GetOrigin()])
    edit(panel, bench)
    bench.wait_until(lambda: "moved" in panel.ui.keptLabel.text)
    np.testing.assert_array_equal(only_case(reviews).lungs(), phantom.lungs)


@pytest.mark.parametrize("changed", [True, False])
def test_a_result_is_not_kept_with_a_ct_that_was_changed_since(
    apply, panel, bench, reviews, ct, phantom, changed
):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    made_from = {"input": {FINGERPRINT: fingerprint(phantom.volume)}}
    apply(finished_with(replace(known_result(phantom), provenance=made_from)))
    if changed:
        arrayFromVolume(ct)[2] += 1
        arrayFromVolumeModified(ct)
    panel.ui.keepCasesButton.click()
    panel.ui.acceptButton.click()
    if changed:
        bench.wait_until(lambda: "replaced since it was segmented" in panel.ui.keptLabel.text)
        assert not read_cases(reviews).cases
    else:
        wait_until_saved(panel, bench)
        np.testing.assert_array_equal(only_case(reviews).volume().array, arrayFromVolume(ct))
