"""Slicer's own self-test: "Reload and Test" in developer mode, and ctest."""

from __future__ import annotations

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from ..scene.volumes import volume_to_node
from .parameter_node import COVIDLesionSegLogic
from .preparing.dependencies import missing_packages


class COVIDLesionSegTest(ScriptedLoadableModuleTest):
    """The console API on a generated chest CT, inside Slicer."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def test_a_generated_chest_ct_is_segmented(self) -> None:
        missing = missing_packages()
        if missing:
            reason = f"Skipped: press Apply in the module once to install {', '.join(missing)}."
            # "Reload and Test" shows a skip as an error, so it is also said in words.
            self.delayDisplay(reason)
            self.skipTest(reason)
        from ..engine.phantom import generate_chest_ct

        phantom = generate_chest_ct(seed=3, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0))
        ct = volume_to_node(phantom.volume, "Generated CT")
        result = COVIDLesionSegLogic().segment(ct)

        segments = result.segmentationNode.GetSegmentation()
        for name in ("right-lung", "left-lung", "lesion"):
            self.assertIsNotNone(segments.GetSegment(name))
        right, left = (result.severity.region(f"{side} lung") for side in ("right", "left"))
        self.assertGreater(right.lung_ml, 1000)
        self.assertGreater(left.lung_ml, 1000)
        self.assertIsNotNone(result.severity.category)
        self.delayDisplay(f"Test passed: {result.severity.category}")
