"""Reads one CT series from a DICOM folder, or says why it is not one complete regular stack.

Headers are read with pydicom, which stops before the pixels; pixels with SimpleITK (GDCM), which
decodes compressed ones and applies each slice's rescale slope and intercept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.misc import is_dicom

from ..errors import InputError
from .checks import MINIMUM_SLICES, check_size
from .dicom_series import CT_IMAGE, Slice, choose_series
from .images import itk_path
from .slice_stack import slice_order, stack_geometry
from .volume import Volume

_MUST_AGREE = (
    ("ImageOrientationPatient", 6, 1e-3, "orientation"),
    ("PixelSpacing", 2, 1e-4, "pixel size"),
    ("Rows", 1, 0, "height"),
    ("Columns", 1, 0, "width"),
)


def is_dicom_file(path: Path) -> bool:
    """Whether the file carries the mark of a DICOM file (PS3.10)."""
    return is_dicom(path)


def read_dicom(path: Path, series: str | None = None) -> Volume:
    """One CT series in HU, sorted by position along the slice normal; not yet checked as a chest.

    Args:
        path: Folder or file, see :func:`choose_series`.
        series: SeriesInstanceUID or a unique beginning of it.

    Raises:
        InputError: No series, not a CT, or slices that are damaged, missing, doubled, mixed,
            unevenly spaced or sheared.
        SeveralSeriesError: More than one series, and ``series`` does not choose one.
    """
    slices = choose_series(path, series)
    _check_kind(slices)
    first = slices[0]
    orientation = first.numbers("ImageOrientationPatient", 6)
    positions = np.array([item.numbers("ImagePositionPatient", 3) for item in slices])
    order = slice_order(positions, orientation)
    rows, columns = (int(first.numbers(name, 1)[0]) for name in ("Rows", "Columns"))
    check_size((columns, rows, len(slices)))
    geometry = stack_geometry(
        positions[order], orientation, tuple(first.numbers("PixelSpacing", 2)), rows, columns
    )
    array = np.stack([_read_pixels(slices[n], (rows, columns)) for n in order])
    return Volume(array, geometry, {"format": "DICOM", "modality": "CT"})


def _check_kind(slices: list[Slice]) -> None:
    """Refuse series that are not single-frame grey CT slices of one size and orientation."""
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
    for keyword, count, tolerance, what in _MUST_AGREE:
        values = np.array([item.numbers(keyword, count) for item in slices])
        if np.ptp(values, axis=0).max() > tolerance:
            raise InputError(
                f"The series mixes slices of different {what}; separate them into series first."
            )
    if any(item.numbers("SamplesPerPixel", 1)[0] != 1 for item in slices):
        raise InputError("The series holds colour images, not HU; choose a chest CT series.")
    unscaled = sum(not _can_be_hounsfield(item) for item in slices)
    if unscaled:
        raise InputError(
            f"{unscaled} of {len(slices)} slices hold unsigned data without rescale slope and "
            "intercept, so their HU are unknown; export the series again with both."
        )


def _is_multi_frame(item: Slice) -> bool:
    return item.text("SOPClassUID").startswith(f"{CT_IMAGE}.") or (
        bool(item.text("NumberOfFrames")) and item.numbers("NumberOfFrames", 1)[0] > 1
    )


def _can_be_hounsfield(item: Slice) -> bool:
    """Unsigned pixels are no HU by themselves; signed ones can be, and their values are checked."""
    rescaled = item.text("RescaleIntercept") and item.text("RescaleSlope")
    return bool(rescaled) or item.text("PixelRepresentation") == "1"


def _read_pixels(item: Slice, shape: tuple[int, int]) -> np.ndarray:
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(itk_path(item.path, item.name))
    try:
        pixels = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise InputError(
            f"{item.name} is truncated, damaged or compressed in an unsupported way; copy or "
            "export the series again."
        ) from error
    if pixels.size != shape[0] * shape[1]:
        raise InputError(f"{item.name} is damaged: it holds no {shape} image; copy it again.")
    return pixels.reshape(shape)
