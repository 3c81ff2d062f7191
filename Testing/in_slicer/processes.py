"""Ends an application with everything it started, and finds what outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = "IN_SLICER_MARK"
"""Environment variable that every process of one suite inherits."""
GRACE_SECONDS = 5.0
"""Background processes look for their parent once a second."""


def kill_tree(process: subprocess.Popen) -> None:
    """End ``process`` and its descendants, those in sessions of their own too."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
        )
    else:
        kill([process.pid, *_descendants(process.pid)])
    process.wait()


def kill(pids: object) -> None:
    """End the processes with these ids."""
    for pid in pids:  # type: ignore[attr-defined]
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def left_alive(mark: str) -> dict[int, str]:
    """Processes that still bear the mark after a moment, with their command lines; Linux only."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _marked(mark: str) -> dict[int, str]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                found[int(folder.name)] = b" ".join(words).decode(errors="replace").strip()
        except OSError:  # ended meanwhile, or somebody else's
            continue
    # One that has ended but was not waited for has no command line.
    return {pid: command for pid, command in found.items() if command}


def _descendants(pid: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
    ).stdout
    parents = dict(tuple(map(int, line.split())) for line in listing.splitlines())
    found, level = [], [pid]
    while level := [child for child, parent in parents.items() if parent in level]:
        found += level
    return found
