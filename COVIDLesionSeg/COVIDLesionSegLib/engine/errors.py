"""What can go wrong, each said in one sentence that names the problem and the way out."""

from __future__ import annotations

import errno
import os
from pathlib import Path


class CovidLesionSegError(Exception):
    """Base of every error this package raises on purpose.

    ``str(error)`` is one clear sentence for a person: what is wrong and what to do.

    Attributes:
        option: Name of the job's option that mends it, if there is one: each surface has its own
            way to set it.
    """

    def __init__(self, message: str = "", *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class InputError(CovidLesionSegError):
    """The CT cannot be read, is not a chest CT in HU, or is damaged."""


class SeveralSeriesError(InputError):
    """A DICOM folder holds more than one series, and none was chosen."""

    def __init__(self, message: str, series: dict[str, str] | None = None):
        """``series`` maps each SeriesInstanceUID to its modality, number and size.

        None of it is free text, which could name the patient. It is not told by a process to
        another.
        """
        super().__init__(message, option="series")
        self.series = series or {}


class LungsNotFoundError(InputError):
    """No lungs were found in the CT."""


class UnreadableCaseError(InputError):
    """A reviewed case may be whole, but cannot be read now, or not by this version."""


class ParameterError(CovidLesionSegError):
    """A parameter has a value outside its allowed set or range."""


class ModelError(CovidLesionSegError):
    """A model is unknown, or its weights are absent, damaged, or not what the catalogue says."""


class DeviceError(CovidLesionSegError):
    """The requested compute device is absent or ran out of memory with no smaller step left."""


class TrainingError(CovidLesionSegError):
    """A training went wrong: its numbers are no longer numbers."""


class OutputError(CovidLesionSegError):
    """A result cannot be written where it was asked for."""


class CorrectedError(OutputError):
    """A result would be replaced that a person corrected since it was written."""


class DownloadError(CovidLesionSegError):
    """A file could not be downloaded, or is not the one that was expected."""


class DependencyError(CovidLesionSegError):
    """A Python package or system library that this step needs is not installed."""


class Cancelled(CovidLesionSegError):
    """The user cancelled. The message says what is left, where a job leaves anything."""

    def __init__(self, message: str = "Cancelled."):
        super().__init__(message)


def full_disk(error: BaseException | None, path: Path | None = None) -> str | None:
    """``the disk at PLACE is full`` and what to do, or None if ``error`` says something else.

    PLACE is where the disk is mounted: that tells the disk, and holds no patient's name.

    Args:
        error: Anything that was raised.
        path: What was to be written, if that is known; by default what the error names.
    """
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    if path is None and not isinstance(error.filename, str):
        return "a disk is full; free disk space for the results and for temporary files."
    folder = Path(path or error.filename).expanduser().resolve().parent
    while not os.path.ismount(folder) and folder != folder.parent:
        folder = folder.parent
    return (
        f"the disk at {folder} is full; free disk space there, or choose a place on another disk."
    )


def in_one_sentence(error: BaseException) -> str:
    """What a person is told about any error, on one line.

    Of an error that this package did not raise only the type is told: its text may hold a path,
    and so a patient's name.
    """
    if isinstance(error, CovidLesionSegError):
        text = str(error)
    elif isinstance(error, ImportError):
        package = error.name or "A Python package"
        text = f"{package} cannot be loaded: install or repair it, then try again."
    elif (full := full_disk(error)) is not None:
        text = full[0].upper() + full[1:]
    elif isinstance(error, MemoryError):
        text = (
            "Memory ran out: close other programs, crop the CT to the chest, or lower the batch "
            "size."
        )
    else:
        text = (
            f"Something unexpected went wrong ({type(error).__name__}): report it with the "
            "traceback."
        )
    # Names of files and fields of headers can hold bytes that a terminal obeys, or cannot show.
    shown = "".join(c if c.isprintable() or c.isspace() else "?" for c in text)
    return " ".join(shown.split())
