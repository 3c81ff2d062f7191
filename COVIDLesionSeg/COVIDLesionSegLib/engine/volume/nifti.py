"""NIfTI-1 in one file: what ITK repairs or chooses silently in its header, and its voxels.

ITK takes a file whose mark is damaged for ANALYZE, which has no orientation. It replaces a voxel
size of zero or NaN by 1 mm. It takes one of qform, sform and pixdim without a word where they
contradict each other, and a qform where the sform is sheared. It turns NaN and infinity into 0, and
reads the voxels of ``ct.nii`` where ``ct.nii.gz`` beside it was asked for. Field offsets:
``nifti1.h`` (https://nifti.nimh.nih.gov).
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .checks import check_grid
from .file_header import (
    GZIP_MAGIC,
    ORIENTATION_UNKNOWN,
    FileHeader,
    VoxelData,
    damaged,
    read_voxel_bytes,
)
from .geometry import AxialOrder, FloatArray, Geometry

_HEADER_BYTES = 348
_FIRST_VOXEL = 352
"""The header and the four bytes that say whether extensions follow."""

_FIELDS = {
    "dim": ("8i2", 40),
    "datatype": ("i2", 70),
    "pixdim": ("8f4", 76),
    "vox_offset": ("f4", 108),
    "scl_slope": ("f4", 112),
    "scl_inter": ("f4", 116),
    "xyzt_units": ("u1", 123),
    "qform_code": ("i2", 252),
    "sform_code": ("i2", 254),
    "quatern": ("3f4", 256),
    "qoffset": ("3f4", 268),
    "srow": ("(3,4)f4", 280),
}
_LAYOUT = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [form for form, _ in _FIELDS.values()],
        "offsets": [offset for _, offset in _FIELDS.values()],
        "itemsize": _HEADER_BYTES,
    }
)
_DATATYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Of the unit of length: not stated, metre, millimetre, micrometre."""

_SAME_SIZE = 1e-2
"""Relative difference between two voxel sizes that rounding can explain."""


@dataclass(frozen=True)
class NiftiHeader(FileHeader):
    """A NIfTI-1 header that agrees with itself.

    Attributes:
        dtype: Of a stored value, with its byte order; None if a voxel is no real number.
        slope: What stored values are multiplied with, before ``intercept`` is added.
    """

    dtype: np.dtype[Any] | None
    slope: float
    intercept: float


def read_nifti_header(path: Path) -> NiftiHeader:
    """The checked header of a .nii or .nii.gz file.

    Raises:
        InputError: The file is not NIfTI-1, its voxel size is unknown, its axes are sheared, or
            its fields contradict each other about voxel size, orientation or scaling.
    """
    start, compressed = _first_bytes(path)
    fields, byte_order = _parse(start, path.name)
    size = _size(fields, path.name)
    pixdim = _voxel_size(fields, path.name)
    offset = float(fields["vox_offset"])
    if not _FIRST_VOXEL <= offset < math.inf:
        raise damaged(path.name, f"its voxels cannot begin at byte {offset:g}")
    slope, intercept = _scaling(fields, path.name)
    code = _DATATYPES.get(int(fields["datatype"]))
    return NiftiHeader(
        name=path.name,
        size=size,
        spacing=tuple(p * _MM.get(int(fields["xyzt_units"]) & 7, 1.0) for p in pixdim[: len(size)]),
        warnings=_check_orientation(fields, size, pixdim, path.name),
        voxels=VoxelData(path, skip=int(offset), compressed=compressed),
        dtype=None if code is None else np.dtype(code).newbyteorder(byte_order),
        slope=slope,
        intercept=intercept,
    )


def read_nifti_voxels(header: NiftiHeader) -> npt.NDArray[Any]:
    """All voxels of a three-dimensional file, shape (k, j, i), as they are stored.

    The stored type is kept unless the file scales its values: then float32, or float64 where
    float32 would round.

    Raises:
        InputError: Voxels are missing or damaged, or are no real numbers.
    """
    if header.dtype is None:
        raise InputError(
            f"{header.name} is not a three-dimensional scalar volume (its values are no real "
            "numbers); give one CT volume."
        )
    content = read_voxel_bytes(header, math.prod(header.size) * header.dtype.itemsize)
    stored = np.frombuffer(content, header.dtype).reshape(header.size[::-1])
    stored = stored.astype(header.dtype.newbyteorder("="), copy=False)
    if (header.slope, header.intercept) == (1.0, 0.0):
        return stored
    exact = header.dtype.itemsize <= 2 or header.dtype == np.float32
    scaled = np.empty(stored.shape, np.float32 if exact else np.float64)
    for values, result in zip(stored, scaled, strict=True):
        result[:] = values * np.float64(header.slope) + header.intercept
    return scaled


def _first_bytes(path: Path) -> tuple[bytes, bool]:
    """The bytes of the header, unpacked, and whether the file is compressed."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if not start.startswith(GZIP_MAGIC):
        return start, False
    if not path.name.lower().endswith(".gz"):
        raise InputError(
            f"{path.name} is compressed with gzip, but its name does not say so: rename it to "
            f"{path.name}.gz."
        )
    try:
        with gzip.open(path) as unpacked:
            return unpacked.read(_HEADER_BYTES), True
    except (OSError, EOFError, zlib.error):
        return b"", True


def _parse(start: bytes, name: str) -> tuple[np.void, Literal["<", ">"]]:
    """The fields and the byte order in which the header's first number, its size, makes sense."""
    little, big = int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")
    mark = start[344:348]
    if 540 in (little, big):
        raise InputError(f"{name} is NIfTI-2, which is not read here; convert it to NIfTI-1.")
    if mark == b"ni1\0":
        raise InputError(f"{name} has its voxels in another file; convert the pair to one .nii.gz.")
    if mark != b"n+1\0" or _HEADER_BYTES not in (little, big):
        raise InputError(f"{name} is not a NIfTI file, or is damaged; copy or export it again.")
    byte_order: Literal["<", ">"] = "<" if little == _HEADER_BYTES else ">"
    return np.frombuffer(start, _LAYOUT.newbyteorder(byte_order), count=1)[0], byte_order


def _size(fields: np.void, name: str) -> tuple[int, ...]:
    count, *lengths = (int(n) for n in fields["dim"])
    if not 1 <= count <= 7 or min(lengths[:count]) < 1:
        raise damaged(name, "its dimensions are not positive numbers")
    while count > 3 and lengths[count - 1] == 1:
        count -= 1
    return tuple(lengths[:count])


def _voxel_size(fields: np.void, name: str) -> tuple[float, ...]:
    pixdim = tuple(float(p) for p in fields["pixdim"][1:4])
    if not all(math.isfinite(p) and p != 0 for p in pixdim):
        raise InputError(
            f"{name} does not state its voxel size (pixdim); correct its header, because volumes "
            "in ml cannot be computed without it."
        )
    return pixdim


def _scaling(fields: np.void, name: str) -> tuple[float, float]:
    """Slope and intercept; a slope of zero or NaN means that values are stored as they are."""
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    unscaled = slope == 0 or math.isnan(slope)
    if unscaled and (intercept == 0 or math.isnan(intercept)):
        return 1.0, 0.0
    # Some programs add the intercept although the slope says that there is no scaling.
    if unscaled or not (math.isfinite(slope) and math.isfinite(intercept)):
        raise damaged(name, f"it scales its values by {slope:g} and adds {intercept:g}")
    return slope, intercept


def _check_orientation(
    fields: np.void, size: tuple[int, ...], pixdim: tuple[float, ...], name: str
) -> tuple[str, ...]:
    """Refuse a sheared sform, and a qform and sform that place the slices differently.

    They may differ in the position of the whole volume, which changes no result.
    """
    has_qform, has_sform = fields["qform_code"] > 0, fields["sform_code"] > 0
    if not has_qform and not has_sform:
        return (ORIENTATION_UNKNOWN,)
    used = [fields[field] for field in ("quatern", "qoffset") if has_qform]
    used += [fields["srow"]] if has_sform else []
    if not all(np.isfinite(numbers).all() for numbers in used):
        raise damaged(name, "its qform or sform holds NaN or infinity")
    if not has_sform:
        return ()
    affine = fields["srow"][:, :3].astype(float)
    lengths = np.linalg.norm(affine, axis=0)
    if not lengths.all():
        raise damaged(name, "its sform has an axis of length 0")
    sform = affine / lengths
    check_grid(_unit_grid(sform))
    if not np.allclose(lengths, np.abs(pixdim), rtol=_SAME_SIZE, atol=0):
        raise InputError(
            f"{name} contradicts itself: its pixdim and sform give different voxel sizes, so "
            "volumes in ml are unknown; export it again or correct its header."
        )
    if not has_qform:
        return ()
    qform = _quaternion_cosines(fields)
    if AxialOrder.of(_unit_grid(qform)) != AxialOrder.of(_unit_grid(sform)):
        raise InputError(
            f"{name} contradicts itself: its qform and sform orient the patient differently, so "
            "left and right are unknown; export it again or correct its header."
        )
    extent = (np.array((*size, 1, 1)[:3]) - 1) * np.abs(pixdim)
    apart = float((np.linalg.norm(qform - sform, axis=0) * extent).max())
    # A quaternion in single precision can be wrong by 6e-4 rad.
    if apart > min(abs(p) for p in pixdim):
        raise InputError(
            f"{name} contradicts itself: its qform and sform are turned against each other, by "
            f"{apart:.1f} mm across the volume; export it again or correct its header."
        )
    return ()


def _quaternion_cosines(fields: np.void) -> FloatArray:
    """Rotation by the quaternion (a, b, c, d), a >= 0, its third column signed by pixdim[0]."""
    # SciPy's Rotation asks for torch, which another thread may be importing while a CT is read.
    b, c, d = (float(part) for part in fields["quatern"])
    a = math.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    a, b, c, d = np.array([a, b, c, d]) / math.hypot(a, b, c, d)
    cosines = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    cosines[:, 2] *= -1.0 if fields["pixdim"][0] < 0 else 1.0
    return cosines


def _unit_grid(cosines: FloatArray) -> Geometry:
    return Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(cosines.ravel().tolist()))
