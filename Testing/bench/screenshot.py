"""How a panel looks: pictures as PNG files, and the width it asks for."""

from __future__ import annotations

from pathlib import Path

from PySide6 import QtWidgets

from .events import process_events


def save_screenshot(panel: QtWidgets.QWidget, path: Path, width: int = 420) -> Path:
    """Save the panel as it looks now, as tall as its contents ask for.

    Args:
        panel: A module's outermost widget.
        path: A PNG file.
        width: In pixels, about that of Slicer's module panel.
    """
    QtWidgets.QWidget.show(panel)
    process_events()
    panel.resize(width, QtWidgets.QWidget.sizeHint(panel).height())
    layout = QtWidgets.QWidget.layout(panel)
    if layout is not None and layout.hasHeightForWidth():
        panel.resize(width, layout.heightForWidth(width))
    process_events()
    QtWidgets.QWidget.grab(panel).save(str(path), "PNG")
    return path


def hinted_widths(panel: QtWidgets.QWidget) -> tuple[int, int]:
    """The width that the panel would like, and the least it asks for, in pixels."""
    widget = QtWidgets.QWidget
    return widget.sizeHint(panel).width(), widget.minimumSizeHint(panel).width()
