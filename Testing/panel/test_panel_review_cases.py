"""The list of cases: the most urgent first, opened by a click, deleted with a question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.review import (
    CaseLock,
    Verdict,
    read_cases,
    save_case,
    save_verdict,
)
from panel.workers import finished_with, known_result


@pytest.fixture
def reviews(tmp_path):
    return tmp_path / "reviews"


def other_volume(phantom, number: int):
    return replace(phantom.volume, array=phantom.volume.array + np.int16(number))


@pytest.fixture
def kept(phantom, reviews):
    """Three cases in the folder: accepted, without a verdict and flagged, and without either."""
    quiet = replace(known_result(phantom), flags=())
    flagged = replace(quiet, flags=(Flag("lung-gap", "Look."),))
    cases = [
        save_case(other_volume(phantom, number), result, folder=reviews)
        for number, result in enumerate((flagged, flagged, quiet), start=1)
    ]
    return [save_verdict(cases[0], Verdict.ACCEPTED, ""), *cases[1:]]


@pytest.fixture
def listed(kept, panel, bench):
    panel.enter()
    bench.wait_until(lambda: panel.ui.casesTable.rowCount == 3)
    return kept


def rows(panel) -> list[list[str]]:
    table = panel.ui.casesTable
    return [
        [table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)
    ]


def test_cases_without_a_verdict_come_first_and_flagged_ones_before_others(listed, panel):
    assert [row[1] for row in rows(panel)] == ["none yet", "none yet", "accepted"]
    assert [row[3] for row in rows(panel)] == ["1", "0", "1"]
    assert all(row[0].startswith("Reviewed 20") and row[2].endswith("ml") for row in rows(panel))
    assert not panel.ui.reviewSection.isHidden() and panel.ui.caseWidget.isHidden()


def test_a_ct_of_the_scene_is_listed_with_its_doubt_and_verdict(
    listed, panel, apply, phantom, bench
):
    apply(finished_with(known_result(phantom)))
    bench.wait_until(lambda: any(row[0] == "CT" and row[2] != "n/a" for row in rows(panel)))
    panel.ui.acceptButton.click()
    assert ["CT", "accepted"] in [row[:2] for row in rows(panel)]


def test_opening_a_case_of_the_folder_shows_its_ct_and_offers_its_review(listed, panel, bench):
    from scene.read_nodes import volume_from_node

    assert not panel.ui.openCaseButton.enabled
    panel.ui.casesTable.setCurrentCell(2, 0)
    panel.ui.openCaseButton.click()
    assert not panel.ui.openCaseButton.enabled and "being read" in panel.ui.openCaseButton.toolTip
    bench.wait_until(lambda: panel.ui.ctSelector.currentNode() is not None)
    opened = panel.ui.ctSelector.currentNode()
    np.testing.assert_array_equal(volume_from_node(opened).array, listed[0].volume().array)
    assert opened.GetName().startswith("Reviewed")
    bench.wait_until(lambda: not panel.ui.restoreSection.isHidden())


def test_a_case_that_is_open_is_not_added_a_second_time(listed, panel, bench, phantom, scene):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    def open_first() -> None:
        panel.ui.casesTable.setCurrentCell(2, 0)
        panel.ui.openCaseButton.click()
        bench.wait_until(lambda: panel.ui.openCaseButton.text == "Open")

    open_first()
    opened = panel.ui.ctSelector.currentNode()
    other = volume_to_node(phantom.volume, "other CT")
    panel.ui.ctSelector.setCurrentNode(other)
    nodes = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    open_first()
    assert panel.ui.ctSelector.currentNode() is opened
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == nodes


def test_the_ct_of_a_case_is_read_in_short_steps(panel, bench, reviews, phantom, monkeypatch):
    from COVIDLesionSegLib.engine.review import ReviewedCase
    from COVIDLesionSegLib.scene.reviewed_ct import open_ct

    large = np.zeros((64, 512, 512), np.int16)
    geometry = replace(phantom.volume.geometry, size=(512, 512, 64))
    volume = replace(phantom.volume, array=large, geometry=geometry)
    blank = {name: np.zeros(large.shape, np.uint8) for name in ("lungs", "lesions")}
    result = replace(
        known_result(phantom), geometry=geometry, probability=large.astype(np.float32), **blank
    )
    case = save_case(volume, result, folder=reviews)
    monkeypatch.setattr(ReviewedCase, "volume", lambda self: pytest.fail("read at once"))
    steps = sum(1 for _step in open_ct(case, "Large"))
    assert steps >= 4  # 8 MB each


def test_a_damaged_ct_is_told_and_the_scene_stays(listed, panel, bench, scene):
    from bench.application import message_boxes

    panel.ui.casesTable.setCurrentCell(2, 0)
    (listed[0].folder / "ct.json").write_text("{")
    nodes = scene.GetNumberOfNodes()
    panel.ui.openCaseButton.click()
    bench.wait_until(message_boxes)
    assert "is damaged" in message_boxes()[0] and scene.GetNumberOfNodes() == nodes
    assert panel.ui.openCaseButton.enabled


def test_a_case_of_the_folder_that_is_in_the_scene_is_listed_once(shown, panel, bench, reviews, ct):
    import slicer

    from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

    panel.ui.keepCheckBox.checked = True
    panel.ui.acceptButton.click()
    bench.wait_until(lambda: panel.ui.keptLabel.text.startswith("Saved at"))
    panel.enter()
    reading = next(s for s in panel.sections if s.UI_FILE == "Review")._cases._reading
    bench.wait_until(lambda: not reading.active)
    assert [row[:2] for row in rows(panel)] == [["CT", "accepted"]]
    panel.ui.casesTable.setCurrentCell(0, 0)
    assert not panel.ui.removeCaseButton.enabled
    assert "in the scene" in panel.ui.removeCaseButton.toolTip
    slicer.app.userSettings().remove(CONSENT_SETTING)


def test_deleting_a_case_asks_first(listed, panel, bench, reviews):
    from PySide6.QtWidgets import QMessageBox

    from bench.application import answer_message_boxes

    panel.ui.casesTable.setCurrentCell(2, 0)
    answer_message_boxes(QMessageBox.StandardButton.No)
    panel.ui.removeCaseButton.click()
    assert len(read_cases(reviews).cases) == 3
    answer_message_boxes(QMessageBox.StandardButton.Yes)
    panel.ui.removeCaseButton.click()
    bench.wait_until(lambda: panel.ui.casesTable.rowCount == 2)
    assert listed[0].id not in {case.id for case in read_cases(reviews).cases}


def test_a_case_that_is_under_review_elsewhere_is_not_deleted(listed, panel, reviews):
    from PySide6.QtWidgets import QMessageBox

    from bench.application import answer_message_boxes, message_boxes

    lock = CaseLock(listed[0].id, reviews)
    answer_message_boxes(QMessageBox.StandardButton.Yes)
    panel.ui.casesTable.setCurrentCell(2, 0)
    panel.ui.removeCaseButton.click()
    assert "another Slicer" in message_boxes()[-1]
    assert len(read_cases(reviews).cases) == 3
    lock.release()


def test_a_damaged_case_is_named(listed, panel, bench):
    (listed[1].folder / "case.json").write_text("{")
    panel.enter()
    bench.wait_until(lambda: listed[1].id in panel.ui.problemsLabel.text)
    assert panel.ui.casesTable.rowCount == 2
