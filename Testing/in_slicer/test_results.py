"""The Results section in the real window: rule, flags and their slices, chart, lobes, keys."""

from __future__ import annotations

from typing import Any

import known_results
import numpy as np
import qt
import slicer
from case import Case

RULES = 3


class ResultsTest(Case):
    def setUp(self) -> None:
        super().setUp()
        from COVIDLesionSegLib.engine.flags import Flag
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        self.chest = known_results.phantom()
        self.ct = volume_to_node(self.chest.volume, "Chest")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(self.ct)
        flags = (
            Flag("lung-gap", "Look at <these> two slices.", slices=(7, 2)),
            Flag("memory-step-down", "Memory ran out, so it took longer. " * 6, "note"),
            Flag("lungs-cut-off", "The CT ends within the lungs.", slices=(0,)),
        )
        self.result = known_results.known_result(self.chest, ensemble=True, flags=flags)
        self.shown = known_results.show(self.panel, self.ct, self.result)
        self.process_events(0.3)

    def tearDown(self) -> None:
        if self.ui.chartButton.checked:
            self.ui.chartButton.click()

    def seen(self) -> int | None:
        from COVIDLesionSegLib.scene.slice_views import slice_seen

        self.process_events(0.1)
        return slice_seen(self.ct)

    def buttons(self) -> list[Any]:
        found = self.ui.flagsList.findChildren("QPushButton")
        return [button for button in found if button.visible]

    # Lesions one by one

    def test_lesions_are_listed_gone_to_and_marked(self) -> None:
        from COVIDLesionSegLib.scene.lesion_marks import find_marks

        lesions = self.result.severity.lesions
        self.ui.lesionsCollapsibleButton.collapsed = False
        table = self.ui.lesionsTable
        self.assertEqual(table.rowCount, len(lesions))
        for row in {0, len(lesions) - 1}:
            table.setCurrentCell(row, 1)
            self.assertEqual(self.seen(), lesions[row].largest_slice)
        self.ui.markLesionsButton.click()
        self.process_events(0.3)
        self.assertEqual(find_marks(self.ct).GetNumberOfControlPoints(), len(lesions))
        self.ui.markLesionsButton.click()
        self.assertIsNone(find_marks(self.ct))
        self.ui.lesionsCollapsibleButton.collapsed = True

    # The rule

    def test_the_headline_follows_the_rule(self) -> None:
        box = self.ui.severityRuleComboBox
        self.assertEqual(box.count, RULES)
        for number, rule in enumerate(self.result.severity.rules):
            box.setCurrentIndex(number)
            self.process_events()
            self.assertEqual(
                self.ui.severityLabel.text, f"{rule.category}   {100 * rule.ratio:.1f} %"
            )
            # The short title, which fits the panel; the table has the whole one.
        self.assertTrue(rule.title.startswith(box.currentText.removesuffix(")")), box.currentText)

    def test_the_colour_of_the_headline_is_seen(self) -> None:
        from COVIDLesionSegLib.panel.sections.results import CATEGORY_COLORS

        colour = CATEGORY_COLORS[self.result.severity.category][0]
        image = self.ui.severityLabel.grab().toImage()
        self.assertEqual(image.pixelColor(8, image.height() // 2).name(), colour)

    def test_an_untrained_network_is_not_graded(self) -> None:
        known_results.show(self.panel, self.ct, known_results.untrained(self.result))
        self.process_events()
        self.assertEqual(self.ui.severityLabel.text, "n/a   UNTRAINED NETWORK")
        table = self.ui.regionsTable
        self.assertEqual(table.item(table.rowCount - 1, 1).text(), "n/a")

    # Flags and slices

    def test_a_flags_button_shows_its_slices_in_turn(self) -> None:
        gap, cut_off = self.buttons()
        self.assertEqual(gap.text, "Go to slice 7")
        for index in (7, 2, 7):
            self.click(self.buttons()[0])
            self.assertEqual(self.seen(), index)
        self.click(cut_off)
        self.assertEqual(self.seen(), 0)

    def test_the_slice_that_is_shown_has_the_pixels_of_the_ct(self) -> None:
        """What is drawn is the slice: its grey values correlate with those of the array."""
        from COVIDLesionSegLib.panel import views

        self.ui.overlayCheckBox.click()
        self.shown.segmentationNode.GetDisplayNode().SetVisibility2D(False)
        pictures = {}
        for index in (2, 7):
            views.go_to_slice(self.ct, index)
            self.process_events(0.3)
            pictures[index] = self.slice_pixels("Red").astype(float).mean(axis=-1)
        dark = {index: (picture > 20).mean() for index, picture in pictures.items()}
        self.assertGreater(np.abs(pictures[2] - pictures[7]).mean(), 2.0, dark)
        annotation = slicer.app.layoutManager().sliceWidget("Red").sliceLogic()
        offset = annotation.GetSliceOffset()
        self.assertAlmostEqual(offset, self.positions()[7], places=3)

    def positions(self) -> list[float]:
        from COVIDLesionSegLib.engine.volume import AxialOrder

        geometry = self.chest.volume.geometry
        return [float(s) for s in AxialOrder.of(geometry).slice_centres(geometry)[:, 2]]

    def test_next_and_previous_go_through_all_flagged_slices(self) -> None:
        from COVIDLesionSegLib.panel import views

        views.go_to_slice(self.ct, 1)
        for index in (2, 7, 0):
            self.click(self.ui.nextFlaggedButton)
            self.assertEqual(self.seen(), index)
        for index in (7, 2, 0):
            self.click(self.ui.previousFlaggedButton)
            self.assertEqual(self.seen(), index)

    def test_keys_work_from_the_views_while_the_module_is_open(self) -> None:
        from COVIDLesionSegLib.panel import views

        window = slicer.util.mainWindow()
        window.activateWindow()
        views.go_to_slice(self.ct, 1)
        view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
        view.setFocus()
        self.process_events(0.3)
        if slicer.app.focusWidget() is None:
            self.skipTest("No window has the focus on this screen, so no key arrives.")
        self.press(qt.Qt.Key_N)
        self.assertEqual(self.seen(), 2)
        self.press(qt.Qt.Key_B)
        self.assertEqual(self.seen(), 0)
        self.press(qt.Qt.Key_O)
        self.assertFalse(self.ui.overlayCheckBox.checked)
        slicer.util.selectModule("Data")
        self.press(qt.Qt.Key_N)
        self.assertEqual(self.seen(), 0)
        slicer.util.selectModule("COVIDLesionSeg")

    def press(self, key: int) -> None:
        """Ctrl+Shift and a key, as a keyboard sends it to the widget with the focus."""
        widget = slicer.app.focusWidget() or slicer.util.mainWindow()
        modifiers = int(qt.Qt.ControlModifier) | int(qt.Qt.ShiftModifier)
        for kind in (qt.QEvent.ShortcutOverride, qt.QEvent.KeyPress, qt.QEvent.KeyRelease):
            event = qt.QKeyEvent(kind, key, qt.Qt.KeyboardModifiers(modifiers))
            slicer.app.sendEvent(widget, event)
        self.process_events(0.2)

    def test_no_key_of_the_panel_is_taken_by_slicer(self) -> None:
        ours = {one.key for one in self.panel.shortcuts._registered}
        self.assertGreaterEqual(len(ours), 3)
        taken: dict[str, str] = {}
        window = slicer.util.mainWindow()
        for action in window.findChildren("QAction"):
            for keys in action.shortcuts():
                taken[keys.toString()] = action.text
        own = set(map(id, self.panel.shortcuts._objects))
        for shortcut in window.findChildren("QShortcut"):
            if id(shortcut) not in own and shortcut.key.toString() not in ours:
                taken[shortcut.key.toString()] = "a shortcut"
        self.assertEqual({key: taken[key] for key in ours & set(taken)}, {})
        keys = [one.key.toString() for one in window.findChildren("QShortcut")]
        self.assertTrue(all(keys.count(key) == 1 for key in ours), keys)

    # The chart

    def test_the_chart_is_shown_and_the_users_layout_comes_back(self) -> None:
        manager = slicer.app.layoutManager()
        before = manager.layout
        self.click(self.ui.chartButton)
        self.process_events(0.5)
        self.assertNotEqual(manager.layout, before)
        self.assertTrue(self.ui.chartButton.checked)
        widget = manager.plotWidget(0)
        shown_id = widget.mrmlPlotViewNode().GetPlotChartNodeID()
        self.assertEqual(shown_id, self.shown.chartNode.GetID())
        self.assertEqual(widget.plotView().chart().GetNumberOfPlots(), 4)
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        self.assertEqual(manager.layout, before)
        self.assertFalse(self.ui.chartButton.checked)

    def test_a_click_on_a_point_goes_to_its_slice(self) -> None:
        import vtk

        self.click(self.ui.chartButton)
        self.process_events(0.5)
        chart = slicer.app.layoutManager().plotWidget(0).plotView().chart()
        plot = chart.GetPlot(0)
        rows = vtk.vtkIdTypeArray()
        rows.InsertNextValue(5)
        plot.SetSelection(rows)
        chart.InvokeEvent(vtk.vtkCommand.SelectionChangedEvent)
        expected = self.result.severity.slices[5].index
        self.wait_until(lambda: self.seen() == expected, 5, "The slice was not shown")

    def test_leaving_the_layout_by_slicers_own_menu_releases_the_button(self) -> None:
        manager = slicer.app.layoutManager()
        before = manager.layout
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        manager.setLayout(before)
        self.wait_until(lambda: not self.ui.chartButton.checked, 5, "The button stayed pressed")

    def test_a_layout_that_the_user_chose_with_a_plot_view_of_its_own_stays(self) -> None:
        manager, logic = slicer.app.layoutManager(), slicer.modules.plots.logic()
        before = manager.layout
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        made = manager.layout
        users = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView
        self.assertNotEqual(users, made)
        self.assertEqual(logic.GetLayoutWithPlot(users), users)
        manager.setLayout(users)
        self.process_events(0.3)
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        self.assertEqual(manager.layout, users)
        # The user leaves the chart's layout for another, and later chooses the same for something.
        manager.setLayout(before)
        self.process_events(0.3)
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        manager.setLayout(before)
        self.process_events(0.3)
        logic.ShowChartInLayout(None)
        manager.setLayout(made)
        self.process_events(0.3)
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        self.assertEqual(manager.layout, made)
        manager.setLayout(before)

    def test_another_cts_chart_is_not_left_in_the_layout(self) -> None:
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        manager = slicer.app.layoutManager()
        before = manager.layout
        self.click(self.ui.chartButton)
        other = volume_to_node(known_results.phantom(seed=5).volume, "Other")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(other)
        self.process_events(0.3)
        self.assertEqual(manager.layout, before)
        selection = slicer.app.applicationLogic().GetSelectionNode()
        self.assertNotEqual(selection.GetActivePlotChartID(), self.shown.chartNode.GetID())

    def test_closing_the_scene_brings_the_layout_back(self) -> None:
        manager = slicer.app.layoutManager()
        before = manager.layout
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        slicer.mrmlScene.Clear(False)
        self.process_events(0.3)
        self.assertEqual(manager.layout, before)
        self.assertFalse(self.ui.resultsSection.visible)

    def test_a_chart_that_was_saved_open_is_followed_after_loading(self) -> None:
        manager = slicer.app.layoutManager()
        before = manager.layout
        self.click(self.ui.chartButton)
        self.process_events(0.3)
        path = f"{slicer.app.temporaryPath}/chart.mrb"
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear(False)
        self.process_events(0.3)
        self.assertEqual(manager.layout, before)
        slicer.util.loadScene(path)
        self.process_events(0.5)
        self.assertNotEqual(manager.layout, before)
        self.assertTrue(self.ui.chartButton.checked)
        self.click(self.ui.chartButton)
        self.assertEqual(manager.layout, before)

    # Lobes

    def test_figures_by_lobe_appear_and_the_users_segmentation_stays_as_it_is(self) -> None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "lobes of mine")
        self.process_events(0.2)  # Slicer gives it an item in subject hierarchy
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(self.ct)
        for number, side in enumerate(("24028007^Right", "7771000^Left"), start=1):
            id_ = node.GetSegmentation().AddEmptySegment(f"s{number}", f"Segment {number}")
            mask = (self.chest.lungs == number).astype(np.uint8)
            mask[:6] = 0
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, id_, self.ct)
            node.GetSegmentation().GetSegment(id_).SetTag(
                "TerminologyEntry",
                "Segmentation category and type - 3D Slicer General Anatomy list"
                "~SCT^123037004^Anatomical Structure~SCT^45653009^Upper lobe of lung"
                f"~SCT^{side}~Anatomic codes - DICOM master list~^^~^^",
            )
        self.process_events(0.3)
        self.ui.lobesCollapsibleButton.collapsed = False
        self.ui.lobesSelector.setCurrentNode(node)
        table = self.ui.lobesTable
        self.wait_until(lambda: table.visible, 20, "No figures by lobe")
        texts = {table.item(r, 0).text(): table.item(r, 3).text() for r in range(table.rowCount)}
        for number, lobe in ((1, "right upper lobe"), (2, "left upper lobe")):
            mask = self.chest.lungs == number
            mask[:6] = False
            share = (self.result.lesions[mask] > 0).mean()
            self.assertEqual(texts[lobe], f"{100 * share:.1f} %")
        self.assertEqual(texts["right lower lobe"], "n/a")
        self.assertTrue(node.GetDisplayNode().GetVisibility())
        self.assertEqual(node.GetName(), "lobes of mine")
        slicer.mrmlScene.RemoveNode(node)
        self.wait_until(lambda: not table.visible, 5, "Figures of lobes that are gone")

    # The panel

    def test_everything_fits_into_380_pixels(self) -> None:
        self.ui.rulesCollapsibleButton.collapsed = False
        self.ui.lobesCollapsibleButton.collapsed = False
        self.process_events(0.2)
        for section in self.panel.sections:
            hint = section.root.minimumSizeHint.width()
            self.assertLessEqual(hint, 380, section.UI_FILE)
