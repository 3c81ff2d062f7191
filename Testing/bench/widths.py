"""The width that a panel asks for."""

from __future__ import annotations

from PySide6 import QtWidgets


def hinted_widths(panel: QtWidgets.QWidget) -> tuple[int, int]:
    """The width that the panel would like, and the least it asks for, in pixels."""
    widget = QtWidgets.QWidget
    return widget.sizeHint(panel).width(), widget.minimumSizeHint(panel).width()
