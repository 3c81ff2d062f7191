"""The user's scene is not changed, and a result comes back with a saved scene."""

from __future__ import annotations

import os
import tempfile

import case
import numpy as np
import scene_state
import slicer
import vtk


class SceneTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()

    def add_user_nodes(self) -> None:
        """What a user may have in a scene, also under the names that results have."""
        scene = slicer.mrmlScene
        segmentation = scene.AddNewNodeByClass(
            "vtkMRMLSegmentationNode", "Chest COVID-19 segmentation"
        )
        segmentation.CreateDefaultDisplayNodes()
        segmentation.GetSegmentation().AddEmptySegment("right-lung", "mine")
        other = slicer.modules.volumes.logic().CloneVolume(scene, self.panel.ct, "Other CT")
        other.GetDisplayNode().SetThreshold(-100, 100)
        scene.AddNewNodeByClass("vtkMRMLTableNode", "Chest COVID-19 severity")
        model = scene.AddNewNodeByClass("vtkMRMLModelNode", "Bed")
        model.CreateDefaultDisplayNodes()
        source = vtk.vtkCubeSource()
        source.Update()
        model.SetAndObservePolyData(source.GetOutput())

    def test_no_node_of_the_user_is_changed_by_run_rerun_and_undo(self) -> None:
        self.load_ct()
        self.add_user_nodes()
        self.process_events(0.3)
        before = scene_state.facts()
        self.apply()
        self.apply()
        self.click(self.ui.undoButton)
        self.process_events(0.3)
        after = scene_state.facts()

        for id_, said in before.items():
            with self.subTest(node=id_):
                self.assertEqual(after.get(id_), said)

    def test_a_scene_with_a_segmentation_of_the_users_own_closes_without_a_message(self) -> None:
        import known_results

        ct = self.load_ct()
        known_results.show(self.panel, ct, known_results.known_result(case.phantom(**case.SMALL)))
        self.add_user_nodes()
        self.process_events(0.5)
        slicer.mrmlScene.Clear(False)
        self.process_events(0.5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), 0)

    def test_a_saved_scene_brings_the_result_back(self) -> None:
        self.load_ct()
        self.apply()
        headline = self.ui.severityLabel.text
        opacity = self.overlay_opacity()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scene.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear(False)
            self.process_events(0.3)
            self.assertFalse(self.ui.applyButton.enabled)
            slicer.util.loadScene(path)
            self.process_events(0.5)

        self.assertEqual(self.ui.ctSelector.currentNode().GetName(), "Chest")
        self.assertTrue(self.ui.applyButton.enabled)
        self.assertEqual(self.ui.severityLabel.text, headline)
        self.assertEqual(self.overlay_opacity(), opacity)
        self.assertGreater(_coloured(self.slice_pixels()), 0.01)

    def overlay_opacity(self) -> float:
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertIsNotNone(composite.GetForegroundVolumeID())
        return composite.GetForegroundOpacity()

    def test_undo_keeps_how_segments_are_displayed(self) -> None:
        self.load_ct()
        self.apply()
        display = self.panel.result.segmentationNode.GetDisplayNode()
        display.SetSegmentOpacity3D("right-lung", 0.1)
        self.apply()
        self.click(self.ui.undoButton)
        display = self.panel.result.segmentationNode.GetDisplayNode()

        self.assertAlmostEqual(display.GetSegmentOpacity3D("right-lung"), 0.1)
        self.assertAlmostEqual(display.GetSegmentOpacity3D("left-lung"), 0.25)
        self.assertEqual(display.GetSegmentOpacity2DFill("left-lung"), 0.0)

    def test_the_views_follow_the_panel_from_ct_to_ct(self) -> None:
        first = self.load_ct("First")
        self.apply()
        second = self.load_ct("Second", ground_glass=0.3)
        self.apply()
        for ct in (first, second, first):
            self.ui.ctSelector.setCurrentNode(ct)
            self.process_events(0.3)
            result = self.panel.result
            for name in ("Red", "Green", "Yellow"):
                composite = slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode()
                self.assertEqual(composite.GetBackgroundVolumeID(), ct.GetID())
                self.assertEqual(composite.GetForegroundVolumeID(), result.probabilityNode.GetID())
            visible = [
                node
                for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
                if node.GetDisplayNode().GetVisibility()
            ]
            self.assertEqual(visible, [result.segmentationNode])

    def test_no_result_is_offered_as_a_ct(self) -> None:
        ct = self.load_ct()
        self.apply()
        slicer.mrmlScene.RemoveNode(ct)
        self.process_events(0.5)

        self.assertIsNone(self.ui.ctSelector.currentNode())
        self.assertEqual(self.ui.ctSelector.nodeCount(), 0)
        self.assertFalse(self.ui.resultsSection.visible)

    def test_the_lungs_fit_into_the_3d_view(self) -> None:
        self.load_ct()
        self.apply()
        # Neither the box nor the letters around it.
        view = slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
        view.SetBoxVisible(False)
        view.SetAxisLabelsVisible(False)
        self.process_events(1)
        pixels = self.three_d_pixels()
        self.panel.result.segmentationNode.GetDisplayNode().SetVisibility(False)
        self.process_events(0.5)
        changed = np.abs(pixels.astype(int) - self.three_d_pixels()).max(axis=2) > 20
        rows, columns = np.nonzero(changed)
        self.assertGreater(changed.mean(), 0.05)
        height, width = changed.shape
        self.assertGreater(rows.min(), 0)
        self.assertLess(rows.max(), height - 1)
        self.assertGreater(columns.min(), 0)
        self.assertLess(columns.max(), width - 1)

    def test_the_legends_ticks_are_exact_and_its_title_small(self) -> None:
        self.load_ct()
        self.apply()
        legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(
            self.panel.result.probabilityNode
        )
        self.assertEqual(legend.GetNumberOfLabels(), 5)
        self.assertEqual(legend.GetLabelFormat() % 0.25, "0.25")
        self.assertLess(legend.GetSize()[0] * legend.GetSize()[1], 0.05)

    def test_the_ct_is_shown_in_a_lung_window(self) -> None:
        ct = self.load_ct()
        ct.GetDisplayNode().AutoWindowLevelOn()
        self.apply()

        display = ct.GetDisplayNode()
        self.assertEqual((display.GetWindow(), display.GetLevel()), (1500, -600))

    def test_done_is_gone_with_the_scene(self) -> None:
        self.load_ct()
        self.apply()
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        slicer.mrmlScene.Clear(False)
        self.process_events(0.3)

        self.assertEqual(self.ui.statusLabel.text, "")

    def test_a_loaded_ct_is_selected(self) -> None:
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        with tempfile.TemporaryDirectory() as folder:
            node = volume_to_node(case.phantom(**case.SMALL).volume, "Chest")
            path = os.path.join(folder, "chest.nrrd")
            slicer.util.saveNode(node, path)
            slicer.mrmlScene.Clear(False)
            self.process_events(0.3)
            loaded = slicer.util.loadVolume(path)
            self.process_events(0.5)
        self.assertIs(self.ui.ctSelector.currentNode(), loaded)

    def test_no_apple_device_is_offered_elsewhere(self) -> None:
        import sys

        box = self.ui.deviceComboBox
        texts = [box.itemText(i) for i in range(box.count)]
        self.assertEqual(any("Apple" in text for text in texts), sys.platform == "darwin")

    def test_the_panel_keeps_its_width_when_a_result_appears(self) -> None:
        self.load_ct()
        self.process_events(0.3)
        before = self.panel.parent.minimumSizeHint.width()
        self.apply()
        self.process_events(0.3)
        self.assertEqual(self.panel.parent.minimumSizeHint.width(), before)
        self.assertLessEqual(before, 380)

    def test_the_console_loads_no_torch_into_the_application(self) -> None:
        import sys

        from COVIDLesionSeg import COVIDLesionSegLogic

        result = COVIDLesionSegLogic().segment(self.load_ct())
        self.assertIsNotNone(result.severity)
        self.assertFalse({"torch", "monai", "torchvision"} & set(sys.modules))


def _coloured(pixels) -> float:
    spread = pixels.max(axis=2).astype(int) - pixels.min(axis=2)
    return float((spread > 40).mean())
