"""One program at a time reviews a case."""

from __future__ import annotations

from pathlib import Path

from ..errors import OutputError
from ..locks import take_lock
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
