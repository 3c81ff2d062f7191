"""The folder of downloaded weights: each under its checksum, so that it cannot be mistaken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DownloadError, OutputError
from ..files import cannot_write
from ..locks import take_lock
from .user_models import user_folder

_WEIGHTS, _PARTIAL = ".safetensors", ".part"
_LOCKS_FOLDER = ".locks"


def downloads_folder() -> Path:
    """A folder inside that of the user's own models."""
    return user_folder() / "downloads"


def downloaded_weights(sha256: str) -> Path:
    """Where the weights with this checksum are, once they were downloaded."""
    return downloads_folder() / f"{sha256}{_WEIGHTS}"


def partial_download(sha256: str) -> Path:
    """Where the same weights are while they are downloaded, and after that was interrupted."""
    return downloads_folder() / f"{sha256}{_PARTIAL}"


@contextmanager
def download_lock(sha256: str) -> Iterator[None]:
    """Held while these weights are downloaded, so that no other program writes the same file.

    The system lets go of it when the program ends, however.

    Raises:
        DownloadError: Another program is downloading them.
        OutputError: The folder of downloads cannot be written.
    """
    # The file stays: one that is removed while another program opens it would lock nothing.
    locks = downloads_folder() / _LOCKS_FOLDER
    _make_folder(locks)
    file = take_lock(locks / sha256)
    if file is None:
        raise DownloadError(
            "These weights are being downloaded by another Slicer or command: wait until that has "
            "finished or cancel it there, then try again."
        )
    with file:
        yield


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def downloads_size() -> int:
    """Bytes of all downloads, the interrupted ones as well."""
    return sum(path.stat().st_size for path in _files())


def empty_downloads() -> None:
    """Remove all downloads; files of any other kind stay.

    Raises:
        DownloadError: Another program is downloading something; those weights stay.
        OutputError: A file could not be removed.
    """
    for path in _files():
        try:
            with download_lock(path.stem):
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
