"""Answers the dialogs that a test expects, and closes and reports all others."""

from __future__ import annotations

import re
from typing import Any

import qt
import slicer

INTERVAL_MS = 100


class Dialogs:
    """Looks for a modal dialog from a timer, which lives in the dialog's own event loop, too.

    Attributes:
        seen: The text of every dialog so far.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._unexpected: list[str] = []
        self._answers: list[tuple[str, str]] = []
        self._answered: Any = None
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.connect("timeout()", self._look)
        self._timer.start()

    def answer(self, pattern: str, button: str) -> None:
        """Press ``button`` (its text) in the next dialog whose text matches ``pattern``."""
        self._answers.append((pattern, button))

    def stop(self) -> list[str]:
        """Stop looking; the texts of dialogs that no one expected, and of those that never came."""
        self._timer.stop()
        never = [f"never came: {pattern!r}" for pattern, _ in self._answers]
        return self._unexpected + never

    def _look(self) -> None:
        dialog = slicer.app.activeModalWidget()
        if dialog is None or dialog.inherits("QProgressDialog"):
            return
        text = _text_of(dialog)
        self.seen.append(text)
        for answer in self._answers:
            pattern, button = answer
            if re.search(pattern, text, re.DOTALL):
                self._answers.remove(answer)
                if not _press(dialog, button):
                    self._unexpected.append(f"no button {button!r} in {text!r}")
                    dialog.close()
                return
        self._unexpected.append(text)
        dialog.close()


def _text_of(dialog: Any) -> str:
    """Title and all labels of a dialog."""
    texts = [dialog.windowTitle]
    for label in dialog.findChildren("QLabel"):
        texts.append(re.sub("<[^>]+>", "", label.text))
    return " | ".join(filter(None, texts))


def _press(dialog: Any, text: str) -> bool:
    for button in dialog.findChildren("QPushButton"):
        if button.text.replace("&", "") == text:
            button.click()
            return True
    return False
