"""All that a worker has started, also what left its group or lost its parent, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK_VARIABLE = "COVIDLESIONSEG_JOB"
"""Environment variable that a worker and all it starts inherit; its value is one job's."""
_PROC = Path("/proc")
_ROUNDS = 4
"""A process may start another while it is being ended."""


def end_tree(root: int | None, mark: str) -> None:
    """End a worker and everything it started, at once; returns without waiting.

    Args:
        root: Process id of the worker; None once it has ended.
        mark: Value of :data:`MARK_VARIABLE` in its environment.
    """
    if sys.platform == "win32":
        if root is not None:
            subprocess.Popen(
                ["taskkill", "/F", "/T", "/PID", str(root)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
            )
        return
    for _ in range(_ROUNDS):
        found = members(root, mark)
        if not found:
            return
        for pid in found:
            with suppress(OSError):  # it has ended by itself
                os.kill(pid, signal.SIGKILL)


def members(root: int | None, mark: str) -> set[int]:
    """Process ids of a worker's tree that have not ended; see :func:`end_tree`."""
    processes = list(_processes(mark))
    children: dict[int, list[int]] = {}
    for pid, parent, _ in processes:
        children.setdefault(parent, []).append(pid)
    found = {pid for pid, _, marked in processes if marked}
    if root is not None and any(pid == root for pid, *_ in processes):
        found.add(root)
    waiting = list(found)
    while waiting:
        new = set(children.get(waiting.pop(), [])) - found
        found |= new
        waiting += new
    return found - {os.getpid()}


def _processes(mark: str) -> Iterator[tuple[int, int, bool]]:
    """Process id, parent's id, and whether it bears the mark, of all that have not ended."""
    if not (_PROC / "self" / "stat").exists():
        yield from _listed_processes()
        return
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            # The name in brackets may hold anything.
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state in (b"Z", b"X"):
                continue
            marked = False
            with suppress(OSError):
                marked = wanted in (entry / "environ").read_bytes().split(b"\0")
            yield int(entry.name), int(parent), marked


def _listed_processes() -> Iterator[tuple[int, int, bool]]:
    listed = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,state="], capture_output=True, text=True, check=False
    ).stdout
    for line in listed.splitlines():
        pid, parent, state = line.split()[:3]
        if not state.startswith("Z"):
            yield int(pid), int(parent), False
