"""Reads a chest CT from a file or a DICOM folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .checks import check_chest_ct, check_grid, check_size
from .dicom import read_dicom
from .dicom_series import is_dicom_file
from .geometry import Geometry
from .images import geometry_of, quiet_itk
from .integrity import check_complete
from .nifti_header import check_nifti_header
from .text_header import check_metaimage_header, check_nrrd_header
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

_CHECK_HEADER = {
    "NIfTI": check_nifti_header,
    "NRRD": check_nrrd_header,
    "MetaImage": check_metaimage_header,
}


def read_volume(path: str | Path, series: str | None = None) -> Volume:
    """A chest CT in HU, its voxels in the stored order on the stored grid.

    Args:
        path: NIfTI, NRRD or MetaImage file; DICOM folder, searched with its subfolders; or one
            DICOM file, which stands for the slices of its series in the same folder.
        series: For a DICOM folder with more than one series: the SeriesInstanceUID, or a
            beginning of it that no other series shares.

    Returns:
        Volume with ``source`` = format, modality and number of axial slices.

    Raises:
        InputError: It cannot be read whole, or is not a chest CT in HU (:func:`check_chest_ct`).
        SeveralSeriesError: The folder holds more than one series, and none was chosen.
    """
    path = _readable(path)
    if path.is_dir() or is_dicom_file(path):
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


def read_array(path: str | Path) -> tuple[np.ndarray, Geometry]:
    """Values of any kind, as :func:`write_volume` writes them: labels, probabilities, HU.

    Returns:
        Array of the stored type, shape (k, j, i), and its grid.

    Raises:
        InputError: The file cannot be read whole, or is not a three-dimensional scalar volume.
    """
    array, geometry, _ = _read_file(_readable(path))
    return array, geometry


def _readable(path: str | Path) -> Path:
    path = Path(path).expanduser().absolute()
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except FileNotFoundError as error:
        raise InputError(f"{path.name} does not exist; check the path.") from error
    except OSError as error:
        what = "The folder" if os.path.isdir(path) else path.name
        raise InputError(
            f"{what} cannot be opened ({error.strerror}); check its permissions."
        ) from error
    return path


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in FORMATS if name.endswith(suffix)), "")


def _read_file(path: Path) -> tuple[np.ndarray, Geometry, tuple[str, ...]]:
    """Array, grid and warnings of a file that is not DICOM."""
    suffix = _suffix(path)
    if not suffix:
        raise InputError(
            "The file is not in a format read here; use a DICOM folder or one of "
            f"{', '.join(FORMATS)}."
        )
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
            geometry, voxel_bytes = _check_announced(reader, path.name)
            warnings = _CHECK_HEADER[FORMATS[suffix]](path)
            check_complete(path, voxel_bytes)
            return sitk.GetArrayFromImage(reader.Execute()), geometry, warnings
    except RuntimeError as error:
        raise InputError(_plain_reason(str(error), path.name, FORMATS[suffix])) from error


def _check_announced(reader: sitk.ImageFileReader, name: str) -> tuple[Geometry, int]:
    """Grid and bytes of all voxels by the header, if they are worth reading."""
    dimension, components = reader.GetDimension(), reader.GetNumberOfComponents()
    if dimension != 3 or components != 1:
        what = f"{dimension}-dimensional" if dimension != 3 else f"{components} values per voxel"
        raise InputError(
            f"{name} is not a three-dimensional scalar volume ({what}); give one CT volume."
        )
    geometry = geometry_of(reader)
    check_size(geometry.size)
    check_grid(geometry)
    one_voxel = sitk.Image([1, 1, 1], reader.GetPixelID())
    return geometry, int(np.prod(geometry.size)) * one_voxel.GetSizeOfPixelComponent()


def _plain_reason(itk_message: str, name: str, file_format: str) -> str:
    """One sentence for what ITK says in many lines."""
    if "orthonormal" in itk_message:
        return (
            f"{name} has axes that are not at right angles (sheared, as with gantry tilt); "
            "resample it to an orthogonal grid first."
        )
    if "couldn't open the first datafile" in itk_message:
        return f"The file with the voxels of {name} is missing; copy both files."
    if "Unable to determine ImageIO" in itk_message:
        return f"{name} is not a {file_format} file, or is damaged; copy or export it again."
    return f"{name} is truncated, damaged or of an unsupported kind; copy or export it again."
