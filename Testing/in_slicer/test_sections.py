"""Every section fits a panel of 380 pixels, in a light and in a dark palette."""

from __future__ import annotations

import qt
import sections
import slicer


class SectionsTest(sections.Sections):
    def test_in_a_light_palette(self) -> None:
        self.look("light")

    def test_in_a_dark_palette(self) -> None:
        usual = qt.QPalette(slicer.app.palette())
        slicer.app.setPalette(_dark())
        self.addCleanup(slicer.app.setPalette, usual)
        self.process_events(sections.SETTLE_SECONDS)
        self.look("dark")

    def test_in_slicers_own_styles_and_after_a_switch_between_them(self) -> None:
        style, palette = slicer.app.style().objectName, qt.QPalette(slicer.app.palette())
        self.addCleanup(slicer.app.setPalette, palette)
        self.addCleanup(slicer.app.setStyle, style)
        for name in ("Light Slicer", "Dark Slicer"):
            new = qt.QStyleFactory.create(name)
            slicer.app.setStyle(new)
            slicer.app.setPalette(new.standardPalette())
            self.process_events(sections.SETTLE_SECONDS)
            self.look(name.replace(" ", "-").lower())


def _dark() -> qt.QPalette:
    palette = qt.QPalette()
    for role, color in (
        (qt.QPalette.Window, "#353535"),
        (qt.QPalette.WindowText, "#ffffff"),
        (qt.QPalette.Base, "#232323"),
        (qt.QPalette.AlternateBase, "#353535"),
        (qt.QPalette.ToolTipBase, "#ffffff"),
        (qt.QPalette.ToolTipText, "#000000"),
        (qt.QPalette.Text, "#ffffff"),
        (qt.QPalette.Button, "#353535"),
        (qt.QPalette.ButtonText, "#ffffff"),
        (qt.QPalette.Highlight, "#2a82da"),
        (qt.QPalette.HighlightedText, "#000000"),
        (qt.QPalette.Link, "#7fb8ff"),
    ):
        palette.setColor(role, qt.QColor(color))
    for role in (qt.QPalette.WindowText, qt.QPalette.Text, qt.QPalette.ButtonText):
        palette.setColor(qt.QPalette.Disabled, role, qt.QColor("#7f7f7f"))
    return palette
