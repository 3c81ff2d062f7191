"""One program at a time reviews a case."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from ..files import cannot_write
from .folder import make_folder, reviews_folder

_LOCKS_FOLDER = ".locks"


class CaseLock:
    """Held while a case is under review; the system lets go of it when the program ends, however.

    Two Slicers could otherwise overwrite each other's corrections. Readers need no lock: what they
    read is always complete.
    """

    def __init__(self, case: str, folder: Path | None = None) -> None:
        """Take the lock.

        Args:
            case: Id of the case, which need not be saved yet.
            folder: Of the reviewed cases; :func:`.reviews_folder` by default.

        Raises:
            OutputError: Another program holds it, or the folder cannot be written.
        """
        locks = (folder or reviews_folder()) / _LOCKS_FOLDER
        make_folder(locks)
        path = locks / case
        file = take_lock(path)
        if file is None:
            raise OutputError(
                "This case is under review in another Slicer window: finish there, or close that "
                "window, then try again."
            )
        self._file = file

    def release(self) -> None:
        """Let another program review the case."""
        self._file.close()


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
