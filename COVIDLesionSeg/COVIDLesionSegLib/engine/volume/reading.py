"""Reads a chest CT from a file or a DICOM folder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..errors import InputError
from .checks import check_chest_ct, check_grid, check_size
from .dicom import read_dicom
from .dicom_series import is_dicom_file
from .file_header import FileHeader, check_complete, damaged
from .geometry import Geometry
from .images import geometry_of, itk_path, quiet_itk
from .nifti import NiftiHeader, read_nifti_header, read_nifti_voxels
from .text_header import read_metaimage_header, read_nrrd_header
from .volume import Volume

FORMATS = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}
"""File formats by the ending of the file name; DICOM is known by its content."""

_READ_HEADER: dict[str, Callable[[Path], FileHeader]] = {
    "NIfTI": read_nifti_header,
    "NRRD": read_nrrd_header,
    "MetaImage": read_metaimage_header,
}


def read_volume(path: str | Path | tuple[Path, ...], series: str | None = None) -> Volume:
    """A chest CT in HU, its voxels in the stored order on the stored grid.

    Args:
        path: NIfTI, NRRD or MetaImage file; DICOM folder, searched with its subfolders; one
            DICOM file, which stands for the slices of its series in the same folder; or DICOM
            files, which are all that is read.
        series: For a DICOM folder with more than one series: the SeriesInstanceUID, or a
            beginning of it that no other series shares.

    Returns:
        Volume with ``source`` = format, modality and number of axial slices.

    Raises:
        InputError: It cannot be read whole, or is not a chest CT in HU (:func:`check_chest_ct`).
        SeveralSeriesError: The folder holds more than one series, and none was chosen.
    """
    if not isinstance(path, tuple):
        path = readable(path)
    if isinstance(path, tuple) or path.is_dir() or is_dicom_file(path):
        with quiet_itk():
            volume = read_dicom(path, series)
    elif series is not None:
        raise InputError(f"{path.name} is not DICOM, so it has no series to choose; leave it out.")
    else:
        array, geometry, warnings = _read_file(path)
        source = {"format": FORMATS[_suffix(path)], "modality": "not stated"}
        volume = Volume(array, geometry, source, warnings)
    volume = check_chest_ct(volume)
    return replace(volume, source={**volume.source, "slices": str(volume.axial.shape[0])})


def read_array(path: str | Path) -> tuple[npt.NDArray[Any], Geometry]:
    """Values of any kind, as :func:`write_volume` writes them: labels, probabilities, HU.

    Returns:
        Array of the stored type, shape (k, j, i), and its grid.

    Raises:
        InputError: The file cannot be read whole, or is not a three-dimensional scalar volume.
    """
    array, geometry, _ = _read_file(readable(path))
    return array, geometry


def readable(path: str | Path) -> Path:
    """The absolute path of a file or folder that exists and may be read.

    Raises:
        InputError: It does not exist, cannot be opened, is neither a file nor a folder, or it is a
            file whose path is not UTF-8. Files in a folder are looked at one by one.
    """
    path = Path(path).expanduser().absolute()
    is_folder = os.path.isdir(path)
    if not is_folder:
        itk_path(path)
    try:
        if is_folder:
            next(path.iterdir(), None)
        elif path.exists() and not path.is_file():
            raise InputError(f"{path.name} is neither a file nor a folder; check the path.")
        else:
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path.name} does not exist; check the path.") from error
    except OSError as error:
        what = "The folder" if is_folder else path.name
        raise InputError(
            f"{what} cannot be opened ({error.strerror}); check its permissions."
        ) from error
    except ValueError as error:
        raise InputError("The path holds a zero byte; check the path.") from error
    return path


def read_header(path: Path) -> FileHeader:
    """The checked header of a file that is not DICOM.

    Raises:
        InputError: The file is of another kind, or its header is damaged.
    """
    suffix = _suffix(path)
    if not suffix:
        raise InputError(
            "The file is not in a format read here; use a DICOM folder or one of "
            f"{', '.join(FORMATS)}."
        )
    try:
        return _READ_HEADER[FORMATS[suffix]](path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be opened ({error.strerror}).") from error


def open_image(path: Path) -> tuple[sitk.ImageFileReader, FileHeader]:
    """ITK's reader, which has read the header of a file that is not DICOM, and our header of it.

    Raises:
        InputError: The header is damaged.
    """
    header = read_header(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_path(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _refusal(error, path) from error
    return reader, header


def check_agreement(
    reader: sitk.ImageFileReader, header: FileHeader, size: tuple[int, ...]
) -> None:
    """Refuse a file that ITK understands differently than its header says.

    Args:
        reader: Reader of a three-dimensional file.
        header: Header of the same file.
        size: Voxels along i, j, k by the header.

    Raises:
        InputError: ITK takes another size or voxel size.
    """
    same_size = tuple(reader.GetSize()) == size and len(header.spacing) == len(size)
    if not same_size or not np.allclose(reader.GetSpacing(), header.spacing, rtol=1e-3, atol=0):
        raise damaged(header.name, "its size or voxel size can be understood in two ways")


def voxel_bytes(reader: sitk.ImageFileReader) -> int:
    """Bytes of all voxels, uncompressed, of the file whose header the reader has read."""
    components = reader.GetNumberOfComponents()
    voxel = sitk.Image([1] * reader.GetDimension(), reader.GetPixelID(), components)
    return int(math.prod(reader.GetSize()) * components * voxel.GetSizeOfPixelComponent())


def execute(reader: sitk.ImageFileReader, path: Path) -> sitk.Image:
    """The image of a reader that :func:`open_image` gave.

    Raises:
        InputError: ITK cannot read the voxels.
    """
    try:
        with quiet_itk():
            image: sitk.Image = reader.Execute()
    except RuntimeError as error:
        raise _refusal(error, path) from error
    return image


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in FORMATS if name.endswith(suffix)), "")


def _read_file(path: Path) -> tuple[npt.NDArray[Any], Geometry, tuple[str, ...]]:
    """Array, grid and warnings of a file that is not DICOM."""
    reader, header = open_image(path)
    dimension, components = reader.GetDimension(), reader.GetNumberOfComponents()
    if dimension != 3 or components != 1:
        what = f"{dimension}-dimensional" if dimension != 3 else f"{components} values per voxel"
        raise InputError(
            f"{path.name} is not a three-dimensional scalar volume ({what}); give one CT volume."
        )
    geometry = geometry_of(reader)
    check_size(geometry.size)
    check_grid(geometry)
    check_agreement(reader, header, header.size)
    if isinstance(header, NiftiHeader):
        return read_nifti_voxels(header), geometry, header.warnings
    check_complete(header, voxel_bytes(reader))
    return sitk.GetArrayFromImage(execute(reader, path)), geometry, header.warnings


def _refusal(error: RuntimeError, path: Path) -> InputError:
    """One sentence for what ITK says in many lines."""
    said, name = str(error), path.name
    if "orthonormal" in said:
        return InputError(
            f"{name} has axes that are not at right angles (sheared, as with gantry tilt); "
            "resample it to an orthogonal grid first."
        )
    if "couldn't open the first datafile" in said:
        return InputError(f"The file with the voxels of {name} is missing; copy both files.")
    if "bad_alloc" in said or "Failed to allocate" in said:
        return InputError(f"{name} does not fit into memory; crop it, or use a larger computer.")
    if "Unable to determine ImageIO" in said:
        return InputError(
            f"{name} is not a {FORMATS[_suffix(path)]} file, or is damaged; copy or export it "
            "again."
        )
    return InputError(
        f"{name} is truncated, damaged or of an unsupported kind; copy or export it again."
    )
