"""From the positions of single slices to one regular grid, or a reason why there is none.

Terms and conventions: DICOM PS3.3 C.7.6.2 (Image Plane Module).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .geometry import Geometry

POSITION_TOLERANCE_MM = 0.1
"""A slice may lie this far from its place on the regular grid: twice the rounding of a position
written with one decimal. For slices closer than 0.4 mm it is a quarter of their distance."""

SAME_POSITION_MM = 0.01
"""Slices closer than this lie at the same position."""

_ORIENTATION_TOLERANCE = 1e-3
_FLOAT_ERROR_MM = 1e-6


def slice_order(
    positions: npt.NDArray[np.float64], orientation: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Indices that sort slices along their normal.

    Args:
        positions: ImagePositionPatient of every slice, shape (n, 3), LPS mm.
        orientation: ImageOrientationPatient shared by all slices, 6 direction cosines.
    """
    normal = _axes(orientation)[:, 2]
    return np.argsort(positions @ normal, kind="stable")


def stack_geometry(
    positions: npt.NDArray[np.float64],
    orientation: npt.NDArray[np.float64],
    pixel_spacing: tuple[float, float],
    rows: int,
    columns: int,
) -> Geometry:
    """Grid of slices in the order of :func:`slice_order`.

    Args:
        positions: ImagePositionPatient in that order, shape (n, 3) with n >= 2, LPS mm.
        orientation: ImageOrientationPatient, 6 direction cosines.
        pixel_spacing: PixelSpacing: distance between rows, then between columns, in mm.
        rows: Rows of every slice.
        columns: Columns of every slice.

    Raises:
        InputError: Slices are missing, doubled, unevenly spaced, or do not lie straight above each
            other (gantry tilt).
    """
    axes = _axes(orientation)
    depths = positions @ axes[:, 2]
    gaps = np.diff(depths)
    _check_not_doubled(depths, gaps)
    _check_even(depths, gaps)
    _check_straight(positions, depths, axes, pixel_spacing)
    return Geometry(
        size=(columns, rows, len(positions)),
        spacing=(
            float(pixel_spacing[1]),
            float(pixel_spacing[0]),
            float((depths[-1] - depths[0]) / (len(depths) - 1)),
        ),
        origin=(float(positions[0, 0]), float(positions[0, 1]), float(positions[0, 2])),
        direction=tuple(float(d) for d in axes.ravel()),
    )


def _axes(orientation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Right-handed orthonormal axes as columns i, j, k; written cosines are rounded.

    Raises:
        InputError: The two written axes are not unit vectors at right angles.
    """
    i, j = np.reshape(np.asarray(orientation, dtype=float), (2, 3))
    lengths = np.linalg.norm(i), np.linalg.norm(j)
    errors = np.abs([lengths[0] - 1, lengths[1] - 1, i @ j])
    if not (errors < _ORIENTATION_TOLERANCE).all():
        raise InputError(
            "The series' image orientation is damaged (its axes are not at right angles); export "
            "the series again."
        )
    i = i / lengths[0]
    j = j - (i @ j) * i
    j = j / np.linalg.norm(j)
    return np.column_stack([i, j, np.cross(i, j)])


def _check_not_doubled(depths: npt.NDArray[np.float64], gaps: npt.NDArray[np.float64]) -> None:
    doubled = np.flatnonzero(gaps < SAME_POSITION_MM)
    if doubled.size:
        one = doubled.size == 1
        where = f"at {depths[doubled[0]]:.1f} mm" + ("" if one else " and elsewhere")
        raise InputError(
            f"{doubled.size} slice{_s(doubled.size)} of the series lie{'s' if one else ''} where "
            f"another slice already is ({where}: copied files, or several scans in one series); "
            "keep one slice per position."
        )


def _check_even(depths: npt.NDArray[np.float64], gaps: npt.NDArray[np.float64]) -> None:
    regular = np.linspace(depths[0], depths[-1], len(depths))
    # The smallest gaps are too small where positions are rounded, so the mean is taken here.
    if np.abs(depths - regular).max() <= _tolerance(float(gaps.mean())):
        return
    step = float(gaps[gaps < 1.5 * gaps.min()].mean())
    tolerance = _tolerance(step)
    steps = np.rint(gaps / step).astype(int)
    missing = steps - 1
    irregular = (np.abs(gaps - steps * step) > 2 * tolerance).any()
    # A gap of hundreds of steps comes from two slices that nearly coincide, not from lost files.
    if irregular or missing.sum() > len(depths):
        raise InputError(
            f"The slices of the series are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} "
            "mm apart); choose an evenly spaced series, or regularise it first with Slicer's "
            "DICOM import (acquisition geometry regularization)."
        )
    places = [
        f"{missing[n]} between {depths[n]:.1f} and {depths[n + 1]:.1f} mm"
        for n in np.flatnonzero(missing)
    ]
    total = int(missing.sum())
    more = f", and {len(places) - 3} more gaps" if len(places) > 3 else ""
    raise InputError(
        f"{total} slice{_s(total)} of the series {'is' if total == 1 else 'are'} missing "
        f"({', '.join(places[:3])}{more}); copy the complete series."
    )


def _tolerance(step: float) -> float:
    return min(POSITION_TOLERANCE_MM, step / 4) + _FLOAT_ERROR_MM


def _check_straight(
    positions: npt.NDArray[np.float64],
    depths: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    pixel_spacing: tuple[float, float],
) -> None:
    along_normal = np.outer(depths - depths[0], axes[:, 2])
    sideways = np.linalg.norm(positions - positions[0] - along_normal, axis=1)
    # Half a pixel over the whole stack is what rounded cosines may cause, and no more.
    if sideways.max() > 0.5 * min(pixel_spacing):
        raise InputError(
            f"The slices of the series do not lie straight above each other (gantry tilt: up to "
            f"{sideways.max():.1f} mm sideways); regularise it first with Slicer's DICOM import "
            "(acquisition geometry regularization)."
        )


def _s(count: int) -> str:
    return "" if count == 1 else "s"
