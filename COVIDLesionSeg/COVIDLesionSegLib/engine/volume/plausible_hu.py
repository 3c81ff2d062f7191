"""Are these values HU? Told by what is known of every chest: air around it, and soft tissue."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..flags import Flag

_AIR_HU = -1000.0
_AIR_WITHIN = 60.0  # HU; calibrated scanners measure air far more exactly
_SOFT_TISSUE_HU = (-150.0, 120.0)  # from fat to muscle and blood with contrast medium
_SLICES, _PIXELS = 48, 128  # that are looked at, at most, along each axis
_BIN = 10.0  # HU
_NEAR = 50.0  # HU from a mode
_PADDING_SHARE = 0.005  # of all voxels have the lowest value: padding, or cut off there
_AIR_SHARE = 0.5  # of the outermost voxels are near their mode, where it is air
_DARKER_SHARE = 0.002  # of all voxels, at most, are darker than the air around the patient
_TISSUE_ABOVE = -400.0  # HU
_TISSUE_SHARE = 0.3  # of what is above are near the mode, where it is soft tissue
_IMPLAUSIBLE = "The values may not be HU"


def implausible_hu(axial: npt.NDArray[Any]) -> tuple[str, ...]:
    """A warning with the measured value where air or soft tissue has none that it can have.

    Air is looked for at the border of the field of view; where the patient fills it, soft tissue
    alone tells.

    Args:
        axial: Values (z, y, x) in axial order, before padding is raised to -1024 HU.
    """
    steps = [
        max(1, -(-size // most))
        for size, most in zip(axial.shape, (_SLICES, _PIXELS, _PIXELS), strict=True)
    ]
    part = axial[tuple(slice(None, None, step) for step in steps)].astype(np.float32)
    seen = part > part.min()
    if np.count_nonzero(~seen) < _PADDING_SHARE * seen.size:
        seen[:] = True
    values = part[seen]
    rim = part[_rim(seen)]
    air = _mode(rim)
    is_air = (
        air < _TISSUE_ABOVE
        and np.mean(np.abs(rim - air) <= _NEAR) >= _AIR_SHARE
        and np.mean(values < air - 2 * _NEAR) <= _DARKER_SHARE
    )
    if is_air and abs(air - _AIR_HU) > _AIR_WITHIN:
        return (
            f"{_IMPLAUSIBLE}: the air around the patient has {air:.0f}, not about -1000; check "
            "rescale slope and intercept, and do not rely on the result.",
        )
    tissue = values[values > _TISSUE_ABOVE]
    if not tissue.size:
        return ()
    mode = _mode(tissue)
    low, high = _SOFT_TISSUE_HU
    is_peak = mode > _TISSUE_ABOVE + _NEAR  # or it is the tail of a lung that was cut out
    if (
        is_peak
        and not low <= mode <= high
        and np.mean(np.abs(tissue - mode) <= _NEAR) >= _TISSUE_SHARE
    ):
        return (
            f"{_IMPLAUSIBLE}: soft tissue has {mode:.0f}, outside {low:.0f} to {high:.0f}; check "
            "rescale slope and intercept, and do not rely on the result.",
        )
    return ()


def input_flag(warning: str) -> Flag:
    """The flag of a warning about a CT: ``hu-implausible``, or ``input`` for all others."""
    return Flag("hu-implausible" if warning.startswith(_IMPLAUSIBLE) else "input", warning)


def _rim(seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The first and last voxel that is seen in each row and each column of every slice."""
    rim = np.zeros(seen.shape, bool)
    for axis in (1, 2):
        for step in (1, -1):
            turned = np.flip(seen, axis) if step < 0 else seen
            first = np.expand_dims(turned.argmax(axis), axis)
            if step < 0:
                first = seen.shape[axis] - 1 - first
            np.put_along_axis(rim, first, True, axis)
    return rim & seen


def _mode(values: npt.NDArray[np.float32]) -> float:
    """The most frequent value, to 10 HU; over three bins, so that noise does not decide."""
    bins = np.rint(np.clip(values, -4000, 4000) / _BIN).astype(np.int64)
    lowest = int(bins.min())
    counts = np.bincount(bins - lowest)
    return float(np.convolve(counts, np.ones(3), "same").argmax() + lowest) * _BIN
