"""Is every voxel that a file announces really in it?

ITK fills a truncated NIfTI with zeros, and neither its NRRD nor its MetaImage reader looks at the
checksum of compressed voxels: half a CT, or a damaged one, would pass for a whole one.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from .nifti_header import GZIP_MAGIC, read_nifti_header
from .text_header import read_metaimage_header, read_nrrd_header

_CHUNK = 1 << 16
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


def check_complete(path: Path, voxel_bytes: int) -> None:
    """Refuse a NIfTI, NRRD or MetaImage file that is truncated or whose checksum is wrong.

    Args:
        path: The file, or the header of a detached pair.
        voxel_bytes: Bytes of all voxels when uncompressed, as the header announces them.

    Raises:
        InputError: Voxels are missing or damaged, or the file with the voxels is.
    """
    try:
        available, needed = _sizes(path, voxel_bytes)
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{path.name} is truncated or damaged (its compressed voxels do not unpack); copy or "
            "export it again."
        ) from error
    except OSError as error:
        raise InputError(
            f"The file with the voxels of {path.name} is missing or cannot be opened; copy both "
            "files."
        ) from error
    if available < needed:
        raise InputError(
            f"{path.name} is truncated: only {available / needed:.0%} of it is there; copy or "
            "export it again."
        )


def _sizes(path: Path, voxel_bytes: int) -> tuple[int, int]:
    """Bytes that are there and bytes that are needed, both uncompressed."""
    suffix = path.suffix.lower()
    if suffix not in (".nrrd", ".nhdr", ".mha", ".mhd"):
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP_MAGIC
        return _bytes_from(path, 0, compressed), read_nifti_header(path).file_size
    read_header = read_nrrd_header if suffix in (".nrrd", ".nhdr") else read_metaimage_header
    header = read_header(path)
    if header.voxels is None or header.compressed is None:
        return voxel_bytes, voxel_bytes
    start = header.size if header.voxels == path else 0
    return _bytes_from(header.voxels, start, header.compressed), voxel_bytes


def _bytes_from(path: Path, start: int, compressed: bool) -> int:
    with path.open("rb") as file:
        file.seek(start)
        return _unpacked_bytes(file) if compressed else file.seek(0, 2) - start


def _unpacked_bytes(file: BinaryIO) -> int:
    """Size of what a zlib or gzip stream unpacks to, with its checksum verified.

    Raises:
        EOFError: The stream is cut off.
        zlib.error: The stream is damaged.
    """
    inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
    size = 0
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        while chunk:
            if inflater.eof:
                if not chunk.startswith(GZIP_MAGIC):
                    return size
                inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
            size += len(inflater.decompress(chunk))
            chunk = inflater.unused_data
    if not inflater.eof:
        raise EOFError
    return size
