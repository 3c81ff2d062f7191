"""The panel inside Slicer: from a generated chest CT to a severity, through the real window.

Run by ctest, or in Slicer's console::

    import slicer.testing
    slicer.testing.runUnitTest([folder_of_this_file], "COVIDLesionSegPanelTest")
"""

import os
import tempfile
import time
import unittest

import slicer

TIMEOUT_SECONDS = 300


class COVIDLesionSegPanelTest(unittest.TestCase):
    def setUp(self):
        from COVIDLesionSegLib.panel.preparing.dependencies import missing_packages

        missing = missing_packages()
        if missing:
            self.skipTest(f"Not installed: {', '.join(missing)}")
        from COVIDLesionSegLib.engine.phantom import generate_chest_ct
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        slicer.mrmlScene.Clear()
        self.panel = slicer.util.getModuleWidget("COVIDLesionSeg")
        self.panel.enter()
        phantom = generate_chest_ct(seed=3, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0))
        self.ct = volume_to_node(phantom.volume, "Generated CT")
        self.panel.ui.ctSelector.setCurrentNode(self.ct)

    def tearDown(self):
        slicer.mrmlScene.Clear()

    def wait_until_idle(self):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.panel.busy:
            self.assertLess(time.monotonic(), deadline, "The run did not end in time.")
            slicer.app.processEvents()
            time.sleep(0.01)

    def test_apply_shows_a_severity(self):
        self.panel.ui.applyButton.click()
        self.wait_until_idle()

        self.assertEqual(self.panel.ui.statusLabel.text, "Done.")
        self.assertTrue(self.panel.ui.severityLabel.text.startswith("CT-"))
        segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        self.assertEqual(
            len(
                [
                    segmentation
                    for segmentation in segmentations
                    if not segmentation.GetHideFromEditors()
                ]
            ),
            1,
        )

    def test_the_views_follow_the_panel_and_the_panel_follows_a_loaded_scene(self):
        self.panel.ui.applyButton.click()
        self.wait_until_idle()
        headline = self.panel.ui.severityLabel.text
        shown = self.layers()
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.ct, "Other CT")
        self.panel.ui.ctSelector.setCurrentNode(other)
        self.assertEqual(self.panel.ui.statusLabel.text, "")
        self.assertEqual(self.layers(), [(other.GetID(), None)] * len(shown))
        self.panel.ui.ctSelector.setCurrentNode(self.ct)
        self.assertEqual(self.layers(), shown)

        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = os.path.join(folder, "scene.mrb")
            slicer.mrmlScene.WriteToMRB(path)
            slicer.mrmlScene.Clear()
            self.assertFalse(self.panel.ui.applyButton.enabled)
            slicer.mrmlScene.ReadFromMRB(path, True)
        self.assertEqual(self.panel.ui.ctSelector.currentNode().GetName(), "Generated CT")
        self.assertEqual(self.panel.ui.severityLabel.text, headline)

    def layers(self):
        """Background and foreground of every slice view."""
        views = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        return [(view.GetBackgroundVolumeID(), view.GetForegroundVolumeID()) for view in views]

    def test_cancel_leaves_the_scene_as_it_was(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.panel.ui.applyButton.click()
        self.panel.ui.applyButton.click()
        self.wait_until_idle()

        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
        self.assertEqual(self.panel.ui.applyButton.text, "Apply")
