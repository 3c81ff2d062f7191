"""Reads one CT series from a DICOM folder, or says why it is not one complete regular stack."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..text import share_text
from .checks import MINIMUM_SLICES, check_size
from .dicom_pixels import read_hu, rescale_of, shape_of
from .dicom_series import CT_IMAGE, Slice, choose_series
from .slice_stack import slice_order, stack_geometry
from .volume import Volume

_MUST_AGREE = (
    ("ImageOrientationPatient", 6, 1e-3, "orientation"),
    ("PixelSpacing", 2, 1e-4, "pixel size"),
    ("Rows", 1, 0, "height"),
    ("Columns", 1, 0, "width"),
)
_ONE_IN_A_SERIES = (
    ("PatientID", "patients"),
    ("StudyInstanceUID", "studies"),
    ("FrameOfReferenceUID", "coordinate systems"),
)
"""Badly anonymised or merged CTs may have the SeriesInstanceUID in common all the same."""

_PIXEL_MM = (0.01, 50.0)
"""Smallest and largest plausible distance of pixels."""

_MINIMUM_SIDE = 3
"""Fewest rows and columns of a slice."""

_HU_TYPES = ("", "HU", "HU_MOD", "US")
"""RescaleType of CT numbers (PS3.3 C.11.1.1.2); scanners write US, unspecified, for HU too."""

_SMALLEST_SLOPE = 1e-5
"""RescaleSlope below makes all stored values the same HU."""

_CONSTANT_END = 0.25
"""Share of a slice's pixels that end in one value, beyond the median slice, that is odd."""


def read_dicom(path: Path | tuple[Path, ...], series: str | None = None) -> Volume:
    """One CT series in HU, sorted by position along the slice normal; not yet checked as a chest.

    Args:
        path: Folder, file or files, see :func:`choose_series`.
        series: SeriesInstanceUID or a unique beginning of it.

    Returns:
        Volume with shape (slices, rows, columns); its warnings name slices that look odd.

    Raises:
        InputError: No series, not a CT, or slices that are damaged, missing, doubled, mixed,
            unevenly spaced or sheared, or whose HU cannot be known.
        SeveralSeriesError: More than one series, and ``series`` does not choose one.
    """
    slices = choose_series(path, series)
    _check_kind(slices)
    for item in slices:
        _check_header(item)
    _check_alike(slices)
    first = slices[0]
    orientation = first.numbers("ImageOrientationPatient", 6)
    slices = in_order(slices)
    positions = np.array([item.numbers("ImagePositionPatient", 3) for item in slices])
    rows, columns = shape_of(first)
    check_size((columns, rows, len(slices)))
    pixel_spacing = first.numbers("PixelSpacing", 2)
    geometry = stack_geometry(
        positions, orientation, (pixel_spacing[0], pixel_spacing[1]), rows, columns
    )
    array = np.stack([read_hu(item) for item in slices])
    odd = (
        *_rescaled_unlike(slices),
        *_interleaved(slices),
        *_constant_ends(array, [item.name for item in slices]),
    )
    return Volume(array, geometry, {"format": "DICOM", "modality": "CT"}, odd)


def in_order(slices: list[Slice]) -> list[Slice]:
    """The slices of one series, by position along their normal: as in the array of a volume.

    Raises:
        InputError: A slice lacks its position or orientation.
    """
    orientation = slices[0].numbers("ImageOrientationPatient", 6)
    positions = np.array([item.numbers("ImagePositionPatient", 3) for item in slices])
    return [slices[n] for n in slice_order(positions, orientation)]


def _check_kind(slices: list[Slice]) -> None:
    """Refuse series that are not single-frame grey CT images."""
    modalities = {item.text("Modality") or "of unknown modality" for item in slices}
    if modalities != {"CT"}:
        raise InputError(
            f"The series is {' and '.join(sorted(modalities))}, not CT; choose a chest CT series."
        )
    if any(_is_multi_frame(item) for item in slices):
        raise InputError(
            "The series is an enhanced (multi-frame) CT, which is not read here; load it in "
            "Slicer, or export it as single-frame CT images."
        )
    if len(slices) < MINIMUM_SLICES:
        raise InputError(
            f"The series has only {len(slices)} slice{'' if len(slices) == 1 else 's'}, but at "
            f"least {MINIMUM_SLICES} are needed; choose the full chest series."
        )
    if any(item.number("SamplesPerPixel") != 1 for item in slices):
        raise InputError("The series holds colour images, not HU; choose a chest CT series.")
    unscaled = [item.name for item in slices if not _can_be_hounsfield(item)]
    if unscaled:
        first = "" if len(unscaled) == len(slices) else f" (first: {unscaled[0]})"
        raise InputError(
            f"{len(unscaled)} of {len(slices)} slices hold unsigned data without rescale slope "
            f"and intercept{first}, so their HU are unknown; export the series again with both."
        )


def _is_multi_frame(item: Slice) -> bool:
    return item.text("SOPClassUID").startswith(f"{CT_IMAGE}.") or (
        item.has("NumberOfFrames") and item.number("NumberOfFrames") > 1
    )


def _can_be_hounsfield(item: Slice) -> bool:
    """Unsigned pixels are no HU by themselves; signed ones can be, and their values are checked."""
    rescaled = item.has("RescaleIntercept") and item.has("RescaleSlope")
    return rescaled or item.text("PixelRepresentation") == "1"


def _check_header(item: Slice) -> None:
    """Refuse a slice whose header cannot be true, or does not say how to get HU."""
    rows, columns = shape_of(item)
    if min(rows, columns) < _MINIMUM_SIDE:
        raise InputError(
            f"{item.name} is an image of {columns} x {rows} pixels, too small for a CT; export "
            "the series again."
        )
    low, high = _PIXEL_MM
    spacing = item.numbers("PixelSpacing", 2)
    if not ((spacing >= low) & (spacing <= high)).all():
        raise InputError(
            f"{item.name} has pixels of {spacing[1]:g} x {spacing[0]:g} mm (PixelSpacing), which "
            "cannot be; export the series again."
        )
    allocated, stored, signed = (
        item.number(name) for name in ("BitsAllocated", "BitsStored", "PixelRepresentation")
    )
    high_bit = item.number("HighBit") if item.has("HighBit") else stored - 1
    regular = allocated in (8, 16, 32) and 1 <= stored <= allocated and high_bit == stored - 1
    if not regular or stored != int(stored) or signed not in (0, 1):
        raise InputError(
            f"{item.name} stores its pixels in a form that is not read here ({stored:g} of "
            f"{allocated:g} bits, highest bit {high_bit:g}); export the series again."
        )
    slope, intercept = rescale_of(item)
    complete = item.has("RescaleSlope") == item.has("RescaleIntercept")
    if not complete and (slope, intercept) != (1, 0):
        raise InputError(
            f"{item.name} has only one of rescale slope and intercept, so its HU are unknown; "
            "export the series again with both."
        )
    if abs(slope) < _SMALLEST_SLOPE:
        raise InputError(
            f"{item.name} has a RescaleSlope of {slope:g}, so its HU are lost; export the series "
            "again."
        )
    kind = item.text("RescaleType").upper()
    if kind not in _HU_TYPES or item.has("ModalityLUTSequence"):
        what = f"of type {kind}" if kind not in _HU_TYPES else "that need a look-up table"
        raise InputError(f"{item.name} holds values {what}, not HU; choose a series in HU.")


def _check_alike(slices: list[Slice]) -> None:
    """Refuse slices of different CTs, sizes or orientations, and name one that differs."""
    for keyword, what in _ONE_IN_A_SERIES:
        stated = [(item.text(keyword), item.name) for item in slices if item.has(keyword)]
        counts = Counter(value for value, _ in stated)
        if len(counts) > 1:
            common, _ = counts.most_common(1)[0]
            other = next(name for value, name in stated if value != common)
            raise InputError(
                f"The series holds slices of {len(counts)} {what} ({other} differs from most); "
                "separate them into folders first."
            )
    for keyword, count, tolerance, what in _MUST_AGREE:
        values = np.array([item.numbers(keyword, count) for item in slices])
        if np.ptp(values, axis=0).max() > tolerance:
            raise InputError(
                f"The series mixes slices of different {what} ({_most_unlike(slices, values)} "
                "differs from most); separate them into series first."
            )


def _most_unlike(slices: list[Slice], values: npt.NDArray[np.float64]) -> str:
    """Name of the slice whose values, shape (slices, n), are furthest from the median."""
    distances = np.abs(values - np.median(values, axis=0)).max(axis=1)
    return slices[int(distances.argmax())].name


def _interleaved(slices: list[Slice]) -> tuple[str, ...]:
    """A warning where slices of several acquisitions alternate, such as phases of contrast.

    Acquisitions one above the other, as of a scan in steps, are one CT.

    Args:
        slices: In order along their normal.
    """
    numbers = [item.text("AcquisitionNumber") for item in slices]
    runs = sum(1 for _ in groupby(numbers))
    if runs == len(set(numbers)):
        return ()
    return (
        f"Slices of {len(set(numbers))} acquisitions alternate in the series: check that it is "
        "one CT, and not two phases or scans in one.",
    )


def _rescaled_unlike(slices: list[Slice]) -> tuple[str, ...]:
    """A warning where slices have rescale values of their own: allowed, but rare in CT."""
    values = np.array([rescale_of(item) for item in slices])
    if np.ptp(values, axis=0).max() == 0:
        return ()
    return (
        "The slices have different rescale slopes or intercepts "
        f"({_most_unlike(slices, values)} differs from most): check that their HU agree.",
    )


def _constant_ends(array: npt.NDArray[Any], names: list[str]) -> tuple[str, ...]:
    """A warning of slices that end in one value, as where a copy filled up what it did not get.

    DICOM has no checksum. Padding and air around the patient end most slices of a series alike.
    """
    backwards = array.reshape(len(array), -1)[:, ::-1]
    changes = backwards != backwards[:, :1]
    constant = np.where(changes.any(axis=1), changes.argmax(axis=1) / changes.shape[1], 1.0)
    found = np.flatnonzero(constant > np.median(constant) + _CONSTANT_END)
    if found.size == 0:
        return ()
    more = f", as do {found.size - 1} more slices" if found.size > 1 else ""
    return (
        f"{names[found[0]]} holds one and the same value in the last "
        f"{share_text(constant[found[0]])} of its pixels, unlike most slices{more}: it may have "
        "been copied incompletely.",
    )
