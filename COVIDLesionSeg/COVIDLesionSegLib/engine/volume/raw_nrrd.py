"""Uncompressed NRRD files, written and read in short steps: arrays between two processes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
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
_TYPES = {
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "float32": "float",
    "float64": "double",
}


def can_be_written(dtype: npt.DTypeLike) -> bool:
    """Whether voxels of this type can be written: whole numbers, and floats of 32 or 64 bits."""
    return np.dtype(dtype).name in _TYPES


def write_in_steps(array: npt.NDArray[Any], geometry: Geometry, path: Path) -> Steps[None]:
    """Write an array of shape (k, j, i) on its grid, see :func:`can_be_written`.

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


def write_layers_in_steps(
    layers: Sequence[tuple[npt.NDArray[Any], tuple[int, int, int]]],
    geometry: Geometry,
    path: Path,
    keys: Mapping[str, str],
) -> Steps[None]:
    """Write layers of labels as the list of values of each voxel, as Slicer's ``.seg.nrrd`` has it.

    Args:
        layers: At least one: labels (k, j, i) of a layer, 0 around them, and the index (k, j, i) on
            the grid of the first one; all of them inside the grid.
        geometry: The grid.
        path: The file, see :func:`write_in_steps`.
        keys: Key/value pairs of the header.

    Raises:
        OutputError: The file cannot be written; an earlier one is untouched.
    """
    dtype = np.result_type(*(labels for labels, _ in layers))
    # Of this shape and type, but without memory of its own.
    whole = np.broadcast_to(np.zeros((), dtype), (*geometry.shape, len(layers)))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(_header(whole if len(layers) > 1 else whole[..., 0], geometry, keys))
        for part in slabs(whole):
            values = np.zeros((part.stop - part.start, *whole.shape[1:]), dtype)
            for number, (labels, (k, j, i)) in enumerate(layers):
                first, last = max(part.start, k), min(part.stop, k + labels.shape[0])
                if first < last:
                    _, rows, columns = labels.shape
                    place = np.s_[first - part.start : last - part.start, j : j + rows]
                    values[(*place, slice(i, i + columns), number)] = labels[first - k : last - k]
            file.write(values.data)
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


def _header(
    array: npt.NDArray[Any], geometry: Geometry, keys: Mapping[str, str] | None = None
) -> bytes:
    """Of an array (k, j, i), or (k, j, i, values of each voxel)."""
    matrix = geometry.ijk_to_lps
    sizes = [str(n) for n in reversed(array.shape)]
    vectors = [_vector(matrix[:3, axis]) for axis in range(3)]
    kinds = ["domain"] * 3
    if array.ndim > len(kinds):
        vectors, kinds = ["none", *vectors], ["list", *kinds]
    fields = {
        "type": _TYPES[array.dtype.name],
        "dimension": len(sizes),
        "space": "left-posterior-superior",
        "sizes": " ".join(sizes),
        "space directions": " ".join(vectors),
        "kinds": " ".join(kinds),
        "endian": sys.byteorder,
        "encoding": "raw",
        "space origin": _vector(matrix[:3, 3]),
    }
    lines = ["NRRD0004", *(f"{name}: {value}" for name, value in fields.items())]
    for key, value in (keys or {}).items():
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
        lines.append(f"{key}:={escaped}")
    return ("\n".join(lines) + "\n\n").encode()


def _vector(values: npt.NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
