"""The folder of downloaded weights: each under its checksum, so that it cannot be mistaken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import OutputError
from ..files import cannot_write
from .user_models import user_folder

_WEIGHTS, _PARTIAL = ".safetensors", ".part"


def downloads_folder() -> Path:
    """A folder inside that of the user's own models."""
    return user_folder() / "downloads"


def downloaded_weights(sha256: str) -> Path:
    """Where the weights with this checksum are, once they were downloaded."""
    return downloads_folder() / f"{sha256}{_WEIGHTS}"


def partial_download(sha256: str) -> Path:
    """Where the same weights are while they are downloaded, and after that was interrupted."""
    return downloads_folder() / f"{sha256}{_PARTIAL}"


def make_downloads_folder() -> None:
    """Make the folder if it is missing; raises OutputError if it cannot be made."""
    try:
        downloads_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(downloads_folder(), error) from error


def downloads_size() -> int:
    """Bytes of all downloads, the interrupted ones as well."""
    return sum(path.stat().st_size for path in _files())


def empty_downloads() -> None:
    """Remove all downloads; files of any other kind stay.

    Raises:
        OutputError: A file could not be removed.
    """
    for path in _files():
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"A download could not be removed: {error.strerror}; close what uses it, and try "
                "again."
            ) from error


def _files() -> Iterator[Path]:
    folder = downloads_folder()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in (_WEIGHTS, _PARTIAL) and path.is_file():
            yield path
