"""What the headers of a DICOM series say of patient and day; none of it is ever written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ..errors import InputError
from ..volume.dicom_series import choose_series
from ..volume.quiet_dicom import quiet_dicom

_DATES = ("AcquisitionDate", "SeriesDate", "StudyDate")
"""The first that is there counts."""


@dataclass(frozen=True)
class DicomFacts:
    """Facts for comparing two series, which must not leave the process.

    Attributes:
        patient: Digest of the PatientID; None where there is none.
        day: When it was acquired; None where that is not stated.
    """

    patient: str | None
    day: date | None


def dicom_facts(path: Path, series: str | None = None) -> DicomFacts:
    """Patient and day of a DICOM series.

    Args:
        path: Folder or file, see :func:`~..volume.dicom_series.choose_series`.
        series: SeriesInstanceUID or a unique beginning of it.

    Raises:
        InputError: The series cannot be read.
    """
    texts = _texts(path, series, ("PatientID", *_DATES))
    patient = texts["PatientID"]
    days = [day for name in _DATES if (day := _date(texts[name])) is not None]
    return DicomFacts(
        hashlib.sha256(patient.encode()).hexdigest() if patient else None,
        days[0] if days else None,
    )


def patient_id(path: Path) -> str:
    """The PatientID of a DICOM series, or "" where it has none; it must not leave the process.

    Raises as :func:`dicom_facts` does.
    """
    return _texts(path, None, ("PatientID",))["PatientID"]


def _texts(path: Path, series: str | None, names: Sequence[str]) -> dict[str, str]:
    import pydicom

    file = min(one.path for one in choose_series(path, series))
    try:
        with quiet_dicom():
            header = pydicom.dcmread(
                file, stop_before_pixels=True, specific_tags=[*names], force=True
            )
            return {name: str(header.get(name, "")).strip() for name in names}
    except Exception as error:  # a damaged header makes pydicom raise almost anything
        raise InputError("The DICOM series is damaged; copy it again.") from error


def _date(text: str) -> date | None:
    """DICOM writes ``YYYYMMDD``."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
