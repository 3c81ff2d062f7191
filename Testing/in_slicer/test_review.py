"""A case reviewed in the real window: its slices, its verdict, and what is kept of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import case
import known_results
import numpy as np
import slicer

SAVED_SECONDS = 60


class ReviewTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

        settings = slicer.app.userSettings()
        settings.remove(CONSENT_SETTING)
        self.addCleanup(settings.setValue, CONSENT_SETTING, "false")  # before the scene closes
        self.reviews = Path(os.environ["COVIDLESIONSEG_REVIEWS"])
        shutil.rmtree(self.reviews, ignore_errors=True)

    # What the tests start from

    def show_result(self, **options: Any) -> Any:
        """A result in doubt about slices 2 and 1, shown as a run would."""
        from COVIDLesionSegLib.engine.flags import Flag
        from COVIDLesionSegLib.scene.show import show_result

        self.ct = self.load_ct(**options)
        self.truth = case.phantom(**{**case.SMALL, **options})
        result = known_results.known_result(self.truth)
        axial = self.truth.volume.order.to_axial(result.probability)
        axial[2, 20:60, 20:60] = 0.5
        axial[1, 20:50, 20:50] = 0.5
        self.given = replace(result, flags=(Flag("lung-gap", "Look at slice three.", slices=(3,)),))
        self.panel.show_result(self.ct, show_result(self.ct, self.given), in_views=True, new=True)
        self.panel.show_state()
        self.ui.reviewSection.collapsed = False
        self.process_events()
        self.scroll_to(self.ui.reviewSection)
        self.wait_until(lambda: self.ui.reviewTable.rowCount > 0)
        return result

    def scroll_to(self, widget: Any) -> None:
        area = slicer.util.findChild(slicer.util.mainWindow(), "ScrollArea")
        area.ensureWidgetVisible(widget)
        self.process_events()

    def only_case(self) -> Any:
        from COVIDLesionSegLib.engine.review import read_cases

        cases, problems = read_cases(self.reviews)
        self.assertEqual(problems, ())
        self.assertEqual(len(cases), 1)
        return cases[0]

    def wait_until_saved(self) -> None:
        self.wait_until(
            lambda: self.ui.keptLabel.text.startswith("Saved at"),
            SAVED_SECONDS,
            "The review was not saved",
        )

    def stroke(self, value: int = 1, place: int = 40) -> None:
        """Edit the lesion as Segment Editor does, through its logic."""
        node = self.panel.result.segmentationNode
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", self.ct).copy()
        array[1:3, place : place + 8, place : place + 8] = value
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", self.ct)
        self.process_events()

    def lesions(self) -> np.ndarray:
        node = self.panel.result.segmentationNode
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", self.ct)

    def red_offset(self) -> float:
        return float(slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceOffset())

    def listed(self) -> list[int]:
        table = self.ui.reviewTable
        return [int(table.item(row, 0).text().split()[0]) for row in range(table.rowCount)]

    # The slices

    def test_the_list_leads_through_the_slices(self) -> None:
        self.show_result()
        self.assertEqual(self.listed()[:3], [3, 2, 1])
        offsets = []
        for _ in range(3):
            self.click(self.ui.nextSliceButton)
            offsets.append(self.red_offset())
        self.assertEqual(len(set(offsets)), 3)
        self.assertGreater(offsets[0], offsets[1])
        self.assertGreater(offsets[1], offsets[2])
        self.assertEqual(self.ui.reviewTable.item(0, 2).text(), "\u2713")

    def test_a_click_on_a_row_shows_its_slice(self) -> None:
        import qt

        self.show_result()
        table = self.ui.reviewTable
        rectangle = table.visualItemRect(table.item(1, 1))
        before = self.red_offset()
        for kind in (qt.QEvent.MouseButtonPress, qt.QEvent.MouseButtonRelease):
            slicer.app.sendEvent(
                table.viewport(),
                qt.QMouseEvent(
                    kind,
                    qt.QPointF(rectangle.center()),
                    qt.Qt.LeftButton,
                    qt.Qt.LeftButton,
                    qt.Qt.NoModifier,
                ),
            )
        self.process_events()
        self.assertEqual(table.currentRow(), 1)
        self.assertNotEqual(self.red_offset(), before)

    # The verdict

    def test_the_question_is_in_the_panel_and_its_answer_saves_the_verdict(self) -> None:
        self.show_result()
        self.stroke()
        self.stroke(value=0)
        self.click(self.ui.acceptButton)
        self.assertIn("Not saved yet", self.ui.keptLabel.text)
        self.picture("question")
        self.click(self.ui.keepCasesButton)
        self.wait_until_saved()
        saved = self.only_case()
        self.assertEqual(saved.verdict.value, "accepted")
        np.testing.assert_array_equal(saved.prediction(), self.given.lesions)
        np.testing.assert_array_equal(saved.volume().array, self.truth.volume.array)
        self.click(self.ui.rejectButton)
        self.wait_until_saved()
        self.assertEqual(self.only_case().verdict.value, "rejected")
        self.assertEqual(self.dialogs.seen, [])

    def test_who_declines_is_told_the_consequence(self) -> None:
        self.show_result()
        self.click(self.ui.keepNoCasesButton)
        self.click(self.ui.acceptButton)
        self.assertIn("in the scene only", self.ui.keptLabel.text)
        self.assertTrue(self.ui.acceptButton.checked)
        self.process_events(1)
        self.assertFalse(any(self.reviews.glob("[!.]*")))

    def test_who_closes_the_scene_without_an_answer_is_asked_and_loses_nothing(self) -> None:
        self.show_result()
        self.click(self.ui.acceptButton)
        self.dialogs.answer("Keep reviewed cases for retraining", "Yes")
        slicer.mrmlScene.Clear(False)
        self.wait_until(lambda: any(self.reviews.glob("[!.]*/case.json")), SAVED_SECONDS)
        self.wait_until(lambda: self.only_case().verdict is not None, SAVED_SECONDS)
        self.assertEqual(self.only_case().verdict.value, "accepted")

    def test_a_verdict_given_right_before_the_scene_is_closed_is_kept(self) -> None:
        self.show_result(size=(384, 384, 120), spacing=(0.9, 0.9, 2.6))
        self.click(self.ui.keepCasesButton)
        self.ui.acceptButton.click()  # no event in between: its CT is being handed over
        self.assertIn("Saving", self.ui.keptLabel.text)
        slicer.mrmlScene.Clear(False)
        self.wait_until(lambda: any(self.reviews.glob("[!.]*/case.json")), SAVED_SECONDS)
        self.wait_until(lambda: self.only_case().verdict is not None, SAVED_SECONDS)
        self.assertEqual(self.only_case().verdict.value, "accepted")

    def test_another_result_has_the_note_and_the_verdict_before_it(self) -> None:
        from COVIDLesionSegLib.scene.show import show_result

        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.click(self.ui.rejectButton)
        self.ui.noteEdit.plainText = "Motion."
        self.wait_until_saved()
        self.panel.show_result(self.ct, show_result(self.ct, self.given), in_views=True, new=True)
        self.process_events(1)
        self.assertFalse(self.ui.rejectButton.checked)
        self.assertEqual(self.ui.noteEdit.plainText, "Motion.")
        self.assertIn("An earlier result was rejected", self.ui.earlierLabel.text)
        self.assertIn("once you edit", self.ui.keptLabel.text)
        self.picture("another_result")

    def picture(self, name: str) -> None:
        """Kept for people to look at, at the width of the panel."""
        self.ui.reviewSection.resize(380, self.ui.reviewSection.sizeHint.height())
        out = Path(os.environ["IN_SLICER_OUT"])
        out.mkdir(parents=True, exist_ok=True)
        self.assertTrue(self.ui.reviewSection.grab().save(str(out / f"review_{name}.png")))

    def test_an_accepted_case_becomes_corrected_with_the_first_stroke(self) -> None:
        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.click(self.ui.acceptButton)
        self.wait_until_saved()
        self.stroke()
        self.wait_until(lambda: self.ui.correctedButton.checked, 60)
        self.wait_until_saved()
        saved = self.only_case()
        self.assertEqual(saved.verdict.value, "corrected")
        np.testing.assert_array_equal(saved.lesions(), self.lesions())

    def test_the_note_is_typed_and_saved(self) -> None:
        import qt

        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.ui.noteEdit.setFocus()
        for letter in "Left base":
            for kind in (qt.QEvent.KeyPress, qt.QEvent.KeyRelease):
                key = qt.QKeyEvent(kind, 0, qt.Qt.NoModifier, letter)
                slicer.app.sendEvent(self.ui.noteEdit, key)
        self.wait_until_saved()
        self.assertEqual(self.only_case().note, "Left base")

    def test_verdict_and_note_come_back_with_the_scene(self) -> None:
        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.click(self.ui.rejectButton)
        self.ui.noteEdit.plainText = "Motion."
        self.wait_until_saved()
        path = Path(slicer.app.temporaryPath) / "reviewed.mrb"
        self.assertTrue(slicer.util.saveScene(str(path)))
        slicer.mrmlScene.Clear(False)
        self.process_events()
        self.assertFalse(self.ui.caseWidget.visible)
        slicer.util.loadScene(str(path))
        self.process_events(0.5)
        path.unlink()
        self.assertTrue(self.ui.rejectButton.checked)
        self.assertEqual(self.ui.noteEdit.plainText, "Motion.")

    def test_no_name_of_the_patient_is_in_the_files(self) -> None:
        self.show_result()
        self.ct.SetName("DOE^JANE")
        self.ct.SetAttribute("DICOM.instanceUIDs", "1.2.3.4")
        self.click(self.ui.keepCasesButton)
        self.click(self.ui.rejectButton)
        self.wait_until_saved()
        content = b"".join(p.read_bytes() for p in self.reviews.rglob("*") if p.is_file())
        for secret in (b"DOE", b"1.2.3.4", os.path.expanduser("~").encode()):
            self.assertNotIn(secret, content)

    # The cases, and a review that is restored

    def test_a_case_of_the_folder_is_opened_and_its_review_restored(self) -> None:
        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.stroke()
        self.wait_until(lambda: self.ui.correctedButton.enabled, 60)
        self.click(self.ui.correctedButton)
        self.wait_until_saved()
        edited = self.lesions().copy()
        slicer.mrmlScene.Clear(False)
        self.panel.enter()
        self.wait_until(lambda: self.ui.casesTable.rowCount == 1)
        self.ui.reviewSection.collapsed = False
        self.scroll_to(self.ui.openCaseButton)
        self.ui.casesTable.selectRow(0)
        self.click(self.ui.openCaseButton)
        self.wait_until(lambda: self.ui.restoreButton.visible, 60, "No review was offered")
        self.click(self.ui.restoreButton)
        self.wait_until_idle()
        self.ct = self.ui.ctSelector.currentNode()
        np.testing.assert_array_equal(self.lesions(), edited)
        self.wait_until(lambda: self.ui.correctedButton.checked, 60)
        self.dialogs.answer("to undo the run", "Undo all the same")
        self.click(self.ui.undoButton)
        self.assertIsNone(self.panel.result)

    def test_a_large_ct_is_opened_once_and_the_window_goes_on(self) -> None:
        from heart import Heart

        from COVIDLesionSegLib.engine.review import save_case

        chest = case.phantom(seed=3, size=(512, 512, 160), spacing=(0.7, 0.7, 2.0))
        save_case(chest.volume, known_results.known_result(chest), folder=self.reviews)
        self.panel.enter()
        self.wait_until(lambda: self.ui.casesTable.rowCount == 1)
        self.ui.reviewSection.collapsed = False
        self.scroll_to(self.ui.openCaseButton)
        self.ui.casesTable.selectRow(0)
        slicer.app.pauseRender()  # what the views take is Slicer's own
        self.addCleanup(slicer.app.resumeRender)
        heart = Heart()
        self.ui.openCaseButton.click()
        self.wait_until(lambda: self.ui.openCaseButton.text == "Open", 60)
        self.process_events(0.5)
        heart.stop()
        print(f"FIGURE opening a CT without rendering: longest gap {1000 * heart.processor:.0f} ms")
        opened = self.ui.ctSelector.currentNode()
        self.assertIsNotNone(opened)
        self.process_events(1)
        self.click(self.ui.openCaseButton)
        self.assertEqual(self.ui.ctSelector.currentNode(), opened)
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")), 1)

    def test_what_the_section_looks_like(self) -> None:
        """Kept for people to look at; the panel may be no wider than 380 pixels."""
        self.show_result()
        self.click(self.ui.keepCasesButton)
        self.click(self.ui.acceptButton)
        self.wait_until_saved()
        self.assertLessEqual(self.ui.reviewSection.minimumSizeHint.width(), 380)
        self.ui.reviewSection.resize(380, self.ui.reviewSection.sizeHint.height())
        out = Path(os.environ["IN_SLICER_OUT"])
        out.mkdir(parents=True, exist_ok=True)
        self.assertTrue(self.ui.reviewSection.grab().save(str(out / "review.png")))
