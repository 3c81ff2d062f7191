"""What a CT series says that other DICOM objects repeat: whose it is, and where its slices lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import validate_value

from ..errors import InputError
from .dicom import in_order
from .dicom_series import Slice, choose_series, is_dicom_file
from .quiet_dicom import quiet_dicom
from .reading import readable

_IDENTITY = ("PatientName", "PatientID")
# Type 2 of the modules Patient and General Study (PS3.3 C.7.1.1, C.7.2.1): they may be empty.
_MAY_BE_EMPTY = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_SAME_IN_ALL = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_UIDS = ("SOPClassUID", "SOPInstanceUID", *_SAME_IN_ALL)
_PLACE = (
    ("ImagePositionPatient", 3),
    ("ImageOrientationPatient", 6),
    ("PixelSpacing", 2),
)
_READ = [
    *_IDENTITY,
    *_MAY_BE_EMPTY,
    *_UIDS,
    *(keyword for keyword, _ in _PLACE),
    "Rows",
    "Columns",
    "SliceThickness",
    "Modality",
]
_SEXES = ("M", "F", "O", "")


def read_source_headers(
    path: Path | tuple[Path, ...], series: str | None = None
) -> tuple[pydicom.Dataset, ...]:
    """What derived objects need of each slice, and nothing else, in the order of the volume.

    They hold the patient's identity: the elements that DICOM demands of every object of a study.
    Of those that may be empty, a value against the standard is left out.

    Args:
        path, series: See :func:`~.dicom.read_dicom`.

    Returns:
        One dataset for each slice along k, in UTF-8; ``SpacingBetweenSlices`` is measured between
        the positions of the slices.

    Raises:
        InputError: It is no DICOM series, or lacks what derived objects must state.
        SeveralSeriesError: More than one series, and ``series`` does not choose one.
    """
    if not isinstance(path, tuple):
        path = readable(path)
        if not path.is_dir() and not is_dicom_file(path):
            raise InputError(
                f"{path.name} is not DICOM, so its results cannot be written as DICOM; give the "
                "DICOM series, or leave DICOM out.",
                option="dicom",
            )
    slices = [_with_all_elements(item) for item in in_order(choose_series(path, series))]
    headers = [_header(item) for item in slices]
    for keyword in ("PatientID", *_SAME_IN_ALL):
        if len({header[keyword].value for header in headers}) > 1:
            raise InputError(
                f"The slices of the series differ in {keyword}, so no DICOM objects can refer to "
                "them; export the series again, or leave DICOM out."
            )
    if len({header.SOPInstanceUID for header in headers}) < len(headers):
        raise InputError(
            "Several slices of the series have the same SOPInstanceUID, so no DICOM objects can "
            "refer to them; export the series again, or leave DICOM out."
        )
    _add_spacing(headers, slices)
    return tuple(headers)


def _with_all_elements(item: Slice) -> Slice:
    try:
        with quiet_dicom():
            header = pydicom.dcmread(
                item.path, stop_before_pixels=True, specific_tags=_READ, force=True
            )
    except Exception as error:  # a damaged header makes pydicom raise almost anything
        raise InputError(f"{item.name} is a damaged DICOM file; copy the series again.") from error
    return Slice(item.path, item.name, header)


def _header(item: Slice) -> pydicom.Dataset:
    header = pydicom.Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (*_IDENTITY, *_UIDS):
        value = _valid_value(item, keyword)
        if value is None or (keyword in _UIDS and not value):
            raise InputError(
                f"{item.name} lacks a valid {keyword}, which DICOM objects must repeat; export the "
                "series again, or leave DICOM out."
            )
        setattr(header, keyword, value)
    for keyword in _MAY_BE_EMPTY:
        setattr(header, keyword, _valid_value(item, keyword) or "")
    if header.PatientSex not in _SEXES:
        header.PatientSex = ""
    for keyword, count in _PLACE:
        item.numbers(keyword, count)
        header[keyword] = item.header[keyword]
    header.Rows, header.Columns = int(item.number("Rows")), int(item.number("Columns"))
    header.Modality = item.text("Modality")
    return header


def _valid_value(item: Slice, keyword: str) -> str | None:
    """The value as text, empty where it is absent; None where it is against the standard."""
    if keyword not in item.header:
        return ""
    try:
        with quiet_dicom():
            element = item.header[keyword]
            text = str(element.value or "").strip()
            validate_value(dictionary_VR(keyword), text, RAISE)
    except Exception:  # pydicom raises almost anything at malformed values
        return None
    return text if element.VM < 2 else None


def _add_spacing(headers: list[pydicom.Dataset], slices: list[Slice]) -> None:
    positions = np.array([item.numbers("ImagePositionPatient", 3) for item in slices])
    gaps = max(len(positions) - 1, 1)
    spacing = round(float(np.linalg.norm(positions[-1] - positions[0])) / gaps, 6)
    for header, item in zip(headers, slices, strict=True):
        header.SpacingBetweenSlices = spacing
        # It may be empty in a CT, but not here.
        stated = item.has("SliceThickness") and item.number("SliceThickness") > 0
        header.SliceThickness = item.number("SliceThickness") if stated else spacing
