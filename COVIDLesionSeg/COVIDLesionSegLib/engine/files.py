"""Files and folders that are written whole or not at all, and what to say where they cannot be."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError, full_disk


def output_path(out: Path | str) -> Path:
    """Where a job's output goes: absolute, and the target where it is a link.

    Renaming something to it replaces no link, and another working folder does not move it.

    Raises:
        OutputError: It is no usable path.
    """
    try:
        path = Path(out).expanduser().resolve()
        str(path).encode("utf-8")  # MRML and ITK write no others
    except UnicodeEncodeError as error:
        raise OutputError(
            "The path of the output folder holds characters that are not UTF-8: choose another "
            "folder."
        ) from error
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{out} is not a usable path: name another.") from error
    return path


@contextmanager
def atomic_path(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """Give a hidden path beside ``path`` to write to; it replaces ``path`` if all goes well.

    Args:
        path: The file to be; its folder exists. An earlier file is replaced in one step.
        suffix: Ending of the hidden path, for writers that choose a format by it; that of ``path``
            by default.

    Raises:
        OutputError: The system cannot write; an earlier file is untouched.
    """
    ending = path.suffix if suffix is None else suffix
    temporary = path.with_name(f".partial-{uuid.uuid4().hex}{ending}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``folder`` to write into; it becomes ``folder`` if all goes well.

    Args:
        folder: Absent or empty, in a folder that exists.

    Raises:
        OutputError: The folder holds something, or the system cannot write; it is as it was.
    """
    staging = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(
                f"The folder {folder.name} exists already and is not empty: choose a new one."
            )
        staging.mkdir()
        yield staging
        if folder.exists():
            folder.rmdir()  # empty; Windows renames onto nothing
        os.replace(staging, folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_bytes(data: bytes, path: Path, flush: bool = False) -> None:
    """Write ``data`` to ``path``, replacing an earlier file in one step.

    Args:
        data: What the file is to hold.
        path: The file.
        flush: Wait until the disk holds it, so that it survives a power failure, too.

    Raises:
        OutputError: The file cannot be written; an earlier one is untouched.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
        if flush:
            flush_file(temporary)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def flush_file(path: Path) -> None:
    """Wait until the disk holds the file; raises OSError where it cannot."""
    # Windows flushes only what is open for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


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
