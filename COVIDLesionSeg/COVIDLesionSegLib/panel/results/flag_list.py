"""The quality flags of a result, one below the other, each with a button to the slices it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qt
from slicer.i18n import tr as _

from ...engine.flags import Flag

_SIGNS = {"warning": "⚠", "note": "ℹ"}


class FlagList:
    """Fills a widget with a vertical layout, of the ``.ui`` file, with one row for each flag."""

    def __init__(self, container: qt.QWidget, on_go: Callable[[int], None]) -> None:
        """``on_go`` gets the index of the slice that the user wants to see."""
        self._container = container
        self._on_go = on_go
        self._rows: list[_Row] = []

    def show(self, flags: Iterable[Flag]) -> None:
        """Show these flags instead of the present ones."""
        for row in self._rows:
            row.remove()
        self._rows = [_Row(flag, self._on_go) for flag in flags]
        for row in self._rows:
            self._container.layout().addWidget(row.widget)
        self._container.visible = bool(self._rows)

    @property
    def texts(self) -> list[str]:
        """What the rows say."""
        return [str(row.label.text) for row in self._rows]

    @property
    def buttons(self) -> list[Any]:
        """The buttons, in order; flags that name no slice have none."""
        return [row.button for row in self._rows if row.button is not None]


class _Row:
    """One flag; each press of its button goes to the next of its slices."""

    def __init__(self, flag: Flag, on_go: Callable[[int], None]) -> None:
        self._slices = flag.slices
        self._on_go = on_go
        self._next = 0
        self.widget = qt.QWidget()
        row = qt.QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 0, 0)
        self.label = qt.QLabel()
        # Before the text, which makes the height follow the width.
        self.label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        self.label.textFormat = qt.Qt.PlainText  # names of models and segments are not markup
        self.label.wordWrap = True
        self.label.text = f"{_SIGNS.get(flag.level, '')} {flag.message}".strip()
        row.addWidget(self.label, 1)
        self.button: Any = qt.QPushButton() if flag.slices else None
        if self.button is not None:
            self.button.accessibleName = _("Go to slice")
            self.button.connect("clicked()", self._on_clicked)
            row.addWidget(self.button, 0, qt.Qt.AlignTop)
            self._label_button()

    def remove(self) -> None:
        self.widget.hide()
        # It keeps its parent: of a widget without one, PythonQt deletes the object a second time
        # when the button's slot lets go of this row, and the application crashes.
        self.widget.deleteLater()

    def _label_button(self) -> None:
        index = self._slices[self._next]
        self.button.text = _("Go to slice {index}").format(index=index)
        more = len(self._slices) - 1
        self.button.toolTip = (
            _(
                "Show slice {index} in the slice views. The flag names {count} slices: each press "
                "goes to the next."
            ).format(index=index, count=more + 1)
            if more
            else _("Show slice {index} in the slice views.").format(index=index)
        )

    def _on_clicked(self) -> None:
        self._on_go(self._slices[self._next])
        self._next = (self._next + 1) % len(self._slices)
        self._label_button()
