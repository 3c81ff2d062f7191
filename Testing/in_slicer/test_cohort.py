"""The Cohort section in the real window."""

from __future__ import annotations

import tempfile
from pathlib import Path

import known_results
from case import RUN_SECONDS, SMALL, Case, phantom


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
        expected = [first, ["second", "n/a", "n/a", "n/a", "n/a"]]
        self.wait_until(lambda: self.rows() == expected, 10, "Other rows than these")

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


class CohortOfFilesTest(Case):
    """All CTs of a folder, segmented by the real job in a process of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        from COVIDLesionSegLib.engine.volume import write_volume

        folder = tempfile.TemporaryDirectory(prefix="cohort-")
        self.addCleanup(folder.cleanup)
        self.cts, self.out = Path(folder.name) / "cts", Path(folder.name) / "out"
        self.cts.mkdir()
        self.chest = phantom(**SMALL)
        write_volume(self.chest.volume.array, self.chest.volume.geometry, self.cts / "good.nii.gz")
        (self.cts / "bad.nii.gz").write_bytes(b"no CT")
        self.ui.cohortSection.collapsed = False
        self.ui.cohortSourceEdit.text = str(self.cts)
        self.ui.cohortOutEdit.text = str(self.out)
        self.process_events()
        (self.files,) = (s.files for s in self.panel.sections if s.UI_FILE == "Cohort")
        self.addCleanup(self.files.close)

    def rows(self) -> list[list[str]]:
        self.wait_until(lambda: not self.files.list.active)
        table = self.ui.cohortFilesTable
        return [
            [table.item(row, column).text() for column in range(table.columnCount)]
            for row in range(table.rowCount)
        ]

    def segment_all(self) -> None:
        self.click(self.ui.cohortRunButton)
        self.assertEqual(self.ui.cohortRunButton.text, "Stop")
        self.wait_until(lambda: not self.files.busy, RUN_SECONDS, "The cohort did not end")

    def test_a_folder_is_segmented_and_a_double_click_shows_a_case(self) -> None:
        import slicer

        mine = self.load_ct("mine", seed=5)
        self.segment_all()
        bad, good = self.rows()
        self.assertEqual(good[:2], ["good", "done"], self.ui.cohortStatusLabel.text)
        self.assertEqual(bad[:2], ["bad", "failed"])
        self.assertTrue(bad[4])
        self.assertEqual(self.ui.cohortStatusLabel.text, "1 done, 1 failed.")
        self.assertTrue(self.ui.cohortPageButton.enabled)
        self.ui.cohortFilesTable.cellDoubleClicked(1, 0)
        self.wait_until(lambda: self.ui.ctSelector.currentNode() is not mine, RUN_SECONDS)
        self.process_events(0.5)
        shown = self.ui.ctSelector.currentNode()
        self.assertEqual(shown.GetName(), "good")
        self.assertTrue(slicer.mrmlScene.IsNodePresent(mine))
        array = slicer.util.arrayFromVolume(shown)
        self.assertTrue((array == self.chest.volume.array).all())
        self.assertEqual(self.panel.result.severity.category, good[2])

    def test_stopped_in_the_middle_it_goes_on_and_does_nothing_twice(self) -> None:
        self.click(self.ui.cohortRunButton)
        self.wait_until(lambda: bool(self.rows()), RUN_SECONDS, "No case was begun")
        self.click(self.ui.cohortRunButton)
        self.wait_until(lambda: not self.files.busy, RUN_SECONDS)
        self.wait_until(lambda: not self.files.list.active)
        self.assertNotIn("begun", [row[1] for row in self.rows()])
        self.segment_all()
        self.assertEqual([row[1] for row in self.rows()], ["failed", "done"])
        report = self.out / "cases" / "good" / "report.json"
        written = report.stat().st_mtime_ns
        self.segment_all()
        self.assertEqual(report.stat().st_mtime_ns, written)
