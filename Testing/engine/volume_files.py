"""Small real files: a chest-like CT as NIfTI, NRRD, MetaImage or DICOM series, a segmentation.

Files are written with SimpleITK and pydicom themselves, never with the code under test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import Geometry, read_volume

PATIENT_NAME = "Doe^Jane"
PATIENT_ID = "ID-4711"
SERIES_UID = "1.2.826.0.1.3680043.8.498.1001"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def not_utf8(folder: Path, name: bytes) -> Path:
    """A path in ``folder``; skips where the system takes UTF-8 names only."""
    if sys.platform != "linux":
        pytest.skip("this file system takes UTF-8 names only")
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))


def chest_hu(shape: tuple[int, int, int] = (8, 14, 18), seed: int = 0) -> np.ndarray:
    """int16 HU, axial (z, y, x): air, a body with two lungs of unequal size, and noise.

    Every orientation of it differs from every other.
    """
    z, y, x = (np.linspace(-1, 1, n) for n in shape)
    z, y, x = np.meshgrid(z, y, x, indexing="ij")
    hu = np.full(shape, -1000.0)
    hu[(x / 0.9) ** 2 + (y / 0.8) ** 2 < 1] = 40
    hu[((x + 0.4) / 0.35) ** 2 + (y / 0.6) ** 2 + (z / 1.2) ** 2 < 1] = -850
    hu[((x - 0.4) / 0.25) ** 2 + (y / 0.6) ** 2 + (z / 1.2) ** 2 < 1] = -820
    noise = np.random.default_rng(seed).normal(0, 8, shape)
    return np.rint(hu + noise).clip(-1024, 3071).astype(np.int16)


def grid_of(
    array: np.ndarray,
    spacing: tuple[float, float, float] = (0.75, 0.8, 2.5),
    origin: tuple[float, float, float] = (-170.5, -320.25, -346.0),
    direction: tuple[float, ...] = AXIAL,
) -> Geometry:
    """Geometry for an array (k, j, i); spacing, origin and direction as in Geometry."""
    return Geometry(array.shape[::-1], spacing, origin, direction)


def as_image(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    return image


def write_image(
    path: Path, array: np.ndarray, geometry: Geometry | None = None, compress: bool = False
) -> Path:
    sitk.WriteImage(as_image(array, geometry or grid_of(array)), str(path), compress)
    return path


def write_dicom_series(
    folder: Path,
    array: np.ndarray,
    geometry: Geometry | None = None,
    *,
    series_uid: str = SERIES_UID,
    modality: str = "CT",
    description: str = f"{PATIENT_NAME} Thorax 2.0 B60",
    series_number: int | None = None,
    rescale: tuple[float, float] | None = (1.0, -1024.0),
    prefix: str = "IM",
    suffix: str = ".dcm",
    edit: Callable[[pydicom.Dataset, int], None] = lambda dataset, k: None,
) -> Path:
    """One file per slice of ``array`` (k, j, i); file names and numbers run against the positions.

    Args:
        rescale: (slope, intercept) of unsigned stored values; None stores HU signed, without them.
        edit: Called with each dataset and its slice index k before it is saved.
    """
    geometry = geometry or grid_of(array)
    folder.mkdir(parents=True, exist_ok=True)
    direction = np.reshape(geometry.direction, (3, 3))
    for k, hu in enumerate(array):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[series_uid, str(k)])
        dataset.SeriesInstanceUID = series_uid
        dataset.StudyInstanceUID = f"{SERIES_UID}.1"
        dataset.PatientName = PATIENT_NAME
        dataset.PatientID = PATIENT_ID
        dataset.Modality = modality
        dataset.SeriesDescription = description
        if series_number is not None:
            dataset.SeriesNumber = series_number
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.InstanceNumber = len(array) - k
        position = geometry.ijk_to_lps @ [0, 0, k, 1]
        dataset.ImagePositionPatient = [f"{p:.6g}" for p in position[:3]]
        dataset.ImageOrientationPatient = [f"{d:.10g}" for d in direction[:, :2].T.ravel()]
        dataset.PixelSpacing = [f"{geometry.spacing[1]:.8g}", f"{geometry.spacing[0]:.8g}"]
        dataset.SliceThickness = f"{geometry.spacing[2]:.8g}"
        dataset.Rows, dataset.Columns = hu.shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 1 if rescale is None else 0
        if rescale is None:
            dataset.PixelData = hu.astype("<i2").tobytes()
        else:
            dataset.RescaleSlope, dataset.RescaleIntercept = rescale
            stored = np.rint((hu.astype(float) - rescale[1]) / rescale[0])
            dataset.PixelData = stored.astype("<u2").tobytes()
        edit(dataset, k)
        name = f"{prefix}{len(array) - k:03d}{suffix}"
        dataset.save_as(folder / name, enforce_file_format=True)
    return folder


def truncate(path: Path, fraction: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    return path


def damage(path: Path) -> Path:
    """Overwrite a few bytes in the middle of the file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 16] = bytes(255 - byte for byte in content[middle : middle + 16])
    path.write_bytes(content)
    return path


def overwrite(path: Path, offset: int, content: bytes) -> Path:
    whole = bytearray(path.read_bytes())
    whole[offset : offset + len(content)] = content
    path.write_bytes(whole)
    return path


def refusal(path: Path, series: str | None = None) -> str:
    """The message of the error that reading gives: one line, which names no patient or folder."""
    with pytest.raises(InputError) as caught:
        read_volume(path, series)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert "ITK" not in message
    assert str(path.parent) not in message
    assert PATIENT_ID not in message and "Doe" not in message
    return message


def changed(keyword, value, slices=None):
    """An edit that sets one element, in all slices or some; None deletes it."""

    def edit(dataset, k):
        if slices is None or k in slices:
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)

    return edit


def encode(path, syntax):
    """Write the slice anew in a transfer syntax; ``JPEG`` and ``JPEG2000`` are lossless."""
    dataset = pydicom.dcmread(path)
    if syntax == RLELossless:
        dataset.compress(RLELossless)
        dataset.save_as(path)
        return
    if isinstance(syntax, pydicom.uid.UID):
        stored = dataset.pixel_array
        copy = pydicom.Dataset()
        copy.update(dataset)
        copy.file_meta = dataset.file_meta
        copy.file_meta.TransferSyntaxUID = syntax
        copy.PixelData = stored.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
        copy["PixelData"].VR = "OW"
        copy.save_as(path, enforce_file_format=True)
        return
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(syntax)
    temporary = path.parent.parent / "compressed.dcm"
    writer.SetFileName(str(temporary))
    writer.Execute(sitk.GetImageFromArray(dataset.pixel_array[None]))
    compressed = pydicom.dcmread(temporary)
    dataset.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
    dataset.PixelData = compressed.PixelData
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


def segmentation(path, layers, names, geometry):
    """A ``.seg.nrrd`` file as 3D Slicer writes it: a label for each segment, or a layer of its own.

    Args:
        layers: The label map (k, j, i), or one mask for each segment.
        names: Of the segments.
        geometry: Of the layers.
    """
    several = isinstance(layers, list)
    stored = np.stack(layers, axis=-1) if several else layers
    image = sitk.GetImageFromArray(stored, isVector=several)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    for n, name in enumerate(names):
        for key, value in (
            ("ID", f"Segment_{n}"),
            ("Name", name),
            ("LabelValue", 1 if several else n + 1),
            ("Layer", n if several else 0),
        ):
            image.SetMetaData(f"Segment{n}_{key}", str(value))
    sitk.WriteImage(image, str(path))
    return path
