"""The Follow-up section in the real window."""

from __future__ import annotations

from dataclasses import replace

import known_results
from case import Case


class FollowUpTest(Case):
    def setUp(self) -> None:
        super().setUp()
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        chest = known_results.phantom(size=(96, 96, 24), spacing=(3.4, 3.4, 10.0))
        result = known_results.known_result(chest)
        middle = result.lesions.shape[2] // 2
        first, second = result.lesions.copy(), result.lesions.copy()
        first[..., middle:], second[: len(second) // 3] = 0, 0
        self.cts = []
        for name, lesions in (("first", first), ("second", second)):
            ct = volume_to_node(chest.volume, name)
            self.process_events(0.2)
            self.ui.ctSelector.setCurrentNode(ct)
            known_results.show(self.panel, ct, replace(result, lesions=lesions))
            self.cts.append(ct)
        self.ui.followUpSection.collapsed = False
        self.process_events(0.5)

    def test_new_persistent_and_resolved_lesions_are_shown_on_the_later_ct(self) -> None:
        self.needs_packages()
        from COVIDLesionSegLib.scene.follow_up import find_changes
        from COVIDLesionSegLib.scene.segmentation import segment_ids

        self.assertEqual(self.ui.earlierComboBox.currentText, "first")
        self.ui.daysSpinBox.value = 9
        self.click(self.ui.followUpButton)
        self.wait_until(lambda: self.ui.summaryLabel.visible, 300, "The comparison did not end")
        node = find_changes(self.cts[1])
        ids = ["new-lesion", "persistent-lesion", "resolved-lesion"]
        self.assertEqual(segment_ids(node), ids)
        self.assertIn("one and the same CT", self.ui.flagsLabel.text)
        self.assertEqual(self.ui.volumesTable.rowCount, 3)
        self.assertGreater(self.ui.lesionChangesTable.rowCount, 0)
        self.process_events(0.5)
