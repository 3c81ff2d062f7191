"""Files that one program at a time may hold, whatever else runs on this computer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from .files import cannot_write

FOLDER_LOCK = ".covid-lesion-seg.lock"
"""In a folder to which runs add: held by the one that does."""


def take_lock(path: Path) -> BinaryIO | None:
    """A file that this program holds alone until it closes it; None where another holds it.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from error
    if _lock(file):
        return file
    file.close()
    return None


def _lock(file: BinaryIO) -> bool:
    """Whether nobody else holds the lock; also True on file systems that know no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
