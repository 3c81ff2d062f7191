"""Lesions one by one in the real window: segments, one label map, classes of slices as a chart."""

from __future__ import annotations

from types import SimpleNamespace

import known_results
import numpy as np
import pictures
import slicer
from case import RUN_SECONDS, Case

DETECTOR = "affinity-8-infected"


class LesionsTest(Case):
    def setUp(self) -> None:
        super().setUp()
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        chest = known_results.phantom()
        self.ct = volume_to_node(chest.volume, "Chest")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(self.ct)
        self.result = known_results.known_result(chest)
        known_results.show(self.panel, self.ct, self.result)
        self.lesions = self.result.severity.lesions
        self.ui.lesionsCollapsibleButton.collapsed = False
        self.ui.lesionsTable.setCurrentCell(0, 1)
        self.process_events(0.3)

    def colours(self) -> float:
        """Share of the axial view that is coloured."""
        pixels = self.slice_pixels("Red").astype(int)
        return float((np.ptp(pixels[..., :3], axis=-1) > 40).mean())

    def test_every_lesion_has_a_segment_that_is_seen(self) -> None:
        from COVIDLesionSegLib.scene.lesion_instances import find_instances

        self.ui.lesionNodesBox.setCurrentIndex(1)
        self.process_events(0.5)
        _, node = find_instances(self.ct)
        segmentation = node.GetSegmentation()
        self.assertEqual(segmentation.GetNumberOfSegments(), len(self.lesions))
        for lesion in self.lesions:
            mask = slicer.util.arrayFromSegmentBinaryLabelmap(
                node, f"lesion-{lesion.number}", self.ct
            )
            ml = np.count_nonzero(mask) * np.prod(self.ct.GetSpacing()) / 1000
            self.assertAlmostEqual(ml, lesion.lesion_ml, places=3)
        self.assertGreater(self.colours(), 0.001)
        pictures.save_window("lesion-segments")

    def test_after_an_edit_its_segments_are_those_of_now_and_the_users_name_stays(self) -> None:
        from COVIDLesionSegLib.scene.lesion_instances import find_instances, shows

        self.ui.lesionNodesBox.setCurrentIndex(1)
        _, node = find_instances(self.ct)
        first, *_ = self.lesions
        node.GetSegmentation().GetSegment(f"lesion-{first.number}").SetName("biopsied")
        node.GetDisplayNode().SetSegmentVisibility("lesion-2", False)
        self.process_events(0.3)
        segmentation = self.panel.result.segmentationNode
        lesions = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "lesion", self.ct).copy()
        lungs = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "left-lung", self.ct)
        lesions[np.nonzero(lungs)[0].mean().astype(int)] |= lungs[len(lungs) // 2]
        slicer.util.updateSegmentBinaryLabelmapFromArray(lesions, segmentation, "lesion", self.ct)
        self.wait_until(
            lambda: (
                not self.panel.corrections.pending
                and self.panel.result.severity.lesions != self.lesions
                and shows(find_instances(self.ct)[1], self.panel.result.severity.lesions)
            ),
            60,
            "The lesions were not renewed",
        )
        self.assertIs(find_instances(self.ct)[1], node)
        names = [
            node.GetSegmentation().GetSegment(id_).GetName()
            for id_ in node.GetSegmentation().GetSegmentIDs()
        ]
        self.assertEqual(len(names), len(self.panel.result.severity.lesions))
        self.assertIn("biopsied", names)
        self.process_events(0.5)
        pictures.save_window("lesion-segments-after-an-edit")

    def test_one_label_map_is_seen_in_the_colours_of_its_table_and_goes_again(self) -> None:
        from COVIDLesionSegLib.scene.lesion_instances import find_instances

        slicer.util.getNode("Chest COVID-19 segmentation").SetDisplayVisibility(False)
        self.ui.overlayCheckBox.checked = False  # it colours the same pixels
        self.process_events(0.3)
        before = self.colours()
        self.ui.lesionNodesBox.setCurrentIndex(2)
        self.process_events(0.5)
        _, node = find_instances(self.ct)
        self.assertEqual(slicer.util.arrayFromVolume(node).max(), len(self.lesions))
        self.assertGreater(self.colours(), before + 0.001)
        pictures.save_window("lesion-labels")
        self.ui.lesionNodesBox.setCurrentIndex(0)
        self.process_events(0.5)
        self.assertIsNone(find_instances(self.ct))
        self.assertAlmostEqual(self.colours(), before, places=3)

    def test_the_classes_of_slices_are_a_chart(self) -> None:
        from COVIDLesionSegLib.engine.severity.lesions import number_lesions
        from COVIDLesionSegLib.logic import COVIDLesionSegLogic

        result = self.result
        slices = [
            SimpleNamespace(index=n, probabilities={"clean": 1 - n / 14, "infected": n / 14})
            for n in range(14)
        ]
        labels = number_lesions(result.lungs, result.lesions, result.geometry)
        found = SimpleNamespace(labels=labels, lesions=self.lesions, slices=slices)
        _, chart = COVIDLesionSegLogic().showDetection(self.ct, found)
        layout = slicer.app.layoutManager()
        earlier = layout.layout
        slicer.modules.plots.logic().ShowChartInLayout(chart)
        self.process_events(1.0)
        pictures.save_window("lesion-classes")
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 2)
        layout.setLayout(earlier)
        self.process_events(0.3)

    def test_a_detector_finds_lesions_and_the_classes_of_slices(self) -> None:
        self.needs_packages()
        ui, layout = self.ui, slicer.app.layoutManager()
        box, earlier, width = ui.lesionSourceBox, layout.layout, ui.lesionsTable.width
        box.setCurrentIndex(box.findData(DETECTOR))
        self.process_events(0.3)
        self.assertEqual(ui.lesionsTable.rowCount, 0)
        self.click(ui.detectButton)
        self.wait_until(
            lambda: ui.detectionLabel.visible,
            RUN_SECONDS,
            f"Nothing was found, and the panel says {ui.statusLabel.text!r}",
        )
        self.assertRegex(ui.detectionLabel.text, r"^\d+ lesions, in \d+ of \d+ slices with lung\.")
        self.assertEqual(ui.lesionsTable.rowCount, int(ui.detectionLabel.text.partition(" ")[0]))
        ui.lesionNodesBox.setCurrentIndex(1)
        self.click(ui.sliceClassesButton)
        area = slicer.util.findChild(slicer.util.mainWindow(), "ScrollArea")
        area.ensureWidgetVisible(ui.lesionNodesBox)
        self.process_events(1.0)
        pictures.save_window("detector")
        self.assertEqual(ui.lesionsTable.width, width, "the panel became wider")
        layout.setLayout(earlier)
        box.setCurrentIndex(0)
        self.process_events(0.3)
        self.assertEqual(ui.lesionsTable.rowCount, len(self.lesions))
