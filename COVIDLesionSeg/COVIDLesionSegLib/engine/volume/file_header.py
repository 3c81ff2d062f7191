"""What a file's header states, and whether every voxel that it announces is really there.

ITK repairs, chooses and ignores silently where a header is damaged, and crashes on some. So the
headers are read and checked here first. ITK also fills a truncated file with zeros, and neither
its NRRD nor its MetaImage reader looks at the checksum of compressed voxels: half a CT, or a
damaged one, would pass for a whole one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError

GZIP_MAGIC = b"\x1f\x8b"

ORIENTATION_UNKNOWN = (
    "The file does not state the patient's orientation: left and right may be swapped."
)

_CHUNK = 1 << 16
_PIECE = 1 << 20
"""A few bytes can unpack to gigabytes: never more than a piece at a time."""
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


@dataclass(frozen=True)
class VoxelData:
    """Where the voxels of a file are.

    Attributes:
        path: The file that holds them; not the header's in a detached pair.
        start: Byte of ``path`` at which the voxels, or their compressed stream, begin.
        skip: Bytes between there and the first voxel, once uncompressed.
        compressed: Whether the bytes from ``start`` are a zlib or gzip stream.
        stored: Bytes of the compressed stream, or None if it runs to the end of the file.
        at_end: Whether the voxels are the end of the file, and other data may be before them.
    """

    path: Path
    start: int = 0
    skip: int = 0
    compressed: bool = False
    stored: int | None = None
    at_end: bool = False


@dataclass(frozen=True)
class FileHeader:
    """What any image file states before its voxels.

    Attributes:
        name: The file's name, for messages.
        size: Number of voxels along each axis, fastest first (i, j, k, ...).
        spacing: Voxel size in mm along those axes that lie in space.
        warnings: Sentences about what the header leaves unknown.
        voxels: None if the voxels are written as text, spread over several files or lie behind
            other lines, which ITK sorts out and counts itself.
    """

    name: str
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    warnings: tuple[str, ...]
    voxels: VoxelData | None


def damaged(name: str, why: str) -> InputError:
    """The error for a header that cannot be true."""
    return InputError(f"{name} is damaged ({why}); copy or export it again.")


def check_complete(header: FileHeader, voxel_bytes: int) -> None:
    """Refuse a file that is truncated, holds slices too many, or has a wrong checksum.

    Args:
        header: Header of the file.
        voxel_bytes: Bytes of all voxels when uncompressed.

    Raises:
        InputError: Voxels are missing, too many or damaged, or the file with the voxels is.
    """
    if header.voxels is not None:
        _take(header, header.voxels, voxel_bytes, keep=False)


def read_voxel_bytes(header: FileHeader, voxel_bytes: int) -> bytearray:
    """The uncompressed bytes of all voxels; checks as :func:`check_complete` does.

    Raises:
        InputError: As :func:`check_complete`.
        ValueError: The header does not say where they are.
    """
    if header.voxels is None:
        raise ValueError("only ITK knows where the voxels are")
    return _take(header, header.voxels, voxel_bytes, keep=True)


def _take(header: FileHeader, data: VoxelData, voxel_bytes: int, keep: bool) -> bytearray:
    """All voxels if ``keep``, else nothing; either way the whole stream is verified."""
    kept = bytearray()
    needed, available = data.skip + voxel_bytes, 0
    try:
        with data.path.open("rb") as file:
            if data.compressed:
                file.seek(data.start)
                for piece in _unpacked(file, data.stored):
                    if keep:
                        first = max(data.skip - available, 0)
                        kept += piece[first : max(needed - available, 0)]
                    available += len(piece)
            else:
                available = max(file.seek(0, 2) - data.start, 0)
                if keep and available >= needed:
                    file.seek(data.start + data.skip)
                    kept += file.read(voxel_bytes)
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{header.name} is truncated or damaged (its compressed voxels do not unpack); copy "
            "or export it again."
        ) from error
    except OSError as error:
        raise InputError(
            f"The file with the voxels of {header.name} is missing or cannot be opened; copy both "
            "files."
        ) from error
    if available < needed:
        raise InputError(
            f"{header.name} is truncated: only {100 * available // needed}% of it is there; copy "
            "or export it again."
        )
    if available >= needed + voxel_bytes // header.size[-1] and not data.at_end:
        raise damaged(header.name, "it holds more slices than its header announces")
    return kept


def _unpacked(file: BinaryIO, stored: int | None) -> Iterator[bytes]:
    """What a zlib or gzip stream unpacks to, its checksum verified; what follows it is ignored.

    Args:
        file: At the start of the stream.
        stored: Bytes of the stream, or None if it runs to the end of the file.

    Raises:
        EOFError: The stream is cut off.
        zlib.error: The stream is damaged.
    """
    inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
    left = stored
    while left is None or left > 0:
        chunk = file.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            break
        left = None if left is None else left - len(chunk)
        while chunk:
            if inflater.eof:
                if not chunk.startswith(GZIP_MAGIC):
                    return
                inflater = zlib.decompressobj(_ZLIB_OR_GZIP)
            yield inflater.decompress(chunk, _PIECE)
            chunk = inflater.unconsumed_tail or inflater.unused_data
    if not inflater.eof:
        raise EOFError
