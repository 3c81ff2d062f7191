"""Correcting a result in the real window: strokes, figures, undo, and a saved scene."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import known_results
import mouse
import numpy as np
import slicer
from case import SMALL, Case

TIMEOUT_SECONDS = 900


class TestCorrection(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ct = self.load_ct()
        self.chest = known_results.phantom(**SMALL)
        known_results.show(self.panel, self.ct, known_results.known_result(self.chest))
        self.process_events()
        self.ui.correctionSection.collapsed = False
        self.process_events(0.2)

    # What is seen and edited

    @property
    def editor(self) -> Any:
        return slicer.util.findChild(self.panel.parent, "qMRMLSegmentEditorWidget")

    def array(self, segment_id: str) -> Any:
        node = self.panel.result.segmentationNode
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, self.ct).copy()

    def wait_until_measured(self) -> None:
        corrections = self.panel.corrections
        self.wait_until(lambda: not corrections.pending, 60, "The edit was not measured")
        self.process_events(0.1)

    def stroke(self, points_ras: list[Any]) -> None:
        """Drag the mouse over the red slice view, along points in RAS mm."""
        mouse.stroke(points_ras)
        self.process_events(0.2)

    def show_lung_slice(self) -> list[Any]:
        """Go to the slice with most lung; points (RAS) from inside the right lung to the left."""
        from COVIDLesionSegLib.scene.volumes import world_geometry

        lungs = self.array("right-lung") + 2 * self.array("left-lung")
        k = int((lungs > 0).sum(axis=(1, 2)).argmax())
        matrix = world_geometry(self.ct).ijk_to_ras
        points = []
        for label in (1, 2):
            j, i = np.argwhere(lungs[k] == label).mean(axis=0)
            points.append((matrix @ [i, j, k, 1])[:3])
        slicer.util.setSliceViewerLayers(background=self.ct, fit=True)
        node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
        node.JumpSliceByCentering(*points[0])
        slicer.util.resetSliceViews()
        node.JumpSliceByOffsetting(*points[0])
        self.process_events(0.2)
        return [points[0] + t * (points[1] - points[0]) for t in np.linspace(0, 1, 30)]

    def test_a_stroke_over_both_lungs_stays_in_them_and_figures_follow(self) -> None:
        lungs = {id_: self.array(id_) for id_ in ("right-lung", "left-lung")}
        before = self.array("lesion")
        headline = self.ui.severityLabel.text
        points = self.show_lung_slice()
        self.editor.setActiveEffectByName("Paint")
        self.process_events(0.2)
        self.stroke(points)
        after = self.array("lesion")

        self.assertGreater(after.sum(), before.sum(), "The stroke painted nothing")
        inside = (lungs["right-lung"] + lungs["left-lung"]) > 0
        self.assertFalse((after.astype(bool) & ~inside).any(), "Painted outside the lungs")
        for id_, array in lungs.items():
            np.testing.assert_array_equal(self.array(id_), array)
        self.wait_until_measured()
        changes = {c.name: c for c in self.panel.corrections.measured.changes}
        ml = np.prod(self.ct.GetSpacing()) / 1000
        self.assertAlmostEqual(changes["lesion"].added_ml, (after.sum() - before.sum()) * ml, 3)
        self.assertTrue(self.ui.correctedLabel.visible)
        self.assertIn("Corrected by the user", self.ui.correctedLabel.text)
        self.assertNotEqual(self.ui.severityLabel.text, headline)
        table = self.panel.result.severityTableNode
        both = self.panel.result.severity.region("both lungs")
        self.assertAlmostEqual(float(table.GetCellText(2, 2)), both.lesion_ml, delta=0.06)
        self.assertIn("correction", self.panel.result.provenance)

        self.editor.undo()
        self.process_events(0.1)
        np.testing.assert_array_equal(self.array("lesion"), before)
        self.wait_until_measured()
        self.assertIs(self.panel.corrections.corrected, False)
        self.assertEqual(self.ui.severityLabel.text, headline)
        self.assertEqual(self.panel.result.severity, self.panel.result.original)
        self.editor.redo()
        self.wait_until_measured()
        self.assertTrue(self.panel.corrections.corrected)

    def test_erasing_and_smoothing_leave_the_lungs_whole(self) -> None:
        lungs = {id_: self.array(id_) for id_ in ("right-lung", "left-lung")}
        points = self.show_lung_slice()
        self.editor.setActiveEffectByName("Paint")
        self.stroke(points)
        before = self.array("lesion")
        self.editor.setActiveEffectByName("Erase")
        self.process_events(0.2)
        boxes = self.ui.correctionSection.findChildren("QCheckBox")
        (box,) = [one for one in boxes if one.text == "Erase all segments"]
        self.click(box)
        self.assertFalse(box.checked)
        self.assertIn("Only the chosen segment", self.ui.correctionHintLabel.text)
        self.stroke(points)
        self.assertLess(self.array("lesion").sum(), before.sum(), "The stroke erased nothing")

        self.editor.setActiveEffectByName("Smoothing")
        self.process_events(0.2)
        effect = self.editor.activeEffect().self()
        effect.applyToAllVisibleSegmentsCheckBox.click()
        self.process_events(0.1)
        self.assertFalse(effect.applyToAllVisibleSegmentsCheckBox.checked)
        effect.methodSelectorComboBox.setCurrentIndex(
            effect.methodSelectorComboBox.findData("JOINT_TAUBIN")
        )
        self.process_events(0.1)
        effect.onApply()
        self.process_events(0.2)
        for id_, array in lungs.items():
            np.testing.assert_array_equal(self.array(id_), array)
        self.wait_until_measured()

    def test_islands_are_not_split_into_segments_that_do_not_count(self) -> None:
        segmentation = self.panel.result.segmentationNode.GetSegmentation()
        before = list(segmentation.GetSegmentIDs())
        self.editor.setActiveEffectByName("Islands")
        self.process_events(0.2)
        effect = self.editor.activeEffect().self()
        effect.splitAllOptionRadioButton.click()
        self.process_events(0.2)
        self.assertFalse(effect.splitAllOptionRadioButton.checked)
        self.assertTrue(effect.removeSelectedOptionRadioButton.checked)
        self.assertIn("not split", self.ui.correctionHintLabel.text)
        self.assertEqual(list(segmentation.GetSegmentIDs()), before)

    def test_corrections_are_discarded_where_ct_and_segmentation_were_hardened(self) -> None:
        ids = ("right-lung", "left-lung", "lesion")
        before = {id_: self.array(id_) for id_ in ids}
        points = self.show_lung_slice()
        self.editor.setActiveEffectByName("Paint")
        self.stroke(points)
        self.editor.setActiveEffectByName("")
        self.wait_until_measured()
        changes = self.panel.corrections.measured.changes
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = slicer.util.vtkMatrixFromArray(
            np.array([[0.0, -1, 0, 40], [1, 0, 0, -25], [0, 0, 1, 10], [0, 0, 0, 1]])
        )
        transform.SetMatrixTransformToParent(matrix)
        for node in (self.ct, self.panel.result.segmentationNode):
            node.SetAndObserveTransformNodeID(transform.GetID())
            node.HardenTransform()
        self.process_events(0.3)
        self.wait_until_measured()
        self.assertEqual(self.panel.corrections.problem, "")
        for now, then in zip(self.panel.corrections.measured.changes, changes, strict=True):
            self.assertAlmostEqual(now.dice, then.dice, 6)
        self.assertTrue(self.ui.discardButton.enabled)
        self.click(self.ui.discardButton)
        self.wait_until_measured()
        for id_, array in before.items():
            np.testing.assert_array_equal(self.array(id_), array)

    def test_a_segment_of_the_users_own_allows_no_lesion_outside_the_lungs(self) -> None:
        node = self.panel.result.segmentationNode
        inside = (self.array("right-lung") + self.array("left-lung")) > 0
        own = np.ones(inside.shape, np.uint8)
        node.GetSegmentation().AddEmptySegment("mine", "mine")
        slicer.util.updateSegmentBinaryLabelmapFromArray(own, node, "mine", self.ct)
        self.wait_until_measured()
        before = self.array("lesion")
        points = self.show_lung_slice()
        self.editor.setActiveEffectByName("Paint")
        self.stroke(points)
        self.wait_until_measured()
        after = self.array("lesion")
        self.assertGreater(after.sum(), before.sum(), "The stroke painted nothing")
        self.assertFalse((after.astype(bool) & ~inside).any(), "Painted outside the lungs")
        self.editor.undo()
        self.wait_until_measured()
        np.testing.assert_array_equal(self.array("lesion"), before)

    def test_a_density_limits_the_brush(self) -> None:
        hu = slicer.util.arrayFromVolume(self.ct)
        before = self.array("lesion")
        points = self.show_lung_slice()
        self.click(self.ui.groundGlassButton)
        self.ui.densityFromSpinBox.value = -900
        self.ui.densityToSpinBox.value = -800
        self.editor.setActiveEffectByName("Paint")
        self.stroke(points)
        added = (self.array("lesion") > 0) & (before == 0)

        self.assertTrue(added.any(), "The stroke painted nothing")
        self.assertGreaterEqual(hu[added].min(), -900)
        self.assertLessEqual(hu[added].max(), -800)

    def test_a_voxel_has_the_class_that_was_painted_last(self) -> None:
        result = known_results.known_result(self.chest, ensemble=True)
        known_results.show(self.panel, self.ct, result)
        self.process_events(0.3)
        self.assertTrue(self.ui.groundGlassButton.checked)
        self.click(self.ui.anyDensityButton)
        self.editor.setActiveEffectByName("Paint")
        glass, solid = (self.array(id_) for id_ in ("ground-glass-opacity", "consolidation"))
        self.editor.setCurrentSegmentID("consolidation")
        self.click(self.ui.anyDensityButton)
        self.stroke(self.show_lung_slice())
        self.wait_until_measured()
        painted = self.array("consolidation")

        self.assertGreater(painted.sum(), solid.sum())
        np.testing.assert_array_equal(self.array("ground-glass-opacity"), glass & (1 - painted))
        self.editor.undo()
        self.wait_until_measured()
        np.testing.assert_array_equal(self.array("ground-glass-opacity"), glass)
        self.assertIs(self.panel.corrections.corrected, False)

    def test_a_correction_is_there_again_after_the_scene_was_saved_and_loaded(self) -> None:
        self.editor.setActiveEffectByName("Paint")
        self.stroke(self.show_lung_slice())
        self.wait_until_measured()
        headline, measured = self.ui.severityLabel.text, self.panel.corrections.measured
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "scene.mrb"
        self.assertTrue(slicer.util.saveScene(str(path)))
        slicer.mrmlScene.Clear(False)
        self.process_events(0.2)
        self.assertFalse(self.ui.correctionSection.visible)
        slicer.util.loadScene(str(path))
        self.process_events(0.5)
        self.wait_until_measured()

        self.assertEqual(self.ui.severityLabel.text, headline)
        for now, before in zip(
            self.panel.corrections.measured.changes, measured.changes, strict=True
        ):
            self.assertEqual(now.name, before.name)
            self.assertAlmostEqual(now.added_ml, before.added_ml, 6)
            self.assertAlmostEqual(now.dice, before.dice, 9)
        self.assertTrue(self.panel.result.predictionNode.GetHideFromEditors())
        self.assertGreater(os.path.getsize(path), 0)

    def test_the_outline_of_the_run_is_drawn_beside_the_corrected_segment(self) -> None:
        self.editor.setActiveEffectByName("Paint")
        self.stroke(self.show_lung_slice())
        self.editor.setActiveEffect(None)
        self.process_events(0.2)
        without = self.slice_pixels()
        self.click(self.ui.compareButton)
        self.process_events(0.3)
        differing = np.abs(self.slice_pixels().astype(int) - without).max(axis=2) > 20

        self.assertGreater(differing.sum(), 20)
        self.click(self.ui.compareButton)
        self.process_events(0.3)
        np.testing.assert_array_equal(self.slice_pixels(), without)

    def test_discarding_brings_back_the_run_and_the_editors_undo_the_correction(self) -> None:
        before = self.array("lesion")
        self.editor.setActiveEffectByName("Paint")
        self.stroke(self.show_lung_slice())
        painted = self.array("lesion")
        self.wait_until_measured()
        self.click(self.ui.discardButton)
        np.testing.assert_array_equal(self.array("lesion"), before)
        self.wait_until_measured()
        self.assertIs(self.panel.corrections.corrected, False)
        self.editor.undo()
        np.testing.assert_array_equal(self.array("lesion"), painted)

    def test_a_lung_is_painted_beyond_its_border(self) -> None:
        self.editor.setCurrentSegmentID("right-lung")
        self.process_events(0.1)
        before = self.array("right-lung")
        self.editor.setActiveEffectByName("Paint")
        self.stroke(self.show_lung_slice())

        self.assertGreater(self.array("right-lung").sum(), before.sum())
        self.wait_until_measured()
        names = [c.name for c in self.panel.corrections.measured.changes if c.changed]
        self.assertEqual(names, ["right lung"])

    def test_leaving_the_module_ends_the_effect_and_gives_the_keys_back(self) -> None:
        self.editor.setActiveEffectByName("Paint")
        slicer.util.selectModule("Data")
        self.process_events(0.2)
        self.assertIsNone(self.editor.activeEffect())
        slicer.util.selectModule("COVIDLesionSeg")
        self.process_events(0.2)
        self.assertEqual(
            self.editor.segmentationNode().GetID(), self.panel.result.segmentationNode.GetID()
        )

    def test_slicers_own_segment_editor_keeps_its_settings(self) -> None:
        slicer.util.selectModule("SegmentEditor")
        self.process_events(0.3)
        own = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        mode = own.GetOverwriteMode()
        slicer.util.selectModule("COVIDLesionSeg")
        self.editor.setActiveEffectByName("Paint")
        self.process_events(0.2)

        self.assertEqual(own.GetOverwriteMode(), mode)
        self.assertFalse(own.GetActiveEffectName())

    def test_a_reload_makes_a_new_editor(self) -> None:
        self.editor.setActiveEffectByName("Paint")
        self.panel.onReload()
        self.process_events(0.5)
        self.ui.correctionSection.collapsed = False
        self.process_events(0.3)
        self.editor.setActiveEffectByName("Paint")
        before = self.array("lesion")
        self.stroke(self.show_lung_slice())

        self.assertGreater(self.array("lesion").sum(), before.sum())

    def test_the_section_fits_the_narrow_panel(self) -> None:
        """Nothing of the editor is cut off at 380 pixels, whatever its effect."""
        for effect in ("", "Paint", "Threshold", "Islands", "Smoothing", "Margin", "Scissors"):
            self.editor.setActiveEffectByName(effect)
            self.process_events(0.1)
            hint = self.ui.correctionSection.minimumSizeHint.width()
            self.assertLessEqual(hint, 380, f"With {effect or 'no effect'}")

    def test_lungs_found_alone_are_painted(self) -> None:
        from dataclasses import replace

        from COVIDLesionSegLib.scene.show import show_lungs

        lungs = replace(
            known_results.known_result(self.chest),
            classes=(),
            lesions=np.zeros_like(self.chest.lesions),
        )
        node = show_lungs(self.ct, lungs).segmentationNode
        self.panel.show_result(self.ct, None, in_views=True, new=True)
        node.GetDisplayNode().SetVisibility(True)
        self.panel.show_state()
        self.process_events(0.2)
        self.assertTrue(self.ui.correctionSection.visible)
        self.assertEqual(self.editor.currentSegmentID(), "right-lung")

        def array(segment_id: str) -> Any:
            return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, self.ct).copy()

        before, left = array("right-lung"), array("left-lung")
        self.array = array  # type: ignore[method-assign]
        points = self.show_lung_slice()
        self.editor.setActiveEffectByName("Paint")
        self.stroke(points)
        self.assertGreater(array("right-lung").sum(), before.sum())
        np.testing.assert_array_equal(array("left-lung"), left)
        self.click(self.ui.discardButton)
        np.testing.assert_array_equal(array("right-lung"), before)
