"""Uncompressed NRRD files, written and read in short steps: arrays between two processes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..files import atomic_path
from ..steps import Steps, slabs
from .geometry import Geometry
from .text_header import read_nrrd_header

_HEADER_BYTES = 4096
_TYPES = {"uint8": "uint8", "int16": "int16", "float32": "float"}


def write_in_steps(array: npt.NDArray[Any], geometry: Geometry, path: Path) -> Steps[None]:
    """Write a uint8, int16 or float32 array of shape (k, j, i) on its grid.

    The file appears whole or not at all. It is not forced to the disk: it is for another process of
    this computer, not for keeping.

    Raises:
        OutputError: The file cannot be written; an earlier one is untouched.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(_header(array, geometry))
        for part in slabs(array):
            file.write(np.ascontiguousarray(array[part]).data)
            yield


def read_in_steps(path: Path, array: npt.NDArray[Any]) -> Steps[None]:
    """Fill a contiguous array of shape (k, j, i) with the voxels of a file of its type and size.

    Raises:
        InputError: The file is damaged, compressed, or of another type or size.
    """
    voxels = read_nrrd_header(path).voxels
    if voxels is None or voxels.compressed or voxels.path != path:
        raise InputError(f"{path.name} is not an uncompressed NRRD file.")
    if path.stat().st_size - voxels.start != array.nbytes:
        raise InputError(f"{path.name} has another type or size than expected.")
    with path.open("rb") as file:
        file.seek(voxels.start)
        for part in slabs(array):
            wanted = array[part]
            if file.readinto(wanted.reshape(-1).view(np.uint8).data) != wanted.nbytes:
                raise InputError(f"{path.name} ends too early.")
            yield


def voxel_type(path: Path) -> np.dtype[Any]:
    """Type of the voxels of a file that :func:`write_in_steps` wrote.

    Raises:
        InputError: It is no such file.
    """
    with path.open("rb") as file:
        stated = re.search(rb"^type: (\w+)$", file.read(_HEADER_BYTES), re.MULTILINE)
    names = {nrrd: name for name, nrrd in _TYPES.items()}
    name = names.get(stated.group(1).decode()) if stated else None
    if name is None:
        raise InputError(f"{path.name} is not an uncompressed NRRD file.")
    return np.dtype(name)


def _header(array: npt.NDArray[Any], geometry: Geometry) -> bytes:
    matrix = geometry.ijk_to_lps
    vectors = [_vector(matrix[:3, axis]) for axis in range(3)]
    fields = {
        "type": _TYPES[array.dtype.name],
        "dimension": 3,
        "space": "left-posterior-superior",
        "sizes": " ".join(str(n) for n in geometry.size),
        "space directions": " ".join(vectors),
        "kinds": "domain domain domain",
        "endian": sys.byteorder,
        "encoding": "raw",
        "space origin": _vector(matrix[:3, 3]),
    }
    lines = ["NRRD0004", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\n".join(lines) + "\n\n").encode("ascii")


def _vector(values: npt.NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
