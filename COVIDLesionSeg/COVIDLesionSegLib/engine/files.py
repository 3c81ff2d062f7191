"""Small files, written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .errors import OutputError


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
        raise OutputError(f"{path.name} cannot be written: {error.strerror}.") from error
