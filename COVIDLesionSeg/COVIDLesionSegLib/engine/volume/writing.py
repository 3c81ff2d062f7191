"""Writes volumes so that a file is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from .geometry import Geometry
from .images import image_from, quiet_itk
from .integrity import check_complete

WRITABLE = (".nrrd", ".nii", ".nii.gz", ".mha")
"""Endings of the single-file formats that can be written."""


def write_volume(
    array: np.ndarray,
    geometry: Geometry,
    path: str | Path,
    compress: bool = True,
    header: Mapping[str, str] | None = None,
) -> None:
    """Write a stored array on its grid, replacing an earlier file in one step.

    The voxels go to a hidden temporary file in the same folder, which is verified and then renamed.

    Args:
        array: Labels (bool, uint8), HU (int16) or probabilities (float32), shape (k, j, i).
        geometry: The grid; NIfTI keeps it in single precision.
        path: Ends in one of ``WRITABLE``; its folder exists.
        compress: Compress the voxels of NRRD and MetaImage; NIfTI decides by its name.
        header: Key-value pairs for the header of an NRRD file.

    Raises:
        OutputError: The format is unknown, or the file cannot be written (permissions, disk full);
            an earlier file is untouched.
    """
    path = Path(path).expanduser().absolute()
    suffix = next((suffix for suffix in WRITABLE if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise OutputError(
            f"{path.name} cannot be written: its name must end in one of {', '.join(WRITABLE)}."
        )
    image = image_from(array.astype(np.uint8) if array.dtype == bool else array, geometry)
    for key, value in (header or {}).items():
        image.SetMetaData(key, value)
    temporary = path.with_name(f".partial-{uuid.uuid4().hex}{suffix}")
    try:
        with quiet_itk():
            sitk.WriteImage(image, str(temporary), compress)
        # ITK reports success for a NIfTI file that filled the disk.
        check_complete(temporary, array.nbytes)
        # Windows flushes only what is open for writing.
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (RuntimeError, OSError, InputError) as error:
        raise OutputError(
            f"{path.name} cannot be written to {path.parent.name}; check that the folder exists, "
            "its permissions and the free disk space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
