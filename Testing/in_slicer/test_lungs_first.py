"""The lungs alone, corrected in the segmentation, then lesions in them, from clicks alone."""

from __future__ import annotations

import case
import numpy as np
import slicer


class LungsFirstTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        self.ct = self.load_ct()

    def lungs(self):
        self.click(self.ui.lungsButton)
        self.wait_until_idle()
        return self.ui.lungsSelector.currentNode()

    def edit(self, node, segment_id: str):
        """Take a block out of the middle of a segment, as in Segment Editor."""
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, self.ct).copy()
        inside = np.argwhere(array)
        k, j, i = inside[len(inside) // 2]
        array[k, j - 3 : j + 3, i - 3 : i + 3] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, self.ct)
        self.process_events(0.2)
        return array

    def segment(self, node, segment_id: str):
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, self.ct)

    def test_lesions_are_found_in_corrected_lungs_which_stay_as_they_are(self) -> None:
        before = self.three_d_pixels()
        lungs = self.lungs()
        self.assertIn("correct them", self.ui.statusLabel.text)
        self.assertEqual(lungs.GetSegmentation().GetNumberOfSegments(), 2)
        self.process_events(0.5)
        self.assertGreater(np.mean(self.three_d_pixels() != before), 0.02)
        self.assertFalse(self.ui.resultsSection.visible)

        mine = self.edit(lungs, "right-lung")
        self.assertEqual(self.ui.applyButton.text, "Find lesions in these lungs")
        self.apply()
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.assertIs(self.panel.result.segmentationNode, lungs)
        np.testing.assert_array_equal(self.segment(lungs, "right-lung"), mine)
        self.assertEqual(self.panel.result.provenance["lungs"], {"method": "given"})
        self.assertTrue(self.ui.severityLabel.text.startswith("CT-"))

        self.click(self.ui.undoButton)
        self.assertFalse(self.ui.resultsSection.visible)
        np.testing.assert_array_equal(self.segment(lungs, "right-lung"), mine)

    def test_corrected_lungs_are_kept_when_the_question_is_answered_so(self) -> None:
        self.apply()
        node = self.panel.result.segmentationNode
        mine = self.edit(node, "left-lung")
        self.dialogs.answer("You corrected 'left lung'", "Keep my lungs, find lesions in them")
        self.apply()

        self.assertEqual(self.ui.statusLabel.text, "Done.")
        np.testing.assert_array_equal(self.segment(node, "left-lung"), mine)
        names = [
            node.GetSegmentation().GetNthSegment(n).GetName()
            for n in range(node.GetSegmentation().GetNumberOfSegments())
        ]
        self.assertEqual(names, ["right lung", "left lung", "lesion"])

    def test_cancel_at_the_question_and_undo_that_asks(self) -> None:
        self.apply()
        node = self.panel.result.segmentationNode
        mine = self.edit(node, "lesion")
        self.dialogs.answer("You corrected 'lesion'", "Cancel")
        self.ui.applyButton.click()
        self.process_events(0.2)
        self.assertFalse(self.busy)
        np.testing.assert_array_equal(self.segment(node, "lesion"), mine)

        self.dialogs.answer("to undo the run", "Undo all the same")
        self.click(self.ui.undoButton)
        self.assertFalse(self.ui.resultsSection.visible)
