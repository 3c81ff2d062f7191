"""Which DICOM files a job shall write, looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .options import BatchOptions, SegmentOptions

if TYPE_CHECKING:
    from ..report.dicom_files import DicomOutput


def dicom_output(
    options: SegmentOptions | BatchOptions, ct: Path | tuple[Path, ...], series: str | None
) -> DicomOutput | None:
    """The DICOM files of one CT, or None where none are wanted.

    Raises:
        DependencyError: highdicom is missing.
        InputError: The CT is no DICOM series, or DICOM objects cannot refer to it.
    """
    if not options.dicom:
        return None
    from ..report.dicom_files import DicomOutput

    return DicomOutput.of_series(ct, series, options.dicom_slices)


def require_dicom() -> None:
    """Raise DependencyError where highdicom is missing."""
    from ..report import dicom_files  # noqa: F401
