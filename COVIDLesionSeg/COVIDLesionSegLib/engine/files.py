"""Small files, written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .errors import OutputError, full_disk


def write_bytes(data: bytes, path: Path) -> None:
    """Write ``data`` to ``path``, replacing an earlier file in one step.

    Raises:
        OutputError: The file cannot be written; an earlier one is untouched.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError | None) -> OutputError:
    """The error to raise where ``path`` cannot be written: which disk is full, or what else it is.

    Args:
        path: The file or folder that was to be written; it need not exist.
        error: What the system said, or None if it said nothing.
    """
    name = os.fsencode(path.name).decode("utf-8", "replace")
    full = full_disk(error, path)
    if full is not None:
        return OutputError(f"{name} cannot be written: {full}")
    why = f": {error.strerror}" if error is not None and error.strerror else ""
    return OutputError(
        f"{name} cannot be written{why}; check that the folder exists, its permissions and the "
        "free disk space."
    )
