"""Finds the image series in a DICOM folder and chooses one, from headers alone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from ..errors import InputError, SeveralSeriesError

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_DIRECTORY = "1.2.840.10008.1.3.10"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Objects with rows and columns that describe a scan and are none: segmentations, dose grids.
_DERIVED = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.481")

_KEYWORDS = [
    "ImageType",
    "SOPClassUID",
    "Modality",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SamplesPerPixel",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
]


@dataclass(frozen=True)
class Slice:
    """One image file and those header values that decide about it.

    Attributes:
        path: The file.
        name: For messages; names of DICOM files and folders often hold the patient's.
        header: Values without pixels and without patient data.
    """

    path: Path
    name: str
    header: pydicom.Dataset

    def text(self, keyword: str) -> str:
        """One value as text on one line, empty if it is absent."""
        value = self.header.get(keyword)
        return "" if value is None else " ".join(str(value).split())

    def numbers(self, keyword: str, count: int) -> np.ndarray:
        """``count`` decimal numbers of one element.

        Raises:
            InputError: The element is absent or malformed.
        """
        try:
            values = np.atleast_1d(np.asarray(self.header[keyword].value, dtype=float))
        except (KeyError, TypeError, ValueError):
            values = np.empty(0)
        if values.size != count or not np.isfinite(values).all():
            raise InputError(f"{self.name} lacks a valid {keyword}; export the series again.")
        return values


def find_series(folder: Path, recursive: bool = True) -> dict[str, list[Slice]]:
    """Every image series in a folder, by SeriesInstanceUID, localizers left out.

    Files of other kinds, DICOMDIR and hidden files are ignored; a damaged ``.dcm`` file is not.

    Raises:
        InputError: The folder holds no DICOM images, or a damaged one.
    """
    series: dict[str, list[Slice]] = {}
    localizers = 0
    entries = sorted(folder.rglob("*") if recursive else folder.glob("*"))
    files = [path for path in entries if not path.name.startswith(".") and path.is_file()]
    for number, path in enumerate(files, start=1):
        found = _read_slice(path, f"File {number} of {len(files)} (by name)")
        if found is None:
            continue
        if "LOCALIZER" in (found.header.get("ImageType") or ()):
            localizers += 1
            continue
        series.setdefault(found.text("SeriesInstanceUID"), []).append(found)
    if not series:
        only = "only localizer images" if localizers else "no DICOM images"
        raise InputError(f"The folder holds {only}; choose the folder of a chest CT series.")
    return series


def describe_series(slices: list[Slice]) -> str:
    """Modality, series number and number of slices, for choosing.

    The description is left out: it is free text, and may name the patient.
    """
    count = f"{len(slices)} slice{'' if len(slices) == 1 else 's'}"
    first = slices[0]
    number = first.text("SeriesNumber")
    parts = (first.text("Modality"), number and f"series {number}", count)
    return ", ".join(part for part in parts if part)


def choose_series(path: Path, wanted: str | None = None) -> list[Slice]:
    """The slices of one series, in no particular order.

    Args:
        path: A folder, searched with all its subfolders, or one file of a series, which stands
            for all files of that series beside it.
        wanted: SeriesInstanceUID, or a beginning of it that no other series shares.

    Raises:
        InputError: There is no such series, or a file is damaged.
        SeveralSeriesError: More than one series, and ``wanted`` does not choose one.
    """
    if not path.is_dir():
        found = _read_slice(path, "The file")
        if found is None:
            raise InputError("The file is not an image of a scan; choose a slice of a CT.")
        uid = found.text("SeriesInstanceUID")
        if wanted is not None and not uid.startswith(wanted):
            raise InputError(f"The file does not belong to series {wanted}; give its folder.")
        path, wanted, series = path.parent, uid, find_series(path.parent, recursive=False)
    else:
        series = find_series(path)
    matches = [uid for uid in series if wanted is None or uid.startswith(wanted)]
    if wanted in series:
        matches = [wanted]
    if len(matches) == 1:
        return series[matches[0]]
    listed = {uid: describe_series(series[uid]) for uid in matches or series}
    listing = "; ".join(f"{uid} ({text})" for uid, text in listed.items())
    if not matches:
        raise InputError(f"The folder holds no CT series {wanted}; choose one of: {listing}.")
    raise SeveralSeriesError(
        f"The folder holds {len(matches)} series, choose one with --series UID: {listing}.", listed
    )


def _read_slice(path: Path, name: str) -> Slice | None:
    """Header of an image of a scan; None for reports, plans, screenshots and other files."""
    damaged = f"{name} is a damaged DICOM file; copy the series again."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_KEYWORDS)
    except InvalidDicomError as error:
        if path.suffix.lower() == ".dcm":
            raise InputError(damaged) from error
        return None
    except OSError as error:
        raise InputError(f"{name} cannot be opened; check its permissions.") from error
    except Exception as error:  # a damaged header makes pydicom raise almost anything
        raise InputError(damaged) from error
    if header.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
        return None
    kind = str(header.get("SOPClassUID", ""))
    if "SeriesInstanceUID" not in header or (kind == CT_IMAGE and "Rows" not in header):
        raise InputError(damaged)
    screenshot = kind.startswith(_SECONDARY_CAPTURE) and "ImagePositionPatient" not in header
    if "Rows" not in header or kind.startswith(_DERIVED) or screenshot:
        return None
    return Slice(path, name, header)
