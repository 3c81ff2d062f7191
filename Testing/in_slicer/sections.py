"""Base class of the suites that look at every section in a panel of 380 pixels."""

from __future__ import annotations

from typing import Any

import case
import known_results
import pictures
import qt
import slicer

PANEL_WIDTH = 380
SETTLE_SECONDS = 0.3


class Sections(case.Case):
    """The panel with a result in every section.

    ``run.py --out FOLDER`` keeps a picture of each.
    """

    def setUp(self) -> None:
        super().setUp()
        self.texts: set[str] = set()
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

    def look(self, name: str) -> None:
        """No section is wider than the panel, and no text is cut off."""
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
            pictures.save(root.grab(), f"{section.UI_FILE.lower()}-{name}")
            parts = root.findChildren("ctkCollapsibleButton")
            for part in parts:
                part.collapsed = False
            self.process_events(SETTLE_SECONDS)
            if parts:
                pictures.save(root.grab(), f"{section.UI_FILE.lower()}-{name}-unfolded")
            self.texts |= _texts(root)
            with self.subTest(section=section.UI_FILE, look=name):
                self.assertLessEqual(root.minimumSizeHint.width(), width, _widest(root))
                self.assertLessEqual(root.width, width, _widest(root))
                self.assertEqual(_cut_off(root), [])
                self.assertEqual(_cut_titles(root), [])
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


def _texts(root: Any) -> set[str]:
    """What labels, buttons and check boxes say, without those of Slicer's Segment Editor."""
    kinds = ("QLabel", "QPushButton", "QToolButton", "QCheckBox", "ctkCollapsibleButton")
    editors = root.findChildren("qMRMLSegmentEditorWidget")
    return {
        widget.text
        for kind in kinds
        for widget in root.findChildren(kind)
        if widget.isVisibleTo(root) and not any(one.isAncestorOf(widget) for one in editors)
    }


def _cut_titles(root: Any) -> list[str]:
    """Titles of columns that are wider than their column."""
    found = []
    for table in root.findChildren("QTableWidget"):
        for column in range(table.columnCount if table.isVisibleTo(root) else 0):
            item = table.horizontalHeaderItem(column)
            lines = item.text().split("\n") if item is not None else ()
            metrics = qt.QFontMetrics(table.horizontalHeader().font)
            if any(metrics.width(line) > table.columnWidth(column) for line in lines):
                found.append(f"{table.name}: {item.text()}")
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
