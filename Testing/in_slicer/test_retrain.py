"""From a correction to a retrained model and its promotion, in the real window."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import case
import slicer

TIMEOUT_SECONDS = 1800
TRAINED_SECONDS = 900
TESTING = Path(__file__).resolve().parents[1]
FOLDERS = ("COVIDLESIONSEG_REVIEWS", "COVIDLESIONSEG_MODELS", "COVIDLESIONSEG_RETRAININGS")
CORRECTED_BY_CLICKS = 7
"""Seed of a CT that is not held out: ids of cases follow from their voxels."""


class RetrainTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        if str(TESTING) not in sys.path:
            sys.path.append(str(TESTING))
        for name in FOLDERS:
            folder = Path(os.environ[name])
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self.reviews, self.models, self.retrainings = (Path(os.environ[n]) for n in FOLDERS)
        self.write_model()
        self.panel.onReload()  # as if Slicer was started with these folders
        self.process_events(0.5)
        self.needs_packages()

    def write_model(self) -> None:
        """A small model that needs one step of training, by the interpreter that has PyTorch."""
        from COVIDLesionSegLib.worker.process import python_executable

        module = str(TESTING.parent / "COVIDLesionSeg")
        code = (
            f"import sys; sys.path[:0] = [{str(TESTING)!r}, {module!r}]; import lightning, jinja2;"
            "from pathlib import Path; from engine.beginner import write_beginner;"
            f"write_beginner(Path({str(self.models)!r}))"
        )
        environment = {**os.environ, "PYTHONPATH": module}
        done = subprocess.run(
            [python_executable(), "-c", code], env=environment, capture_output=True, text=True
        )
        if "No module named" in done.stderr:
            self.skipTest(f"No training: {done.stderr.strip().splitlines()[-1]}")
        self.assertEqual(done.returncode, 0, done.stderr)

    # What the tests start from

    def review(self, *seeds: int) -> None:
        """Generated CTs, corrected; nobody knows whether two are of one patient."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "engine"]:
            del sys.modules[name]  # it knows the library from before the reload
        from COVIDLesionSegLib.engine.review import Verdict
        from engine.reviewed_cohort import review

        for seed in seeds:
            review(self.reviews, seed, None, Verdict.CORRECTED)

    def open(self) -> Any:
        """The section, unfolded, with the small model as base and a single step."""
        from engine.reviewed_cohort import MODEL

        ui = self.ui
        ui.retrainSection.collapsed = False
        ui.baseModelComboBox.currentIndex = ui.baseModelComboBox.findData(MODEL)
        ui.stepsSpinBox.value = 1
        self.process_events(0.2)
        area = slicer.util.findChild(slicer.util.mainWindow(), "ScrollArea")
        area.ensureWidgetVisible(ui.retrainSection)
        self.process_events()
        return ui

    @property
    def section(self) -> Any:
        return next(one for one in self.panel.sections if one.UI_FILE == "Retrain")

    def wait_until_trained(self) -> None:
        self.wait_until(lambda: not self.section.busy, TRAINED_SECONDS, "The training did not end")
        self.process_events(0.2)

    def train(self) -> None:
        self.click(self.ui.trainButton)
        self.assertTrue(self.section.busy, self.ui.trainingStatusLabel.text)
        self.wait_until_trained()
        self.assertTrue(self.ui.resultFrame.visible, self.ui.trainingStatusLabel.text)

    # The tests

    def test_correction_to_retraining_to_promotion_and_back(self) -> None:
        from COVIDLesionSegLib.engine.models.user_models import default_model
        from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
        from engine.reviewed_cohort import CHEST, MODEL, chest

        self.review(0, 1, 2)
        ui = self.open()
        self.assertIn("there are 3 corrected cases", ui.casesLabel.text)

        # A fourth CT is segmented, corrected and saved.
        ct = self.load_ct("Fourth", seed=CORRECTED_BY_CLICKS, **CHEST)
        self.panel.parameter_node.model = MODEL
        self.apply()
        self.assertEqual(ui.statusLabel.text, "Done.")
        ui.keepCheckBox.checked = True
        lesions = (chest(CORRECTED_BY_CLICKS).lesions > 0).astype("uint8")
        node = self.panel.result.segmentationNode
        slicer.util.updateSegmentBinaryLabelmapFromArray(lesions, node, "lesion", ct)
        self.wait_until(lambda: not self.panel.corrections.pending, 60)
        ui.reviewSection.collapsed = False
        self.process_events(0.2)
        self.click(ui.correctedButton)
        held_out = "corrected cases are held out to compare both models"
        self.wait_until(lambda: held_out in ui.casesLabel.text, 60, ui.casesLabel.text)
        self.assertIn("4 corrected", ui.casesLabel.text)

        self.train()
        self.assertTrue(ui.promotionLabel.text.startswith("Better on"), ui.promotionLabel.text)
        self.assertEqual(ui.comparisonTable.rowCount, 3)
        self.assertFalse(ui.pictureLabel.pixmap.isNull())
        caption = ui.pictureCaptionLabel.text
        self.click(ui.nextPictureButton)
        self.assertNotEqual(ui.pictureCaptionLabel.text, caption)
        self.click(ui.promoteButton)
        self.wait_until_trained()
        self.assertEqual(default_model(), f"{MODEL}-r1", ui.trainingStatusLabel.text)
        # The new model is there for the next run, which asks before it replaces what was corrected.
        self.panel.parameter_node.model = f"{MODEL}-r1"
        self.dialogs.answer("Run again.*You corrected 'lesion' since the last run", "Replace all")
        self.apply()
        self.assertIn(f"{MODEL}-r1", self.panel.result.provenance["models"])
        segmentation = self.panel.result.segmentationNode.GetSegmentation()
        kept = segmentation.GetSegmentIdBySegmentName("lesion (corrected)")
        copy = slicer.util.arrayFromSegmentBinaryLabelmap(node, kept, ct)
        self.assertTrue((copy == lesions).all(), "The corrected lesion was not kept as it was")
        self.click(ui.rollBackButton)
        self.assertEqual(default_model(), DEFAULT_MODEL)
        self.save_picture("retrain")

    def save_picture(self, name: str) -> None:
        """The section as it is, for people to look at."""
        widget = self.ui.retrainSection
        self.assertTrue(widget.grab().save(str(Path(os.environ["IN_SLICER_OUT"]) / f"{name}.png")))

    def test_few_corrections_are_learned_from_and_the_refusal_says_why(self) -> None:
        self.review(0)
        ui = self.open()
        self.train()
        self.assertFalse(ui.promoteButton.enabled)
        self.assertIn("Not evaluated: there is 1 corrected case,", ui.promoteButton.toolTip)
        self.assertFalse(ui.comparisonTable.visible)
        self.save_picture("retrain-refused")
        self.dialogs.answer("Discard the model small-r1", "OK")
        self.click(ui.discardModelButton)
        self.assertFalse(ui.resultFrame.visible)
        self.assertEqual(list(self.retrainings.iterdir()), [])

    def test_a_training_outlives_scene_and_module(self) -> None:
        self.review(0)
        ui = self.open()
        ui.stepsSpinBox.value = 5000
        self.click(ui.trainButton)
        self.wait_until(lambda: "step 2 " in ui.trainingStatusLabel.text, TRAINED_SECONDS)
        slicer.mrmlScene.Clear(False)
        self.process_events(0.5)
        self.assertTrue(self.section.busy)
        self.assertTrue(ui.trainingProgressBar.visible)
        self.show_curve()
        self.panel.onReload()
        self.process_events(0.5)
        self.needs_packages()
        ui = self.open()
        self.assertTrue(ui.resumeButton.visible)
        self.click(ui.resumeButton)
        self.wait_until(lambda: "of 5000" in ui.trainingStatusLabel.text, TRAINED_SECONDS)
        self.click(ui.trainButton)
        self.assertIn("Stopping", ui.trainingStatusLabel.text)
        self.wait_until(lambda: not self.section.busy, 90, "Cancel took too long")
        self.assertTrue(list(self.retrainings.rglob("last.ckpt")))
        self.dialogs.answer("Discard the training of small-r1", "OK")
        self.click(ui.discardModelButton)

    def show_curve(self) -> None:
        """The curve is drawn while the training goes on, and the layout comes back."""
        ui = self.ui
        layout = slicer.app.layoutManager()
        before = layout.layout
        curve = next(self.retrainings.iterdir()) / "training" / "metrics.csv"
        self.wait_until(curve.is_file, TRAINED_SECONDS, "No curve was written")
        self.click(ui.curveButton)
        self.assertTrue(ui.curveButton.checked)
        chart = slicer.util.getFirstNodeByClassByName(
            "vtkMRMLPlotChartNode", "Training curve chart"
        )
        self.wait_until(lambda: chart.GetNumberOfPlotSeriesNodes() > 0, 60)
        self.process_events(0.5)
        self.assertGreater(layout.plotViewCount, 0)
        picture = slicer.util.mainWindow().grab()
        picture.save(str(Path(os.environ["IN_SLICER_OUT"]) / "retrain-curve.png"))
        self.click(ui.curveButton)
        self.assertEqual(layout.layout, before)

    def test_the_section_fits_the_narrow_panel(self) -> None:
        self.review(0, 1, 2, 3)
        ui = self.open()
        self.assertLessEqual(ui.retrainSection.minimumSizeHint.width(), 380)
        self.train()
        ui.lineageCollapsibleButton.collapsed = False
        self.process_events(0.2)
        self.assertLessEqual(ui.retrainSection.minimumSizeHint.width(), 380)
        self.dialogs.answer("Discard the model", "OK")
        self.click(ui.discardModelButton)
