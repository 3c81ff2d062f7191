"""Ends this process when the one that asked for its work has died: no orphan, no patient's CT left.

Watching the parent's process id rather than a pipe works through Slicer's launcher, too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .request import remove_request

INTERVAL_SECONDS = 1.0
REMOVAL_ATTEMPTS, REMOVAL_INTERVAL_SECONDS = 20, 0.1
"""More than one: another thread may be writing into the folder meanwhile."""
ORPHANED = 130


def end_with(parent: int, private_folder: Path) -> ParentWatch:
    """From now on, once process ``parent`` is gone, remove the job's files and end at once.

    Args:
        parent: Process id.
        private_folder: Folder of a request; what is not part of the job stays in it.
    """

    def end() -> None:
        for _ in range(REMOVAL_ATTEMPTS):
            remove_request(private_folder)
            if not private_folder.exists():
                break
            time.sleep(REMOVAL_INTERVAL_SECONDS)
        os._exit(ORPHANED)

    return when_gone(parent, end)


def when_gone(parent: int, act: Callable[[], None]) -> ParentWatch:
    """Act once process ``parent`` is gone, in a thread."""
    watch = ParentWatch(parent, act)
    watch.start()
    return watch


class ParentWatch(threading.Thread):
    """Waits for the end of a process.

    Attributes:
        orphaned: Set once that process is gone, before anything is done about it.
    """

    def __init__(self, parent: int, act: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="parent-watch")
        self._parent = parent
        self._act = act
        self.orphaned = threading.Event()

    def run(self) -> None:
        while _is_alive(self._parent):
            time.sleep(INTERVAL_SECONDS)
        self.orphaned.set()
        self._act()

    def act_if_gone(self) -> None:
        """Wait until it was acted, if that process is gone by now: a job may end before a look."""
        if not _is_alive(self._parent):
            self.join()


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended, and who started it has not asked how; told on Linux only."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"  # its name may hold anything


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    synchronize, still_running = 0x00100000, 0x00000102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == still_running)
    finally:
        kernel.CloseHandle(handle)
