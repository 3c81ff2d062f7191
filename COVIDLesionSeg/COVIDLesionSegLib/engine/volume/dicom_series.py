"""Finds the image series in a DICOM folder and chooses one, from headers alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from ..errors import InputError, SeveralSeriesError
from .quiet_dicom import quiet_dicom

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_DIRECTORY = "1.2.840.10008.1.3.10"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Objects with rows and columns that describe a scan and are none: segmentations, dose grids.
_DERIVED = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.481")

_KEYWORDS = [
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "SeriesNumber",
    "AcquisitionNumber",
    "ConvolutionKernel",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
]

_LARGEST_NUMBER = 1e6
"""No position, size or rescale value of a CT is larger; what is comes from a damaged header."""

_PREAMBLE = 128
_MARK = b"DICM"
DICOM_ENDINGS = {".dcm", ".dicom", ".ima"}
_ENDINGS_OF_UNFINISHED_COPIES = {".part", ".partial", ".crdownload", ".filepart"}
# JPEG, PNG, ZIP, ELF and Windows programs, SQLite: thumbnails and viewers that discs come with.
_OTHER_KINDS = (b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04", b"\x7fELF", b"MZ", b"SQLite format")


@dataclass(frozen=True)
class Slice:
    """One image file and the header values that are needed to read it.

    Attributes:
        path: The file.
        name: For messages; names of DICOM files and folders often hold the patient's.
        header: Values without pixels; of patient data the PatientID alone, which is compared and
            never shown.
    """

    path: Path
    name: str
    header: pydicom.Dataset

    def has(self, keyword: str) -> bool:
        """Whether the element is there and not empty."""
        return bool(self.text(keyword))

    def text(self, keyword: str) -> str:
        """One value as text on one line, empty if it is absent or malformed."""
        return _text(self.header, keyword)

    def numbers(self, keyword: str, count: int) -> npt.NDArray[np.float64]:
        """``count`` decimal numbers of one element.

        Raises:
            InputError: The element is absent, malformed, or beyond anything a CT has.
        """
        try:
            values = np.atleast_1d(np.asarray(_value(self.header, keyword), dtype=float))
        except (TypeError, ValueError):
            values = np.empty(0)
        # NaN and infinity fail the comparison too.
        if values.size != count or not (np.abs(values) <= _LARGEST_NUMBER).all():
            raise InputError(f"{self.name} lacks a valid {keyword}; export the series again.")
        return values

    def number(self, keyword: str) -> float:
        """One decimal number; raises as :meth:`numbers` does."""
        return float(self.numbers(keyword, 1)[0])


def is_dicom_file(path: Path) -> bool:
    """Whether a file begins as DICOM does.

    That is with preamble and mark (PS3.10), or at once with group 2 or 8, as old exports do.
    """
    with path.open("rb") as file:
        start = file.read(_PREAMBLE + len(_MARK))
    return start[_PREAMBLE:] == _MARK or _begins_with_elements(start)


def find_series(source: Path | tuple[Path, ...], recursive: bool = True) -> dict[str, list[Slice]]:
    """Every image series, by SeriesInstanceUID, without localizers.

    Args:
        source: A folder, or these files alone.
        recursive: Whether to search the folder's subfolders.

    Raises:
        InputError: There are no such images, or there is a damaged or empty file among them.
    """
    images, error = read_images(source, recursive)
    if error is not None:
        raise error
    series: dict[str, list[Slice]] = {}
    for image in without_localizers(images):
        series.setdefault(image.text("SeriesInstanceUID"), []).append(image)
    if not series:
        only = "only localizer images" if images else "no DICOM images"
        raise InputError(f"{_called(source)} holds {only}; {_instead(source)}")
    return series


def _called(source: Path | tuple[Path, ...]) -> str:
    return f"The folder {source.name}" if isinstance(source, Path) else "The folder"


def _instead(source: Path | tuple[Path, ...]) -> str:
    """What to do where a folder holds no series."""
    if isinstance(source, Path):
        names = sorted(path.name for path in source.iterdir() if path.is_file())
        if "report.json" in names and "segmentation.seg.nrrd" in names:
            return "it is the result of a CT: choose the CT itself."
        images = [name for name in names if name.lower().endswith((".nii", ".nii.gz"))]
        if images:
            return f"choose a file in it, such as {images[0]}."
    return "choose the folder of a chest CT series."


def read_images(
    source: Path | tuple[Path, ...], recursive: bool = True
) -> tuple[list[Slice], InputError | None]:
    """Every image of a scan that can be read, also localizers, and what is wrong with another.

    Files of other kinds, DICOMDIR and hidden files are ignored. A file that could be a slice and
    is damaged or empty is not ignored: without it a series would be read short.

    Args:
        source: A folder, or these files alone.
        recursive: Whether to search the folder's subfolders.

    Returns:
        The images, and the error of the first file that cannot be read, or None.
    """
    images: list[Slice] = []
    others: list[tuple[Path, str]] = []
    errors: list[InputError] = []
    try:
        files = source if isinstance(source, tuple) else visible_files(source, recursive)
    except InputError as error:
        return [], error
    for number, path in enumerate(files, start=1):
        if path.name.upper() == "DICOMDIR":
            continue
        name = f"File {number} of {len(files)} (by name)"
        try:
            if not is_dicom_file(path):
                others.append((path, name))
            elif (found := _read_slice(path, name)) is not None:
                images.append(found)
        except InputError as error:
            errors.append(error)
        except OSError:
            what = "check its permissions, or the file that it links to"
            errors.append(InputError(f"{name} cannot be opened; {what}."))
    return images, errors[0] if errors else _lost_slices(others, images)


def without_localizers(slices: list[Slice]) -> list[Slice]:
    """The slices but overview images, which some scanners store in the series itself."""
    return [slice_ for slice_ in slices if "LOCALIZER" not in slice_.text("ImageType").upper()]


def describe_series(slices: list[Slice]) -> str:
    """Modality, series number and number of slices, for choosing.

    The description is left out: it is free text, and may name the patient.
    """
    count = f"{len(slices)} slice{'' if len(slices) == 1 else 's'}"
    first = slices[0]
    number = first.text("SeriesNumber")
    parts = (first.text("Modality"), number and f"series {number}", count)
    return ", ".join(part for part in parts if part)


def choose_series(path: Path | tuple[Path, ...], wanted: str | None = None) -> list[Slice]:
    """The slices of one series, in no particular order.

    Args:
        path: A folder, searched with all its subfolders; one file of a series, which stands for
            all files of that series beside it; or files, which are all that is read.
        wanted: SeriesInstanceUID, or a beginning of it that no other series shares.

    Raises:
        InputError: There is no such series, or a file is damaged.
        SeveralSeriesError: More than one series, and ``wanted`` does not choose one.
    """
    if isinstance(path, tuple) or path.is_dir():
        series = find_series(path)
    else:
        found = _read_slice(path, "The file")
        if found is None:
            raise InputError("The file is not an image of a scan; choose a slice of a CT.")
        uid = found.text("SeriesInstanceUID")
        if wanted is not None and not uid.startswith(wanted):
            raise InputError(f"The file does not belong to series {wanted}; give its folder.")
        wanted, series = uid, find_series(path.parent, recursive=False)
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
        f"The folder holds {len(matches)} series; choose one by its SeriesInstanceUID: {listing}.",
        listed,
    )


def visible_files(folder: Path, recursive: bool = True) -> list[Path]:
    """All files but hidden ones, sorted; links are followed, also broken ones.

    Raises:
        InputError: A folder cannot be opened.
    """

    def refuse(error: OSError) -> None:
        raise InputError(
            "A folder of the series cannot be opened; check its permissions."
        ) from error

    files: list[Path] = []
    seen = set()
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [n for n in folders if recursive and n[0] != "." and real not in seen]
        files += [Path(place, n) for n in names if n[0] != "." and real not in seen]
        seen.add(real)
    return sorted(path for path in files if path.is_file() or path.is_symlink())


def _read_slice(path: Path, name: str) -> Slice | None:
    """Header of an image of a scan; None for reports, plans, screenshots and DICOMDIR."""
    damaged = f"{name} is a damaged DICOM file; copy the series again."
    try:
        with quiet_dicom():
            header = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=_KEYWORDS, force=True
            )
    except Exception as error:  # a damaged header makes pydicom raise almost anything
        raise InputError(damaged) from error
    if _text(header.file_meta, "MediaStorageSOPClassUID") == _DIRECTORY:
        return None
    image = Slice(path, name, header)
    kind = image.text("SOPClassUID")
    if "SeriesInstanceUID" not in header:
        raise InputError(damaged)
    if "Rows" not in header:
        if not kind or kind == CT_IMAGE or kind.startswith(_SECONDARY_CAPTURE):
            raise InputError(damaged)  # an image that was cut before its size
        return None
    screenshot = kind.startswith(_SECONDARY_CAPTURE) and "ImagePositionPatient" not in header
    return None if kind.startswith(_DERIVED) or screenshot else image


def _value(dataset: pydicom.Dataset, keyword: str) -> Any:
    """The value as pydicom converts it; None if it is absent or cannot be converted."""
    try:
        with quiet_dicom():
            return dataset[keyword].value
    except Exception:  # pydicom raises almost anything at malformed values
        return None


def _text(dataset: pydicom.Dataset, keyword: str) -> str:
    value = _value(dataset, keyword)
    return "" if value is None else " ".join(str(value).split())


def _begins_with_elements(start: bytes) -> bool:
    """Whether the first element is a plausible one of group 2 or 8, little endian."""
    if len(start) < 8 or start[:2] not in (b"\x02\x00", b"\x08\x00") or start[3] != 0:
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return explicit or int.from_bytes(start[4:8], "little") <= _PREAMBLE


def _lost_slices(others: list[tuple[Path, str]], images: list[Slice]) -> InputError | None:
    """What to say of files that are no DICOM but were probably meant as slices.

    An interrupted copy leaves empty files, files of zeros, and files cut before the mark.
    """
    endings = DICOM_ENDINGS | {_ending(image.path) for image in images} - {""}
    folders = {image.path.parent for image in images}
    lost = [name for path, name in others if _could_be_slice(path, endings, path.parent in folders)]
    if not lost:
        return None
    more = f" and {len(lost) - 1} other files are" if len(lost) > 1 else " is"
    return InputError(
        f"{lost[0]}{more} empty, damaged or no DICOM, so slices may be lost; copy the series "
        "again, or move what does not belong to it out of the folder."
    )


def _could_be_slice(path: Path, endings: set[str], among_images: bool) -> bool:
    ending = _ending(path)
    if ending in endings:
        return True
    if ending and ending not in _ENDINGS_OF_UNFINISHED_COPIES:
        return False
    with path.open("rb") as file:
        start = file.read(_PREAMBLE + len(_MARK))
    if not start.strip(b"\0"):
        return True
    # Text holds no zero bytes; what is left of a DICOM header does.
    return among_images and b"\0" in start and not start.startswith(_OTHER_KINDS)


def _ending(path: Path) -> str:
    """Ending of the file name, in small letters; empty for numbers, as of IM.0001 and of a UID."""
    return path.suffix.lower().rstrip("0123456789").rstrip(".")
