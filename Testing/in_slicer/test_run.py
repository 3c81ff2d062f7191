"""From a CT to a result on the panel, in the slice views and in the 3D view."""

from __future__ import annotations

import case
import slicer


class RunTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()

    def test_apply_shows_a_severity_and_a_result_in_every_view(self) -> None:
        self.load_ct()
        self.process_events(0.5)
        before_slices, before_3d = self.slice_pixels(), self.three_d_pixels()
        self.apply()

        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.assertTrue(self.ui.severityLabel.text.startswith("CT-"))
        self.process_events(0.5)
        self.assertGreater(_coloured(self.slice_pixels()), _coloured(before_slices) + 0.01)
        self.assertGreater(_differing(self.three_d_pixels(), before_3d), 0.02)

    def test_two_cts_keep_their_own_results(self) -> None:
        first = self.load_ct("First")
        self.apply()
        headline = self.ui.severityLabel.text
        second = self.load_ct("Second", ground_glass=0.3)
        self.assertFalse(self.ui.resultsSection.visible)
        self.apply()
        other_headline = self.ui.severityLabel.text
        self.assertNotEqual(headline, other_headline)
        visible = [
            node
            for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            if not node.GetHideFromEditors()
        ]
        self.assertEqual(len(visible), 2)

        self.ui.ctSelector.setCurrentNode(first)
        self.assertEqual(self.ui.severityLabel.text, headline)
        self.ui.ctSelector.setCurrentNode(second)
        self.assertEqual(self.ui.severityLabel.text, other_headline)

    def test_a_reload_of_the_module_keeps_the_result_on_show(self) -> None:
        self.load_ct()
        self.apply()
        headline = self.ui.severityLabel.text
        old = self.panel
        old.onReload()
        self.process_events(0.5)

        self.assertIsNot(self.panel, old)
        self.assertEqual(self.ui.severityLabel.text, headline)
        self.needs_packages()
        self.apply()
        self.assertEqual(self.ui.statusLabel.text, "Done.")


def _coloured(pixels) -> float:
    """Share of pixels that are not grey."""
    spread = pixels.max(axis=2).astype(int) - pixels.min(axis=2)
    return float((spread > 40).mean())


def _differing(pixels, others) -> float:
    """Share of pixels that differ visibly."""
    return float((abs(pixels.astype(int) - others).max(axis=2) > 20).mean())
