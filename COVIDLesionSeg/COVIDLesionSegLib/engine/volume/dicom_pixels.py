"""The pixels of one DICOM slice as HU.

Files are parsed with pydicom. Uncompressed pixels are taken from the file as they are; compressed
ones are decoded with SimpleITK (GDCM), which applies the slice's rescale slope and intercept too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import SimpleITK as sitk
from pydicom.uid import ExplicitVRBigEndian

from ..errors import InputError
from ..text import share_text
from .checks import AIR_HU
from .dicom_series import Slice
from .images import itk_path
from .quiet_dicom import quiet_dicom

_HIGHEST_HU = 3071
"""The top of the usual 12-bit scale; metal on an extended scale lies above."""

_IMPOSSIBLE_HU = 2**16
"""Beyond are neither HU nor padding, but the work of a wrong slope or intercept."""


def shape_of(item: Slice) -> tuple[int, int]:
    """Rows and columns, as the header says."""
    return int(item.number("Rows")), int(item.number("Columns"))


def rescale_of(item: Slice) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 where signed pixels are HU already."""
    slope = item.number("RescaleSlope") if item.has("RescaleSlope") else 1.0
    return slope, item.number("RescaleIntercept") if item.has("RescaleIntercept") else 0.0


def read_hu(item: Slice) -> npt.NDArray[np.int16] | npt.NDArray[np.float32]:
    """One slice in HU, shape (rows, columns): int16 where nothing is lost, else float32.

    Raises:
        InputError: The pixels are damaged, not as the header says, or no HU.
    """
    element, syntax = _pixel_data(item)
    padding = int(item.number("PixelPaddingValue")) if item.has("PixelPaddingValue") else None
    slope, intercept = rescale_of(item)
    if element.is_undefined_length:
        hu = _decompress(item).astype(float)
    else:
        hu = slope * _stored_values(item, element.value, syntax, padding) + intercept
    if padding is not None and slope * padding + intercept > _HIGHEST_HU:
        hu[hu == slope * padding + intercept] = AIR_HU
    if not (np.abs(hu) <= _IMPOSSIBLE_HU).all():
        raise InputError(
            f"{item.name} has values from {hu.min():.0f} to {hu.max():.0f}, which are not HU; "
            "check its rescale slope and intercept."
        )
    limits = np.iinfo(np.int16)
    whole = np.array_equal(np.rint(hu), hu) and hu.min() >= limits.min and hu.max() <= limits.max
    return hu.astype(np.int16) if whole else hu.astype(np.float32)


def _pixel_data(item: Slice) -> tuple[pydicom.DataElement, pydicom.uid.UID]:
    """The element with the pixels, and the transfer syntax (PS3.5) by which it is encoded."""
    damaged = f"{item.name} is truncated or damaged; copy the series again."
    try:
        with quiet_dicom():
            dataset = pydicom.dcmread(item.path, specific_tags=["PixelData"], force=True)
            element = dataset["PixelData"]
            syntax = pydicom.uid.UID(str(dataset.file_meta.get("TransferSyntaxUID", "")))
            contradicted = (
                syntax.is_transfer_syntax and syntax.is_compressed != element.is_undefined_length
            )
    except Exception as error:  # a damaged file makes pydicom raise almost anything
        raise InputError(damaged) from error
    if not isinstance(element.value, bytes) or not element.value or contradicted:
        raise InputError(damaged)
    return element, syntax


def _stored_values(
    item: Slice, data: bytes, syntax: pydicom.uid.UID, padding: int | None
) -> npt.NDArray[np.int64]:
    """Uncompressed stored values, shape (rows, columns), of exactly as many bytes as announced."""
    shape = shape_of(item)
    allocated, stored = int(item.number("BitsAllocated")), int(item.number("BitsStored"))
    needed = shape[0] * shape[1] * allocated // 8
    if len(data) < needed:
        raise InputError(
            f"{item.name} is truncated: only {share_text(len(data) / needed)} of its pixels are "
            "there; copy the series again."
        )
    # Some exports pad the pixels. A whole row or column too many means that Rows or Columns lies.
    if len(data) - needed >= min(shape) * allocated // 8:
        raise InputError(
            f"{item.name} holds more pixels than its {shape[1]} columns and {shape[0]} rows; "
            "export the series again."
        )
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    words = np.frombuffer(data[:needed], np.dtype(f"{order}u{allocated // 8}")).astype(np.int64)
    is_padding = np.zeros_like(words, bool) if padding is None else words == padding % 2**allocated
    signed = item.number("PixelRepresentation") == 1
    values: npt.NDArray[np.int64] = words & (2**stored - 1)
    above = words >> stored
    if signed:
        negative = values >> (stored - 1) == 1
        values = np.where(negative, values - 2**stored, values)
        # The bits above may repeat the sign, or be zero in all pixels.
        extended = (above[~is_padding] > 0).any()
        expected = np.where(negative & extended, 2 ** (allocated - stored) - 1, 0)
    else:
        expected = np.zeros_like(words)
    if (above != expected)[~is_padding].any():
        raise InputError(
            f"{item.name} holds values (or an overlay) beyond the {stored} bits that it announces "
            "(BitsStored); export the series again."
        )
    if padding is not None:
        values[is_padding] = padding
    return values.reshape(shape)


def _decompress(item: Slice) -> npt.NDArray[Any]:
    """Compressed pixels in HU, shape (rows, columns)."""
    if item.number("BitsAllocated") > 16:  # which GDCM misreads
        raise InputError(
            f"{item.name} is compressed with 32 bits per pixel, which is not read here; export "
            "the series uncompressed."
        )
    if item.text("PhotometricInterpretation") == "MONOCHROME1":
        # GDCM inverts them, although only their display is inverted (PS3.3 C.7.6.3.1.2).
        raise InputError(
            f"{item.name} is compressed and MONOCHROME1, which together are not read here; export "
            "the series uncompressed, or as MONOCHROME2."
        )
    name = itk_path(item.path, item.name)
    try:
        image = sitk.ReadImage(name, imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise InputError(
            f"{item.name} is truncated, damaged or compressed in an unsupported way; copy or "
            "export the series again."
        ) from error
    array: npt.NDArray[Any] = sitk.GetArrayFromImage(image)
    rows, columns = shape_of(item)
    if array.shape[-2:] != (rows, columns) or array.size != rows * columns:
        raise InputError(
            f"{item.name} is damaged: its compressed image is not of {columns} x {rows} pixels; "
            "copy the series again."
        )
    return array.reshape(rows, columns)
