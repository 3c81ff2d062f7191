"""Arrays that are mostly zero, as small files: written in a fraction of a second, read exactly."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..boxes import Box, bounding_box
from ..files import write_bytes

FILE_SUFFIX = ".npz"
_FASTEST = 1
"""Compression of zlib: label maps become a hundredth of their size even so."""
_CORNER = "{}-corner"


def crop(array: npt.NDArray[Any]) -> tuple[Box, npt.NDArray[Any]]:
    """The smallest box (k, j, i) around what is not zero, and a copy of what is in it."""
    box = bounding_box(array) or (slice(0, 0),) * array.ndim
    return box, np.ascontiguousarray(array[box])


def content_key(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """A short hash: the same for the same arrays, and different for any others."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        box, content = crop(array)
        digest.update(f"{name} {array.shape} {array.dtype.str} {box}".encode())
        digest.update(content.data)
    return digest.hexdigest()[:16]


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path, facts: bytes = b"") -> None:
    """Write arrays (k, j, i) into one file, which is complete or absent, and survives a kill.

    Args:
        arrays: By name; they may be views.
        path: A file ``.npz``, which numpy can open: each array cropped, with its lowest corner.
        facts: Anything else that belongs to them.

    Raises:
        OutputError: The file cannot be written; an earlier one is untouched.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST) as file:
        for name, array in arrays.items():
            box, content = crop(array)
            _add(file, name, content)
            _add(file, _CORNER.format(name), np.array([axis.start for axis in box]))
        _add(file, "facts", np.frombuffer(facts, np.uint8))
    write_bytes(buffer.getvalue(), path, flush=True)


def read_arrays(path: Path, shape: tuple[int, int, int]) -> tuple[dict[str, Any], bytes]:
    """The inverse of :func:`write_arrays`, given the shape of all arrays.

    Returns:
        The arrays by name, and the facts.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error: The file is damaged.
    """
    with np.load(path, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    facts = stored.pop("facts").tobytes()
    corner = _CORNER.format("")
    return {
        name: _put_back(content, stored[_CORNER.format(name)], shape)
        for name, content in stored.items()
        if not name.endswith(corner)
    }, facts


def is_complete(path: Path) -> bool:
    """Whether the file is there to its end; its content is checked when it is read.

    Raises:
        OSError: It is there, but cannot be read.
    """
    try:
        with path.open("rb") as file:
            return zipfile.is_zipfile(file)
    except FileNotFoundError:
        return False


def _add(file: zipfile.ZipFile, name: str, array: npt.NDArray[Any]) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=False)
    # Of a fixed date, where the zipfile module would take the present one.
    entry = zipfile.ZipInfo(f"{name}.npy")
    entry.compress_type = zipfile.ZIP_DEFLATED
    file.writestr(entry, content.getbuffer(), compresslevel=_FASTEST)


def _put_back(
    content: npt.NDArray[Any], corner: npt.NDArray[Any], shape: tuple[int, int, int]
) -> npt.NDArray[Any]:
    array = np.zeros(shape, content.dtype)
    first = [int(start) for start in corner]
    last = [start + size for start, size in zip(first, content.shape, strict=True)]
    if min(first) < 0 or any(end > size for end, size in zip(last, shape, strict=True)):
        raise ValueError("the array is larger than the CT")
    array[tuple(slice(*ends) for ends in zip(first, last, strict=True))] = content
    return array
