"""The Display section in the real window: what its controls do to the pixels of the views."""

from __future__ import annotations

from typing import Any

import known_results
import numpy as np
import slicer
from case import Case

SURFACES, VOLUME, NOTHING = range(3)
JET, UNIFORM = range(2)


def coloured(pixels: Any) -> Any:
    """Which pixels have a colour, and are not grey."""
    pixels = pixels.astype(int)
    return pixels.max(axis=-1) - pixels.min(axis=-1) > 40


class DisplayTest(Case):
    def setUp(self) -> None:
        super().setUp()
        chest = known_results.phantom()
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        self.ct = volume_to_node(chest.volume, "Chest")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(self.ct)
        self.result = known_results.known_result(chest, ensemble=True)
        self.shown = known_results.show(self.panel, self.ct, self.result)
        # The outlines of segments would be colours, too.
        self.shown.segmentationNode.GetDisplayNode().SetVisibility2D(False)
        from COVIDLesionSegLib.panel import views

        views.go_to_slice(self.ct, self.most_infected)
        self.process_events(0.3)

    @property
    def most_infected(self) -> int:
        return int(self.result.severity.most_infected_slice.index)

    def red(self) -> Any:
        self.process_events(0.2)
        return self.slice_pixels("Red")

    def choose(self, box: Any, index: int) -> None:
        """Choose an item of a drop-down list."""
        self.assertTrue(box.enabled, box.toolTip)
        box.setCurrentIndex(index)
        self.process_events(0.2)

    def test_the_overlay_is_seen_and_gone(self) -> None:
        with_overlay = self.red()
        self.click(self.ui.overlayCheckBox)
        without = self.red()
        self.click(self.ui.overlayCheckBox)
        again = self.red()
        changed = np.any(with_overlay != without, axis=-1)
        self.assertGreater(changed.mean(), 0.005)
        self.assertGreater(coloured(with_overlay).sum(), 10 * coloured(without).sum() + 100)
        self.assertLess(np.any(with_overlay != again, axis=-1).mean(), 0.002)

    def test_opacity_strengthens_the_colour(self) -> None:
        self.ui.overlayOpacitySlider.value = 0.0  # the legend stays
        bare = self.red().astype(int)
        strengths = []
        for opacity in (0.2, 0.6, 1.0):
            self.ui.overlayOpacitySlider.value = opacity
            strengths.append(np.abs(self.red().astype(int) - bare).sum())
        self.assertEqual(strengths, sorted(strengths))
        self.assertGreater(strengths[2], 2 * strengths[0])

    def test_values_below_the_limit_are_not_seen(self) -> None:
        seen = coloured(self.red()).sum()
        figure = self.ui.severityLabel.text
        self.ui.visibleFromSlider.value = 0.95
        self.assertLess(coloured(self.red()).sum(), seen / 5)
        self.assertEqual(self.ui.severityLabel.text, figure)

    def test_the_colour_map_is_the_one_that_was_chosen(self) -> None:
        self.ui.overlayOpacitySlider.value = 1.0
        from COVIDLesionSegLib.scene.colors import jet_colors, uniform_colors

        for index, colors in ((UNIFORM, uniform_colors()), (JET, jet_colors())):
            self.choose(self.ui.colorMapComboBox, index)
            expected = 255 * colors[round(0.9 * 255)]
            distance = np.abs(self.red() - expected).max(axis=-1)
            self.assertGreater((distance < 12).sum(), 100)

    def test_the_disagreement_has_its_own_colour(self) -> None:
        self.ui.overlayOpacitySlider.value = 1.0
        self.choose(self.ui.overlayComboBox, 1)
        pixels = self.red().astype(int)
        magenta = (pixels[..., 0] > 200) & (pixels[..., 2] > 200) & (pixels[..., 1] < 150)
        self.assertGreater(magenta.sum(), 100)
        self.assertFalse(self.ui.colorMapComboBox.enabled)
        self.assertTrue(self.ui.colorMapComboBox.toolTip)

    def test_3d_views_show_surfaces_a_volume_rendering_or_nothing(self) -> None:
        pictures = {}
        for index in (SURFACES, NOTHING, VOLUME):
            self.choose(self.ui.threeDComboBox, index)
            self.process_events(0.5)
            pictures[index] = self.three_d_pixels().astype(int)
        for index in (SURFACES, VOLUME):
            changed = np.abs(pictures[index] - pictures[NOTHING]).max(axis=-1) > 20
            self.assertGreater(changed.mean(), 0.005, index)
        both = np.abs(pictures[SURFACES] - pictures[VOLUME]).max(axis=-1) > 20
        self.assertGreater(both.mean(), 0.005)

    def test_lungs_get_more_or_less_transparent(self) -> None:
        pictures = []
        for opacity in (0.0, 1.0):
            self.ui.lungsOpacitySlider.value = opacity
            self.process_events(0.3)
            pictures.append(self.three_d_pixels().astype(int))
        self.assertGreater((np.abs(pictures[0] - pictures[1]).max(axis=-1) > 20).mean(), 0.05)

    def test_what_is_changed_in_slicers_own_controls_is_read_back(self) -> None:
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            node.SetForegroundOpacity(0.3)
        self.wait_until(lambda: abs(self.ui.overlayOpacitySlider.value - 0.3) < 1e-6)
        self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.3)
        display = self.shown.probabilityNode.GetDisplayNode()
        display.SetThreshold(0.5, 1.0)
        self.wait_until(lambda: abs(self.ui.visibleFromSlider.value - 0.5) < 1e-6)
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            node.SetForegroundVolumeID(None)
        self.wait_until(lambda: not self.ui.overlayCheckBox.checked)

    def test_settings_come_back_with_a_saved_scene(self) -> None:
        self.ui.overlayOpacitySlider.value = 0.8
        self.ui.visibleFromSlider.value = 0.4
        self.choose(self.ui.colorMapComboBox, UNIFORM)
        self.choose(self.ui.threeDComboBox, NOTHING)
        path = f"{slicer.app.temporaryPath}/display.mrb"
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear(False)
        self.process_events(0.3)
        self.assertFalse(self.ui.displaySection.visible)
        slicer.util.loadScene(path)
        self.process_events(0.5)
        self.assertTrue(self.ui.displaySection.visible)
        self.assertEqual(self.ui.colorMapComboBox.currentIndex, UNIFORM)
        self.assertEqual(self.ui.threeDComboBox.currentIndex, NOTHING)
        self.assertAlmostEqual(self.ui.visibleFromSlider.value, 0.4)
        self.assertAlmostEqual(self.ui.overlayOpacitySlider.value, 0.8)

    def test_nothing_of_another_ct_stays_in_the_views(self) -> None:
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        self.shown.segmentationNode.GetDisplayNode().SetVisibility2D(True)
        other = volume_to_node(known_results.phantom(seed=5).volume, "Other")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(other)
        self.process_events(0.5)
        self.assertEqual(coloured(self.red()).sum(), 0)
        self.assertFalse(self.ui.resultsSection.visible)
        bare = self.three_d_pixels()
        self.ui.ctSelector.setCurrentNode(self.ct)
        self.process_events(0.5)
        self.assertGreater(coloured(self.red()).sum(), 100)
        self.assertGreater(np.any(self.three_d_pixels() != bare, axis=-1).mean(), 0.005)

    def test_the_legend_has_small_letters_and_exact_ticks(self) -> None:
        legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(self.shown.probabilityNode)
        self.assertTrue(legend.GetVisibility())
        self.assertEqual(legend.GetNumberOfLabels(), 5)
        before = self.red()
        legend.SetVisibility(False)
        after = self.red()
        drawn = np.any(before != after, axis=-1)
        rows, columns = drawn.any(axis=1), drawn.any(axis=0)
        self.assertTrue(drawn.any())
        self.assertLess(np.ptp(np.flatnonzero(rows)) / len(rows), 0.45)
        self.assertLess(np.ptp(np.flatnonzero(columns)) / len(columns), 0.45)
