"""Turns of the Qt event loop."""

from __future__ import annotations

import ctypes
import sys

from PySide6 import QtCore

WAIT_MS = 20


def keep_constants_alive() -> None:
    """Give ``None``, ``True`` and ``False`` references that PySide6 may lose.

    PySide6 6.12 releases what such a call returns once too often, which ends Python 3.11 after some
    ten thousand calls. From Python 3.12 on these three live for ever.
    """
    if sys.version_info < (3, 12):
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += 10**9


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
