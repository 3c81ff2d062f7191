"""PNG files of one grey level per pixel, read whole or refused with what is wrong with them.

ITK's reader turns palettes into colours, stretches grey levels of 2 and 4 bits, and gives what it
could decode of a damaged file; in a mask each of these would be a wrong label.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from ..volume.images import quiet_itk

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_GREY = 0
_KINDS = {
    2: "in colour (RGB)",
    3: "in colour (a palette)",
    4: "grey with transparency",
    6: "in colour (RGBA)",
}
_MOST_PIXELS = 2**26
_AT_ONCE = ((0, 0, 1, 1),)
_ADAM7 = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)),
    (1, 0, 2, 1),
)
"""Passes of an interlaced file: first row and column, and steps to the next ones."""


def read_grey_png(path: Path) -> np.ndarray:
    """Grey levels of a PNG file, uint8 or uint16, shape (rows, columns).

    Raises:
        InputError: The file is missing, damaged, in colour, or not of 1, 8 or 16 bits. It is called
            by its folder and name.
    """
    file = f"{path.parent.name}/{path.name}"
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"{path.name} is listed in index.csv but missing in {path.parent.name}/."
        ) from error
    except OSError as error:
        raise InputError(f"{file} cannot be opened: {error.strerror}.") from error
    _check(data, file)
    try:
        with quiet_itk():
            array = np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))
    except RuntimeError as error:
        raise InputError(f"{file} is damaged: copy it again.") from error
    if array.ndim != 2:
        raise InputError(f"{file} has several values for each pixel: save it in grey.")
    return array


def write_grey_png(array: np.ndarray, path: Path) -> None:
    """Write uint8 or uint16 of shape (rows, columns).

    Raises:
        OutputError: The file cannot be written whole, as on a full disk.
    """
    try:
        with quiet_itk():
            sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
        _check(path.read_bytes(), path.name)
    except (OSError, RuntimeError, InputError) as error:
        raise OutputError(
            f"{path.parent.name}/{path.name} cannot be written: check permissions and free disk "
            "space."
        ) from error


def _check(data: bytes, file: str) -> None:
    """Refuse what is not whole, or not of one grey level per pixel."""
    damaged = InputError(f"{file} is damaged, or is not a PNG file: copy or export it again.")
    if not data.startswith(_SIGNATURE):
        raise damaged
    place, header, pixels = len(_SIGNATURE), b"", zlib.decompressobj()
    expected = size = 0
    while True:
        kind, content, place = _chunk(data, place, damaged)
        if (kind == b"IHDR") == bool(header):
            raise damaged  # the header is the first chunk, and there once
        if kind == b"IHDR":
            header = content
            expected = _bytes_of_pixels(header, file, damaged)
        elif kind == b"tRNS":
            raise InputError(f"{file} is {_KINDS[4]}, but must be plain grey: save it so.")
        elif kind == b"IDAT":
            try:
                size += len(pixels.decompress(content, expected + 1 - size))
            except zlib.error as error:
                raise damaged from error
            if size > expected:
                raise damaged
        elif kind == b"IEND":
            break
    if size != expected:
        raise damaged


def _chunk(data: bytes, place: int, damaged: InputError) -> tuple[bytes, bytes, int]:
    """Kind and content of the chunk at ``place``, and where the next one begins."""
    if len(data) < place + 12:
        raise damaged
    (length,) = struct.unpack_from(">I", data, place)
    end = place + 12 + length
    if len(data) < end:
        raise damaged
    checked = data[place + 4 : end - 4]
    (checksum,) = struct.unpack_from(">I", data, end - 4)
    if zlib.crc32(checked) != checksum:
        raise damaged
    return checked[:4], checked[4:], end


def _bytes_of_pixels(header: bytes, file: str, damaged: InputError) -> int:
    """Bytes of all rows, each after a byte that tells its filter."""
    if len(header) != _HEADER.size:
        raise damaged
    columns, rows, bits, colour, _, _, interlaced = _HEADER.unpack(header)
    if colour != _GREY:
        raise InputError(
            f"{file} is {_KINDS.get(colour, 'of an unknown kind')}, but must be plain grey: save "
            "it as greyscale of 8 bits."
        )
    if bits not in (1, 8, 16):
        raise InputError(
            f"{file} has grey levels of {bits} bits, but must have 8 or 16: save it again."
        )
    if not rows or not columns or rows * columns > _MOST_PIXELS:
        raise InputError(f"{file} claims {rows} x {columns} pixels, which no CT slice has.")
    total = 0
    for first_row, first_column, row_step, column_step in _ADAM7 if interlaced else _AT_ONCE:
        height = -(-max(0, rows - first_row) // row_step)
        width = -(-max(0, columns - first_column) // column_step)
        if width:
            total += height * (1 + (width * bits + 7) // 8)
    return total
