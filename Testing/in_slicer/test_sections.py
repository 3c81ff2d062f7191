"""Every section fits a panel of 380 pixels, in a light and in a dark palette.

``run.py --out FOLDER test_sections`` keeps a picture of each.
"""

from __future__ import annotations

from typing import Any

import case
import known_results
import pictures
import qt
import slicer

PANEL_WIDTH = 380
SETTLE_SECONDS = 0.3


class SectionsTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        window = slicer.util.mainWindow()
        window.showNormal()
        window.resize(1440, 1000)
        dock = slicer.util.findChild(window, "PanelDockWidget")
        dock.setFixedWidth(PANEL_WIDTH)
        self.addCleanup(dock.setMaximumWidth, 16777215)
        from COVIDLesionSegLib.engine.flags import Flag
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        chest = known_results.phantom()
        ct = volume_to_node(chest.volume, "Thorax 1.0 B60f, 5 mm, without contrast agent " * 3)
        self.process_events(SETTLE_SECONDS)
        self.ui.ctSelector.setCurrentNode(ct)
        flags = (Flag("long", "A quality flag of many words. " * 12, slices=(7, 2)),)
        result = known_results.known_result(chest, ensemble=True, flags=flags)
        known_results.show(self.panel, ct, result)
        self.process_events(SETTLE_SECONDS)

    def test_in_a_light_palette(self) -> None:
        self.look("light")

    def test_in_a_dark_palette(self) -> None:
        usual = qt.QPalette(slicer.app.palette())
        slicer.app.setPalette(_dark())
        self.addCleanup(slicer.app.setPalette, usual)
        self.process_events(SETTLE_SECONDS)
        self.look("dark")

    def test_in_slicers_own_styles_and_after_a_switch_between_them(self) -> None:
        style, palette = slicer.app.style().objectName, qt.QPalette(slicer.app.palette())
        self.addCleanup(slicer.app.setPalette, palette)
        self.addCleanup(slicer.app.setStyle, style)
        for name in ("Light Slicer", "Dark Slicer"):
            new = qt.QStyleFactory.create(name)
            slicer.app.setStyle(new)
            slicer.app.setPalette(new.standardPalette())
            self.process_events(SETTLE_SECONDS)
            self.look(name.replace(" ", "-").lower())

    def look(self, palette: str) -> None:
        width = next(one.root.width for one in self.panel.sections if one.root.visible)
        self.assertLess(width, PANEL_WIDTH)
        for section in self.panel.sections:
            root = section.root
            if not root.visible:
                continue
            foldable = root.inherits("ctkCollapsibleButton")
            was_collapsed = foldable and root.collapsed
            if foldable:
                root.collapsed = False
            self.process_events(SETTLE_SECONDS)
            pictures.save(root.grab(), f"{section.UI_FILE.lower()}-{palette}")
            parts = root.findChildren("ctkCollapsibleButton")
            for part in parts:
                part.collapsed = False
            self.process_events(SETTLE_SECONDS)
            if parts:
                pictures.save(root.grab(), f"{section.UI_FILE.lower()}-{palette}-unfolded")
            with self.subTest(section=section.UI_FILE, palette=palette):
                self.assertLessEqual(root.minimumSizeHint.width(), width, _widest(root))
                self.assertLessEqual(root.width, width, _widest(root))
                self.assertEqual(_cut_off(root), [])
                self.assertEqual(_gaps(root), [])
                if section.UI_FILE == "Results":
                    self.assertEqual(_cut_choices(root), [])
            for part in parts:
                part.collapsed = True
            if foldable:
                root.collapsed = was_collapsed


def _cut_off(root: Any) -> list[str]:
    """Buttons, labels and check boxes of one line that are narrower than their text."""
    found = []
    for kind in ("QPushButton", "QCheckBox", "QRadioButton", "QLabel"):
        for widget in root.findChildren(kind):
            if not widget.isVisibleTo(root) or not widget.text:
                continue
            if kind == "QLabel" and (widget.wordWrap or widget.sizePolicy.horizontalPolicy() == 13):
                continue
            if widget.width < qt.QFontMetrics(widget.font).width(widget.text.replace("&", "")):
                found.append(f"{widget.name}: {widget.text}")
    return found


def _gaps(root: Any) -> list[str]:
    """Folded parts that leave room below their button."""
    parts = [one for one in root.findChildren("ctkCollapsibleButton") if one.collapsed]
    return [f"{one.name}: {one.collapsedHeight}" for one in parts if one.collapsedHeight]


def _cut_choices(root: Any) -> list[str]:
    """Items of lists that are wider than the list that shows them."""
    found = []
    for box in root.findChildren("QComboBox"):
        if not box.isVisibleTo(root):
            continue
        room = box.width - 40  # the arrow and the frame
        for index in range(box.count):
            if qt.QFontMetrics(box.font).width(box.itemText(index)) > room:
                found.append(f"{box.name}: {box.itemText(index)}")
    return found


def _widest(root: Any) -> str:
    """What asks for most width, for people who have to find it."""
    children = [one for one in root.findChildren("QWidget") if one.isVisibleTo(root)]
    widths = sorted(((one.minimumSizeHint.width(), one.name) for one in children), reverse=True)
    return f"{root.minimumSizeHint.width()} of which {widths[:6]}"


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
