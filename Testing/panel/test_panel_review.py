"""Reviewing a case: the slices to look at first, the verdict and the note."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.review import Verdict
from panel.sections import section_of
from panel.shown import edit, stored
from panel.workers import finished_with, known_result


def doubtful(phantom, *indices: int, flags=()):
    """A result that is in doubt about these slices, the more the earlier they are named."""
    known = known_result(phantom)
    geometry = known.geometry
    axial = phantom.volume.order.to_axial(np.zeros(geometry.shape, np.float32))
    for rank, index in enumerate(indices):
        axial[index, : 40 - 5 * rank, :40] = 0.5
    probability = phantom.volume.on_grid(axial)
    return replace(known, probability=probability, flags=tuple(flags))


@pytest.fixture
def reviewed(red, apply, panel, phantom, bench):
    """A result in doubt about slice 2, then 1; slice 3 has a quality flag."""
    flags = [Flag("lung-gap", "Look at three.", slices=(3,))]
    apply(finished_with(doubtful(phantom, 2, 1, flags=flags)))
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    return panel.ui


def rows(ui) -> list[list[str]]:
    table = ui.reviewTable
    return [
        [table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)
    ]


def listed(ui) -> list[int]:
    return [int(row[0].split()[0]) for row in rows(ui)]


def seen_in_views(ct) -> int | None:
    from COVIDLesionSegLib.scene.slice_views import slice_seen

    return slice_seen(ct)


def test_flagged_slices_come_first_and_then_the_most_doubtful(reviewed):
    assert listed(reviewed)[:3] == [3, 2, 1]
    assert "quality flag" in rows(reviewed)[0][1]
    assert "uncertain" in rows(reviewed)[1][1] and "cm²" in rows(reviewed)[1][1]
    assert "Look at three." in reviewed.reviewTable.item(0, 1).toolTip()
    assert reviewed.slicesLabel.text.startswith(f"{len(rows(reviewed))} of {len(rows(reviewed))}")


def test_choosing_a_row_shows_its_slice(reviewed, ct):
    reviewed.reviewTable.setCurrentCell(1, 0)
    assert seen_in_views(ct) == 2
    reviewed.reviewTable.setCurrentCell(2, 0)
    assert seen_in_views(ct) == 1


def test_next_goes_down_the_list_and_marks_what_was_seen(reviewed, ct, panel):
    reviewed.nextSliceButton.click()
    assert seen_in_views(ct) == 3
    assert stored(panel).seen == frozenset()
    reviewed.nextSliceButton.click()
    assert seen_in_views(ct) == 2
    assert stored(panel).seen == {3}
    assert [row[2] for row in rows(reviewed)][:2] == ["✓", ""]
    reviewed.previousSliceButton.click()
    assert seen_in_views(ct) == 3 and reviewed.seenButton.checked
    reviewed.seenButton.click()
    assert stored(panel).seen == frozenset() and rows(reviewed)[0][2] == ""


def test_when_every_slice_was_seen_the_list_says_so(reviewed):
    for _ in range(len(rows(reviewed)) + 1):
        reviewed.nextSliceButton.click()
    assert reviewed.slicesLabel.text.startswith("Every slice of the list was seen.")


def test_a_case_without_doubt_says_that_there_is_nothing_to_look_at(apply, panel, phantom, bench):
    result = replace(known_result(phantom, lesion=False), flags=())
    apply(finished_with(result))
    bench.wait_until(lambda: "No slice" in panel.ui.slicesLabel.text)
    assert not panel.ui.nextSliceButton.enabled and not panel.ui.seenButton.enabled


def test_disagreement_of_an_ensemble_is_a_reason(apply, panel, phantom, bench):
    apply(finished_with(known_result(phantom, ensemble=True)))
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    assert any("members disagree" in row[1] for row in rows(panel.ui))


def test_the_confidence_of_a_calibrated_model_is_told_beside_the_reasons(
    apply, panel, phantom, bench
):
    result = known_result(phantom)
    assert not any(slice_.confidence for slice_ in result.severity.slices)
    slices = tuple(
        replace(slice_, confidence=0.62 if slice_.lesion_mm2 else None)
        for slice_ in result.severity.slices
    )
    apply(finished_with(replace(result, severity=replace(result.severity, slices=slices))))
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    infected = {slice_.index for slice_ in slices if slice_.lesion_mm2}
    assert infected & set(listed(panel.ui))
    for index, row in zip(listed(panel.ui), rows(panel.ui), strict=True):
        assert ("confidence 0.62" in row[1]) is (index in infected)


def test_every_reason_is_told_in_full_at_the_width_of_the_panel(apply, panel, phantom, bench):
    from PySide6.QtCore import QRect, Qt
    from PySide6.QtGui import QFontMetrics

    flags = [Flag("lung-gap", "Look at three.", slices=(0, 1, 2, 3))]
    result = doubtful(phantom, 2, 1, flags=flags)
    apply(finished_with(replace(result, disagreement=result.probability)))
    panel.ui.reviewSection.collapsed = False
    panel.ui.reviewSection.resize(380, 900)
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    table = panel.ui.reviewTable
    for row in range(table.rowCount):
        cell = table.visualItemRect(table.item(row, 1))
        wraps = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        needed = QFontMetrics(table.font).boundingRect(
            QRect(0, 0, cell.width() - 8, 1000), int(wraps), rows(panel.ui)[row][1]
        )
        assert needed.height() <= cell.height()
    assert any("members disagree" in row[1] and "flag" in row[1] for row in rows(panel.ui))


def test_the_list_says_how_many_slices_it_leaves_out(apply, panel, phantom, bench):
    apply(finished_with(doubtful(phantom, 2)))
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)
    assert listed(panel.ui)[0] == 2
    left_out = panel.ui.slicesLabel.text.rpartition(": ")[2]
    assert "Not listed" in panel.ui.slicesLabel.text and int(left_out.rstrip(".")) > 0


def test_a_verdict_is_given_withdrawn_and_changed(shown, panel):
    ui = panel.ui
    ui.acceptButton.click()
    assert stored(panel).verdict is Verdict.ACCEPTED and ui.acceptButton.checked
    ui.rejectButton.click()
    assert stored(panel).verdict is Verdict.REJECTED and not ui.acceptButton.checked
    ui.rejectButton.click()
    assert stored(panel).verdict is None and not ui.rejectButton.checked


def test_an_unedited_case_cannot_be_corrected_and_says_why(shown, panel):
    assert panel.ui.acceptButton.enabled
    assert not panel.ui.correctedButton.enabled
    assert "Nothing was edited" in panel.ui.correctedButton.toolTip


def test_an_accepted_case_becomes_corrected_when_edited_and_accepted_when_undone(
    shown, panel, bench
):
    ui = panel.ui
    ui.acceptButton.click()
    edit(panel, bench)
    assert stored(panel).verdict is Verdict.CORRECTED
    assert ui.correctedButton.checked and not ui.acceptButton.enabled
    assert "You edited" in ui.acceptButton.toolTip
    edit(panel, bench)  # the same voxels, turned back
    assert stored(panel).verdict is Verdict.ACCEPTED and ui.acceptButton.checked


def test_the_accept_key_accepts_and_says_corrected_after_edits(shown, panel, bench):
    edit(panel, bench)
    section = section_of(panel, "Review")
    section._on_accept_key()
    assert stored(panel).verdict is Verdict.CORRECTED
    section._on_accept_key()  # once more does not withdraw it
    assert stored(panel).verdict is Verdict.CORRECTED


def test_verdict_note_and_seen_slices_come_back_with_the_scene(
    reviewed, panel, scene, tmp_path, ct, bench
):
    import slicer

    from COVIDLesionSegLib.headless.saved_scene import save_scene

    reviewed.rejectButton.click()
    reviewed.noteEdit.plainText = "Motion in the left base.\nSecond line."
    reviewed.nextSliceButton.click()
    reviewed.nextSliceButton.click()
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    assert panel.ui.reviewSection.isHidden() and panel.ui.noteEdit.plainText == ""
    slicer.util.loadScene(str(path))
    panel.initializeParameterNode()
    bench.wait_until(lambda: panel.ui.reviewTable.rowCount > 0)

    assert panel.ui.rejectButton.checked
    assert panel.ui.noteEdit.plainText == "Motion in the left base.\nSecond line."
    assert stored(panel).seen == {3} and rows(panel.ui)[0][2] == "✓"


def test_each_ct_has_a_review_of_its_own(shown, panel, phantom, ct):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.acceptButton.click()
    panel.ui.noteEdit.plainText = "First."
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert panel.ui.caseWidget.isHidden()
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.ui.acceptButton.checked and panel.ui.noteEdit.plainText == "First."


def test_a_new_prediction_has_no_verdict_but_the_note_and_the_verdict_before_it(
    shown, panel, apply, phantom, scene, tmp_path
):
    import slicer

    from COVIDLesionSegLib.headless.saved_scene import save_scene

    ui = panel.ui
    assert ui.earlierLabel.isHidden()
    ui.acceptButton.click()
    ui.noteEdit.plainText = "Of the patient's CT."
    ui.nextSliceButton.click()
    ui.nextSliceButton.click()
    apply(finished_with(known_result(phantom, lesion=False)))
    assert not any(b.checked for b in (ui.acceptButton, ui.correctedButton, ui.rejectButton))
    assert stored(panel).verdict is None and stored(panel).seen == frozenset()
    assert ui.noteEdit.plainText == "Of the patient's CT."
    assert ui.earlierLabel.text.startswith("An earlier result was accepted on 20")

    ui.rejectButton.click()
    apply(finished_with(known_result(phantom)))
    assert [one.verdict for one in stored(panel).earlier] == [Verdict.ACCEPTED, Verdict.REJECTED]
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    slicer.util.loadScene(str(path))
    panel.initializeParameterNode()
    assert [one.split(" on ")[0] for one in ui.earlierLabel.text.splitlines()] == [
        "An earlier result was accepted",
        "An earlier result was rejected",
    ]


def test_undo_brings_the_review_of_the_earlier_result_back(shown, panel, apply, phantom):
    panel.ui.acceptButton.click()
    panel.ui.noteEdit.plainText = "Of the first run."
    apply(finished_with(known_result(phantom, lesion=False)))
    panel.ui.noteEdit.plainText = "Of the second."
    panel.ui.undoButton.click()
    assert panel.ui.acceptButton.checked and panel.ui.earlierLabel.isHidden()
    assert panel.ui.noteEdit.plainText == "Of the first run."


def test_the_slices_are_those_of_the_earlier_result_again_after_undo(
    reviewed, apply, panel, phantom, bench
):
    first = listed(panel.ui)
    second = replace(doubtful(phantom, 1), provenance={"models": {"another": {}}})
    apply(finished_with(second))
    bench.wait_until(lambda: listed(panel.ui) not in ([], first))
    panel.ui.undoButton.click()
    bench.wait_until(lambda: listed(panel.ui) == first)
