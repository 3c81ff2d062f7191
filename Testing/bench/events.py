"""Turns of the Qt event loop."""

from __future__ import annotations

from PySide6 import QtCore

WAIT_MS = 20


def process_events() -> None:
    """Handle what has happened so far.

    Not ``QCoreApplication.processEvents``: that of PySide6 6.12 releases ``None`` once too often,
    which ends Python 3.11 after some thousand calls.
    """
    QtCore.QEventLoop().processEvents()


def wait_for_events() -> None:
    """Handle what happens within the next ``WAIT_MS``."""
    loop = QtCore.QEventLoop()
    timer = QtCore.QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(loop.quit)
    timer.start(WAIT_MS)
    loop.exec()
