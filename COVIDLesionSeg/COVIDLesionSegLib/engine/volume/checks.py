"""Is this array on this grid a chest CT in HU that the engine can work on?

One set of rules for files, DICOM series and Slicer nodes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..steps import Steps, finish, slabs
from ..text import share_text
from .geometry import Geometry
from .plausible_hu import implausible_hu
from .volume import Volume

MINIMUM_SLICES = 3
"""Fewer axial slices are a localizer or a fragment, not a chest CT."""

MAXIMUM_VOXELS = 2**30
"""1024 x 1024 x 1024."""

THICK_SLICES_MM = 10.0
"""Axial slices further apart than this give a warning."""

AIR_HU = -1024
"""Below is padding outside the field of view (-2048, -3024, ...), raised to this value."""

_HIGHEST_HU = 1e5
"""Metal reaches 31,000 HU at 16 bits; far above are markers of programs, not measurements."""

_VOXEL_MM = (0.01, 200.0)
"""No CT has smaller or larger voxels: a size outside is in another unit, or damaged."""

_FARTHEST_MM = 1e5
"""From the scanner's origin."""

# Lung, airways and the air around the patient. The limits keep noise around -1000 HU in, and out
# both constant padding at -1024 and fat.
_AERATED_HU = (-1020, -500)
_AERATED_SHARE = 0.001


def check_chest_ct(volume: Volume) -> Volume:
    """The volume with its array as int16 HU (float32 where values are fractional), or an error.

    Values below -1024 HU become -1024. Nothing is rescaled, resampled or reordered, and the array
    that was given is never changed. Checking a checked volume again changes nothing.

    Raises:
        InputError: The volume is not a three-dimensional scalar image on an orthogonal grid of
            at least 3 axial slices, is larger than ``MAXIMUM_VOXELS``, holds NaN or infinity, or
            its values are not HU of a chest.
    """
    if volume.array.ndim != 3 or volume.array.dtype.kind not in "iuf":
        raise InputError(
            "The image is not a three-dimensional scalar volume; select a CT, not a colour image, "
            "time series or vector field."
        )
    if volume.array.shape != volume.geometry.shape:
        raise InputError(
            f"The voxel array has shape {volume.array.shape}, but its grid is "
            f"{volume.geometry.shape}; load the CT again."
        )
    check_size(volume.geometry.size)
    check_grid(volume.geometry)
    slices = volume.axial.shape[0]
    if slices < MINIMUM_SLICES:
        raise InputError(
            f"The CT has only {slices} axial slice{'s' if slices > 1 else ''}, but at least "
            f"{MINIMUM_SLICES} are needed; choose the full chest series."
        )
    array = finish(hounsfield_in_steps(volume.array))
    _check_values(array, volume.array)
    warnings = volume.warnings
    distance = volume.axial_spacing[0]
    if distance > THICK_SLICES_MM:
        thick = (
            f"Axial slices are {distance:.1f} mm apart: volumes are rough, and lesions between "
            "slices are missed."
        )
        warnings += () if thick in warnings else (thick,)
    warnings += tuple(one for one in implausible_hu(volume.axial) if one not in warnings)
    return replace(volume, array=array, warnings=warnings)


def check_size(size: tuple[int, ...]) -> None:
    """Refuse a grid with more than ``MAXIMUM_VOXELS`` voxels, before they are read.

    Raises:
        InputError: The grid is too large.
    """
    voxels = int(np.prod([int(n) for n in size], dtype=object))
    if voxels > MAXIMUM_VOXELS:
        raise InputError(
            f"The volume has {' x '.join(str(n) for n in size)} voxels, too many to analyse; crop "
            f"or resample it to at most {MAXIMUM_VOXELS / 1e9:.2f} billion voxels."
        )


def check_grid(geometry: Geometry) -> None:
    """Refuse voxel sizes and positions that no CT has, and axes that are not orthogonal.

    Raises:
        InputError: The grid is degenerate, not in mm, or sheared.
    """
    numbers = (*geometry.spacing, *geometry.origin, *geometry.direction)
    if not np.isfinite(numbers).all() or min(geometry.spacing) <= 0:
        raise InputError(
            f"The volume's grid is damaged (voxel size {' x '.join(map(str, geometry.spacing))} "
            "mm); correct its spacing, origin and directions."
        )
    low, high = _VOXEL_MM
    if not all(low <= mm <= high for mm in geometry.spacing):
        raise InputError(
            f"The volume's voxels measure {' x '.join(f'{mm:g}' for mm in geometry.spacing)} mm, "
            "which no CT has; correct its spacing, which must be in mm."
        )
    if max(abs(mm) for mm in geometry.origin) > _FARTHEST_MM:
        raise InputError(
            f"The volume's grid is damaged (it begins {max(map(abs, geometry.origin)):g} mm from "
            "the scanner's origin); correct its origin."
        )
    direction = np.reshape(geometry.direction, (3, 3))
    with np.errstate(over="ignore", invalid="ignore"):  # NaN counts as sheared
        orthogonal = np.abs(direction.T @ direction - np.eye(3)).max() <= 1e-3
    if not orthogonal:
        raise InputError(
            "The volume's axes are not at right angles (sheared, as with gantry tilt); resample "
            "it to an orthogonal grid first, for example by hardening its acquisition transform "
            "in Slicer."
        )


def hounsfield_in_steps(array: npt.NDArray[Any]) -> Steps[npt.NDArray[Any]]:
    """Values as :func:`check_chest_ct` gives them, in short steps; the array itself if it is so.

    Args:
        array: Integers or fractions, of any type.

    Returns:
        int16 where nothing is lost, else float32, with padding raised to ``AIR_HU``.

    Raises:
        InputError: It holds NaN or infinity, or values that are no HU.
    """
    fractional = array.dtype.kind == "f"
    lowest, highest = np.inf, -np.inf
    finite, integral = 0, True
    for part in slabs(array):
        values = array[part]
        if fractional:
            finite += int(np.count_nonzero(np.isfinite(values)))
            integral = integral and np.array_equal(np.rint(values), values)
        # As Python's numbers: float16 holds no limit of HU.
        lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
        yield
    if fractional and finite < array.size:
        raise InputError(
            f"{share_text(1 - finite / array.size, 1)} of the voxels are NaN or infinite; "
            "export the CT again "
            "with numbers in every voxel."
        )
    if highest > _HIGHEST_HU:
        raise InputError(
            f"Values run from {lowest:g} to {highest:g}, so they are not HU (metal is below "
            "31,000 HU); export the CT again without other values."
        )
    dtype = np.int16 if integral and highest <= np.iinfo(np.int16).max else np.float32
    if lowest >= AIR_HU and array.dtype == dtype:
        return array
    checked = np.empty(array.shape, dtype)
    for part in slabs(array):
        values = array[part]
        checked[part] = np.maximum(values, array.dtype.type(AIR_HU)) if lowest < AIR_HU else values
        yield
    return checked


def _check_values(array: npt.NDArray[Any], stored: npt.NDArray[Any]) -> None:
    lowest, highest = stored.min(), stored.max()
    if lowest == highest:
        raise InputError(f"Every voxel has the same value ({lowest:g}): the volume is empty.")
    if lowest >= 0:
        raise InputError(
            f"Values run from {lowest:g} to {highest:g}, so they are not HU (air is -1000 HU); "
            "use a CT, with rescale slope and intercept applied."
        )
    low, high = _AERATED_HU
    aerated = sum(np.count_nonzero((s > low) & (s < high)) for s in array) / array.size
    if aerated < _AERATED_SHARE:
        raise InputError(
            f"Values run from {lowest:g} to {highest:g}, but hardly any lies where lung and air "
            f"do ({low} to {high} HU): not a chest CT in HU; check the modality and the rescale "
            "slope and intercept."
        )
