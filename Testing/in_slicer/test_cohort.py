"""The Cohort section in the real window."""

from __future__ import annotations

import known_results
from case import Case


class CohortTest(Case):
    def setUp(self) -> None:
        super().setUp()
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        self.chests = [known_results.phantom(seed=seed) for seed in (3, 5)]
        self.cts = [
            volume_to_node(chest.volume, name)
            for chest, name in zip(self.chests, ("first", "second"), strict=True)
        ]
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(self.cts[0])
        self.result = known_results.known_result(self.chests[0])
        known_results.show(self.panel, self.cts[0], self.result)
        self.ui.cohortSection.collapsed = False
        self.process_events(0.5)

    def rows(self) -> list[list[str]]:
        table = self.ui.cohortTable
        return [
            [table.item(row, column).text() for column in range(table.columnCount)]
            for row in range(table.rowCount)
        ]

    def test_each_ct_has_a_row(self) -> None:
        severity = self.result.severity
        first = ["first", severity.category, f"{100 * severity.ratio:.1f} %", "0", "n/a"]
        self.assertEqual(self.rows(), [first, ["second", "n/a", "n/a", "n/a", "n/a"]])

    def test_a_click_shows_the_ct_in_panel_and_views(self) -> None:
        import slicer

        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        for row in (1, 0):
            self.ui.cohortTable.cellClicked(row, 1)
            self.process_events(0.3)
            self.assertEqual(self.ui.ctSelector.currentNode(), self.cts[row])
            self.assertEqual(composite.GetBackgroundVolumeID(), self.cts[row].GetID())
        self.assertTrue(self.ui.resultsSection.visible)

    def test_a_verdict_given_in_the_review_section_is_listed(self) -> None:
        self.ui.reviewSection.collapsed = False
        self.process_events(0.2)
        self.click(self.ui.rejectButton)
        self.wait_until(lambda: self.rows()[0][-1] == "rejected", 10, "No verdict in the table")
