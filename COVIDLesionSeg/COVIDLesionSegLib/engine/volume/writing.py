"""Writes volumes so that a file is either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..errors import InputError, OutputError
from ..files import atomic_path, cannot_write, flush_file
from .file_header import check_complete
from .geometry import Geometry
from .images import image_from, itk_path, quiet_itk
from .reading import read_header

WRITABLE = (".nrrd", ".nii", ".nii.gz", ".mha")
"""Endings of the single-file formats that can be written."""

_PROBE_BYTES = 1 << 20


def write_volume(
    array: npt.NDArray[Any],
    geometry: Geometry,
    path: str | Path,
    header: Mapping[str, str] | None = None,
) -> None:
    """Write a stored array on its grid, replacing an earlier file in one step.

    The voxels go to a hidden temporary file in the same folder, which is verified and then renamed.
    Voxels of NRRD and MetaImage are compressed, those of NIfTI where its name says so.

    Args:
        array: Labels (bool, uint8), HU (int16) or probabilities (float32), shape (k, j, i).
        geometry: The grid; NIfTI keeps it in single precision.
        path: Ends in one of ``WRITABLE``; its folder exists.
        header: Key-value pairs for the header of an NRRD file.

    Raises:
        OutputError: The format is unknown, the path is not UTF-8, or the file cannot be written
            (permissions, disk full); an earlier file is untouched.
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
    with atomic_path(path, suffix) as temporary:
        try:
            target = itk_path(temporary, path.name)
        except InputError as error:
            raise OutputError(str(error)) from error
        try:
            with quiet_itk():
                sitk.WriteImage(image, target, useCompression=True)
            # ITK reports success for a NIfTI file that filled the disk.
            check_complete(read_header(temporary), array.nbytes)
        except (RuntimeError, InputError) as error:
            raise cannot_write(path, _reason(temporary)) from error
        flush_file(temporary)


def _reason(temporary: Path) -> OSError | None:
    """Why ITK could not write the file, which it does not say: the system says it once more."""
    try:
        with temporary.open("ab") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None
