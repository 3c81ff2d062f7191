"""The log of a background process that failed, in a window of its own."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _


class LogWindow:
    """Shows one log; the text can be copied."""

    def __init__(self, log: Path) -> None:
        self._dialog = qt.QDialog()
        self._dialog.objectName = "COVIDLesionSegLog"
        self._dialog.windowTitle = _("Log of the background process")
        layout = qt.QVBoxLayout(self._dialog)
        place = qt.QLabel(str(log))
        place.wordWrap = True
        place.textInteractionFlags = qt.Qt.TextSelectableByMouse
        layout.addWidget(place)
        self.text = qt.QPlainTextEdit()
        self.text.readOnly = True
        self.text.lineWrapMode = qt.QPlainTextEdit.NoWrap
        try:
            self.text.plainText = log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            self.text.plainText = _("The log is not there any more.")
        layout.addWidget(self.text)
        self._dialog.resize(720, 420)

    def show(self) -> None:
        """Show the window, beside whatever else the user does."""
        self._dialog.show()

    def close(self) -> None:
        self._dialog.close()
