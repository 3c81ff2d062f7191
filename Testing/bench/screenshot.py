"""How a panel looks: pictures as PNG files, and the width it asks for."""

from __future__ import annotations

from pathlib import Path

from PySide6 import QtCore, QtWidgets

from .events import process_events

_MARGIN = 20
"""Below the lowest widget, in pixels."""


def save_screenshot(panel: QtWidgets.QWidget, path: Path, width: int = 420) -> Path:
    """Save the panel as it looks now, from its top to its lowest widget.

    Args:
        panel: A module's outermost widget.
        path: A PNG file.
        width: In pixels, about that of Slicer's module panel.
    """
    widget = QtWidgets.QWidget
    widget.show(panel)
    process_events()
    # Far more than it needs: the spacer at its end takes the rest.
    panel.resize(width, 2 * widget.sizeHint(panel).height())
    process_events()
    process_events()  # lines that wrap settle in a second turn
    leaves = [child for child in panel.findChildren(widget) if not child.findChildren(widget)]
    ends = [_bottom(leaf, panel) for leaf in leaves if leaf.isVisible()]
    widget.grab(panel, QtCore.QRect(0, 0, width, max(ends) + _MARGIN)).save(str(path), "PNG")
    return path


def _bottom(widget: QtWidgets.QWidget, panel: QtWidgets.QWidget) -> int:
    corner = QtCore.QPoint(0, QtWidgets.QWidget.height(widget))
    return QtWidgets.QWidget.mapTo(widget, panel, corner).y()


def hinted_widths(panel: QtWidgets.QWidget) -> tuple[int, int]:
    """The width that the panel would like, and the least it asks for, in pixels."""
    widget = QtWidgets.QWidget
    return widget.sizeHint(panel).width(), widget.minimumSizeHint(panel).width()
