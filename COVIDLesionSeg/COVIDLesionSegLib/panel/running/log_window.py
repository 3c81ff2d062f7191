"""The log of a background process that failed: a button that shows it in a window of its own."""

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


class LogButton:
    """A button that shows the log of the last run; there is none where that left no log.

    Attributes:
        log: What the last run left, see :attr:`.run.Run.kept_log`.
        window: The window that was opened last, or None.
    """

    def __init__(self, button: qt.QPushButton) -> None:
        self.log: Path | None = None
        self.window: LogWindow | None = None
        self._button = button
        button.connect("clicked()", self._on_clicked)

    def show(self, idle: bool) -> None:
        """Bring the button in line with the log; while something runs there is none."""
        self._button.visible = idle and self.log is not None

    def close(self) -> None:
        """Close the window, too."""
        if self.window is not None:
            self.window.close()

    def _on_clicked(self) -> None:
        if self.log is not None:
            self.window = LogWindow(self.log)
            self.window.show()
