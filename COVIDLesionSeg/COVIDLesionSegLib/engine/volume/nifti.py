"""The parts of a NIfTI header that ITK repairs or chooses silently, and must not.

ITK replaces a voxel size of zero or NaN by 1 mm, and takes one of qform, sform and pixdim without
a word where they contradict each other about left and right or about the voxel size. Field
offsets: ``nifti1.h``, ``nifti2.h`` (https://nifti.nimh.nih.gov).
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .geometry import AxialOrder, Geometry

GZIP_MAGIC = b"\x1f\x8b"

ORIENTATION_UNKNOWN = (
    "The file does not state the patient's orientation: left and right may be swapped."
)

_SAME_SIZE = 1e-2
"""Relative difference between two voxel sizes that rounding can explain."""

_NIFTI1 = {
    "dim": ("8i2", 40),
    "bits_per_voxel": ("i2", 72),
    "pixdim": ("8f4", 76),
    "voxel_offset": ("f4", 108),
    "qform_code": ("i2", 252),
    "sform_code": ("i2", 254),
    "quaternion": ("3f4", 256),
    "srow": ("(3,4)f4", 280),
}
_NIFTI2 = {
    "bits_per_voxel": ("i2", 14),
    "dim": ("8i8", 16),
    "pixdim": ("8f8", 104),
    "voxel_offset": ("i8", 168),
    "qform_code": ("i4", 344),
    "sform_code": ("i4", 348),
    "quaternion": ("3f8", 352),
    "srow": ("(3,4)f8", 400),
}
_LAYOUT_BY_SIZE = {348: _NIFTI1, 540: _NIFTI2}


@dataclass(frozen=True)
class NiftiHeader:
    """What the header states, before ITK interprets it.

    Attributes:
        pixdim: Voxel size along i, j, k as stored; zero or NaN where it is unknown.
        qform: Direction cosines (3x3) by the quaternion, or None if qform_code is 0.
        sform: Direction cosines (3x3) by the affine, or None if sform_code is 0.
        sform_mm: Voxel size along i, j, k by the affine, or None if sform_code is 0.
        file_size: Smallest size in bytes of a complete, uncompressed file.
    """

    pixdim: tuple[float, float, float]
    qform: np.ndarray | None
    sform: np.ndarray | None
    sform_mm: np.ndarray | None
    file_size: int


def read_nifti_header(path: Path) -> NiftiHeader:
    """Header of a single-file NIfTI-1 or NIfTI-2, gzipped or not.

    Raises:
        InputError: The file is not NIfTI.
    """
    header = _fields(_first_bytes(path, max(_LAYOUT_BY_SIZE)))
    if header is None:
        raise InputError(
            f"{path.name} is not a NIfTI file, or is damaged; copy or export it again."
        )
    dim = [int(n) for n in header["dim"]]
    voxels = int(np.prod(np.array(dim[1 : dim[0] + 1], dtype=object)))
    has_sform = header["sform_code"] > 0
    return NiftiHeader(
        pixdim=tuple(float(p) for p in header["pixdim"][1:4]),
        qform=_quaternion_cosines(header) if header["qform_code"] > 0 else None,
        sform=_affine_cosines(header) if has_sform else None,
        sform_mm=_affine_lengths(header) if has_sform else None,
        file_size=int(header["voxel_offset"]) + voxels * int(header["bits_per_voxel"]) // 8,
    )


def check_nifti_header(path: Path) -> tuple[str, ...]:
    """Refuse what ITK would repair silently; returns warnings about what is merely unknown.

    Raises:
        InputError: Not NIfTI, voxel size unknown, pixdim and sform give different ones, or qform
            and sform orient the patient differently.
    """
    header = read_nifti_header(path)
    if not all(np.isfinite(p) and p != 0 for p in header.pixdim):
        raise InputError(
            f"{path.name} does not state its voxel size (pixdim); correct its header, because "
            "volumes in ml cannot be computed without it."
        )
    if header.sform_mm is not None and not np.allclose(
        header.sform_mm, np.abs(header.pixdim), rtol=_SAME_SIZE, atol=0
    ):
        raise InputError(
            f"{path.name} contradicts itself: its pixdim and sform give different voxel sizes, so "
            "volumes in ml are unknown; export it again or correct its header."
        )
    if header.qform is None and header.sform is None:
        return (ORIENTATION_UNKNOWN,)
    if header.qform is not None and header.sform is not None:
        orders = {AxialOrder.of(_unit_grid(cosines)) for cosines in (header.qform, header.sform)}
        if len(orders) > 1:
            raise InputError(
                f"{path.name} contradicts itself: its qform and sform orient the patient "
                "differently, so left and right are unknown; export it again or correct its "
                "header."
            )
    return ()


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        start = file.read(count)
    if not start.startswith(GZIP_MAGIC):
        return start
    try:
        with gzip.open(path) as file:
            return file.read(count)
    except (OSError, EOFError, zlib.error):
        return b""


def _fields(start: bytes) -> np.void | None:
    """Fields of the header in the byte order in which its first number, its size, makes sense."""
    for byte_order in "<>":
        size = int.from_bytes(start[:4], "little" if byte_order == "<" else "big")
        layout = _LAYOUT_BY_SIZE.get(size)
        if layout is not None and len(start) >= size:
            fields = np.dtype(
                {
                    "names": list(layout),
                    "formats": [np.dtype(form) for form, _ in layout.values()],
                    "offsets": [offset for _, offset in layout.values()],
                    "itemsize": size,
                }
            )
            return np.frombuffer(start, fields.newbyteorder(byte_order), count=1)[0]
    return None


def _quaternion_cosines(header: np.void) -> np.ndarray:
    """Rotation by the quaternion (a, b, c, d), a >= 0, its third column signed by pixdim[0]."""
    b, c, d = (float(part) for part in header["quaternion"])
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    cosines = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    cosines[:, 2] *= -1.0 if header["pixdim"][0] < 0 else 1.0
    return cosines


def _affine_cosines(header: np.void) -> np.ndarray:
    lengths = _affine_lengths(header)
    return header["srow"][:, :3].astype(float) / np.where(lengths > 0, lengths, 1.0)


def _affine_lengths(header: np.void) -> np.ndarray:
    return np.linalg.norm(header["srow"][:, :3].astype(float), axis=0)


def _unit_grid(cosines: np.ndarray) -> Geometry:
    return Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(cosines.ravel()))
