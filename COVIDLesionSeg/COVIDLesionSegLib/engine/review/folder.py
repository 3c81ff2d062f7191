"""Where reviewed cases are kept, and the key that groups the cases of one patient."""

from __future__ import annotations

import hashlib
import os
import secrets
import uuid
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from ..files import cannot_write, write_bytes

REVIEWS_FOLDER_VARIABLE = "COVIDLESIONSEG_REVIEWS"
KEY_LENGTH = 32
"""Hexadecimal digits of the id of a case and of the key of a patient."""
_SALT_FILE = ".salt"
_SALT_BYTES = 32


def reviews_folder() -> Path:
    """``$COVIDLESIONSEG_REVIEWS``, or a folder in the user's home."""
    chosen = os.environ.get(REVIEWS_FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "reviews"


def make_folder(folder: Path) -> None:
    """Make a folder that only the user can read, if it is missing.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder of reviewed cases cannot be made: {error.strerror}; check the permissions "
            "of the folder above it."
        ) from error


def patient_key(patient_id: str, folder: Path | None = None) -> str:
    """A key that is the same for all cases of a patient in this folder, and says nothing else.

    It is a hash of the DICOM PatientID and of random bytes that the folder keeps, so the keys of
    two folders cannot be compared. Who has the folder and guesses a PatientID can check the guess.

    Args:
        patient_id: As in the DICOM files; leading and trailing spaces do not count.
        folder: Of the reviewed cases; :func:`reviews_folder` by default.

    Raises:
        OutputError: The folder cannot be read or written.
    """
    salt = _salt(folder or reviews_folder())
    digest = hashlib.blake2b(patient_id.strip().encode(), key=salt, digest_size=KEY_LENGTH // 2)
    return digest.hexdigest()


def _salt(folder: Path) -> bytes:
    make_folder(folder)
    path = folder / _SALT_FILE
    try:
        if not path.exists():
            # Linked, not renamed: of two programs that begin at once, the first one's is kept.
            new = folder / f".partial-{uuid.uuid4().hex}"
            write_bytes(secrets.token_bytes(_SALT_BYTES), new, flush=True)
            try:
                os.link(new, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                os.replace(new, path)
            with suppress(FileNotFoundError):
                new.unlink()
        return path.read_bytes()
    except OSError as error:
        raise cannot_write(path, error) from error
