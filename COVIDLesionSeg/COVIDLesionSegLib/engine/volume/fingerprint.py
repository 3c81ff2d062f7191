"""The fingerprint of a CT: by it a result and its CT find each other again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..steps import Steps, finish
from .checks import hounsfield_in_steps
from .volume import Volume

FINGERPRINT = "fingerprint"
"""Its name among the facts of a result's input."""
_GRID_STEP_MM = 0.01
_GRID_OFFSET_MM = 0.0017
"""Grids are compared in steps whose borders lie beside the round numbers that grids are made of."""


def fingerprint(volume: Volume) -> str:
    """SHA-256 of a CT's voxels and grid, whatever it is called and wherever it lies.

    Programs may turn the axes of a CT round, and write its grid in decimal numbers: it stays the
    same CT, also where they store its values as another type or leave padding below air. Its
    corner and axes count in hundredths of a millimetre. Nothing can be read from it; who has the
    CT can tell that it is this one.

    Returns:
        64 hexadecimal digits.

    Raises:
        InputError: The CT holds NaN or infinity, or values that are no HU.
    """
    return finish(fingerprint_in_steps(volume))


def made_from(provenance: Mapping[str, Any], volume: Volume) -> bool | None:
    """Whether a result was made from this CT; None where it does not say from which.

    Args:
        provenance: Provenance of the result.
        volume: The CT.
    """
    stated = stated_fingerprint(provenance)
    return None if stated is None else stated == fingerprint(volume)


def stated_fingerprint(provenance: Mapping[str, Any]) -> str | None:
    """The fingerprint of the CT that a result was made from; None where it does not say so."""
    value: str | None = provenance.get("input", {}).get(FINGERPRINT)
    return value


def fingerprint_in_steps(volume: Volume) -> Steps[str]:
    """What :func:`fingerprint` gives, in short steps."""
    volume = replace(volume, array=(yield from hounsfield_in_steps(volume.array)))
    order, size = volume.order, volume.geometry.size
    axes = [2 - axis for axis in order.permutation]  # of the grid, along z, y and x
    first = np.array([0.0, 0.0, 0.0, 1.0])
    for axis, backwards in zip(axes, order.flips, strict=True):
        first[axis] = size[axis] - 1 if backwards else 0
    # Where the far corners lie, so that an error in an axis counts as it grows along the axis.
    points = np.tile(first, (4, 1))
    for point, axis in zip(points[1:], axes, strict=True):
        point[axis] = size[axis] - 1 - point[axis]
    corners = (points @ volume.geometry.ijk_to_ras.T)[:, :3]
    steps = np.floor((corners + _GRID_OFFSET_MM) / _GRID_STEP_MM).astype(int)
    axial = volume.axial
    digest = hashlib.sha256(f"{axial.dtype.str} {axial.shape} {steps.tolist()}".encode())
    for slice_ in axial:
        digest.update(np.ascontiguousarray(slice_).data)
        yield
    return digest.hexdigest()
