"""The documentation's pictures, made from the real window: ``make screenshots``.

Every section of the panel at 380 pixels, in a light and a dark palette, and the whole window.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import case
import qt
import slicer

TIMEOUT_SECONDS = 1800
PANEL_WIDTH = 380
WINDOW_SIZE = (1440, 960)
MARGIN = 8


class Screenshots(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        self.out = Path(os.environ["IN_SLICER_OUT"])
        window = slicer.util.mainWindow()
        window.showNormal()
        window.resize(*WINDOW_SIZE)
        slicer.util.findChild(window, "PanelDockWidget").setFixedWidth(PANEL_WIDTH)
        self.process_events(0.5)

    def test_screenshots(self) -> None:
        self.click(self.ui.sampleButton)
        self.wait_until(lambda: self.ui.applyButton.enabled, 300, "No sample CT was loaded")
        self.grab_window("window-start")
        self.apply()
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.show_slice_with_most_lesion()
        self.process_events(2)
        self.grab_window("window")
        for section in self.panel.sections:
            self.grab_section(section, "")
        usual = slicer.app.palette()
        slicer.app.setPalette(_dark_palette())
        self.addCleanup(slicer.app.setPalette, usual)
        self.process_events(0.5)
        for section in self.panel.sections:
            self.grab_section(section, "-dark")

    def show_slice_with_most_lesion(self) -> None:
        slices = self.panel.result.severity.slices
        most = max(slices, key=lambda one: one.lesion_mm2)
        slicer.vtkMRMLSliceNode.JumpAllSlices(
            slicer.mrmlScene, 0, 0, most.position_mm, slicer.vtkMRMLSliceNode.CenteredJumpSlice
        )

    def grab_window(self, name: str) -> None:
        self.process_events(0.5)
        window = slicer.util.mainWindow()
        # Views draw with OpenGL, which only a grab of the screen holds.
        picture = slicer.app.primaryScreen().grabWindow(window.winId())
        self.save(picture, name)

    def grab_section(self, section, suffix: str) -> None:
        root = section.root
        if not root.visible:
            return
        was_collapsed = root.collapsed
        root.collapsed = False
        self.process_events(0.5)
        for name in ("Advanced", "advancedCollapsibleButton"):
            advanced = slicer.util.findChildren(root, name)
            for one in advanced:
                one.collapsed = False
        self.process_events(0.5)
        self.assertLessEqual(
            root.minimumSizeHint.width(), PANEL_WIDTH, f"{section.UI_FILE} is too wide"
        )
        self.save(root.grab(), f"section-{section.UI_FILE.lower()}{suffix}")
        root.collapsed = was_collapsed

    def save(self, picture, name: str) -> None:
        self.assertTrue(picture.save(str(self.out / f"{name}.png")), name)
        time.sleep(0.01)


def _dark_palette() -> qt.QPalette:
    palette = qt.QPalette()
    colors = {
        qt.QPalette.Window: "#353535",
        qt.QPalette.WindowText: "#ffffff",
        qt.QPalette.Base: "#232323",
        qt.QPalette.AlternateBase: "#353535",
        qt.QPalette.ToolTipBase: "#ffffff",
        qt.QPalette.ToolTipText: "#000000",
        qt.QPalette.Text: "#ffffff",
        qt.QPalette.Button: "#353535",
        qt.QPalette.ButtonText: "#ffffff",
        qt.QPalette.BrightText: "#ff0000",
        qt.QPalette.Highlight: "#2a82da",
        qt.QPalette.HighlightedText: "#000000",
    }
    for role, color in colors.items():
        palette.setColor(role, qt.QColor(color))
    return palette
