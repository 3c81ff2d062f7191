"""The generated chest CT: in the Sample Data module, from the panel's button, from the console."""

from __future__ import annotations

import case
import slicer

NAME = "Sample chest CT"
SECONDS = 180


class SampleDataTest(case.Case):
    def sample(self):
        return slicer.mrmlScene.GetFirstNodeByName(NAME)

    def test_the_sample_data_module_offers_it_with_a_picture_and_loads_it(self) -> None:
        slicer.util.selectModule("SampleData")
        widget = slicer.util.getModuleWidget("SampleData")
        button = slicer.util.findChild(widget.parent, "COVIDLesionSegSampleCTPushButton")
        self.assertFalse(button.icon.isNull())
        button.click()

        ct = self.sample()
        self.assertIsNotNone(ct)
        self.assertEqual(ct.GetImageData().GetDimensions(), (324, 252, 56))
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetBackgroundVolumeID(), ct.GetID())
        slicer.util.selectModule(case.MODULE)
        self.assertIs(self.ui.ctSelector.currentNode(), ct)

    def test_the_panels_button_loads_it_and_apply_is_ready(self) -> None:
        self.click(self.ui.sampleButton)
        self.wait_until(lambda: self.ui.applyButton.enabled, SECONDS, "No sample CT was loaded")

        self.assertEqual(self.ui.ctSelector.currentNode().GetName(), NAME)
        self.process_events(0.5)
        pixels = self.slice_pixels()
        self.assertGreater((pixels.max(axis=2) > 60).mean(), 0.2, "The slice view shows no chest.")

    def test_the_button_pressed_again_stops_it(self) -> None:
        self.click(self.ui.sampleButton)
        self.click(self.ui.sampleButton)
        self.wait_until(lambda: self.ui.sampleButton.text == "Load sample CT")
        self.process_events(1)
        self.assertIsNone(self.sample())

    def test_the_console_loads_it(self) -> None:
        from COVIDLesionSeg import COVIDLesionSegLogic

        ct = COVIDLesionSegLogic().sampleCT(seed=1)
        self.assertEqual(ct.GetName(), NAME)

    def test_nothing_heavy_was_imported_at_start(self) -> None:
        import sys

        self.assertFalse({"torch", "monai", "scipy.ndimage"} & set(sys.modules))
