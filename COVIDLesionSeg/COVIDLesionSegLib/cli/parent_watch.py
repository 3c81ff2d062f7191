"""Ends this process when the one that asked for its work has died: no orphan, no patient's CT left.

Watching the parent's process id rather than a pipe works through Slicer's launcher, too.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path

INTERVAL_SECONDS = 1.0
ORPHANED = 130


def end_with(parent: int, private_folder: Path) -> None:
    """From now on, once process ``parent`` is gone, remove ``private_folder`` and end at once."""

    def watch() -> None:
        while _is_alive(parent):
            time.sleep(INTERVAL_SECONDS)
        shutil.rmtree(private_folder, ignore_errors=True)
        os._exit(ORPHANED)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    synchronize, still_running = 0x00100000, 0x00000102
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return kernel.WaitForSingleObject(handle, 0) == still_running
    finally:
        kernel.CloseHandle(handle)
