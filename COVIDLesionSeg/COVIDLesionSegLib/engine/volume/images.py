"""Between SimpleITK's images and arrays with a Geometry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk

from .geometry import Geometry


def geometry_of(image: sitk.Image | sitk.ImageFileReader) -> Geometry:
    """Grid of a three-dimensional image, or of the file whose header a reader has read."""
    return Geometry(
        size=tuple(int(n) for n in image.GetSize()),
        spacing=tuple(float(s) for s in image.GetSpacing()),
        origin=tuple(float(o) for o in image.GetOrigin()),
        direction=tuple(float(d) for d in image.GetDirection()),
    )


def image_from(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    """Scalar image of a stored array, shape (k, j, i), on ``geometry``.

    Raises:
        ValueError: The array's shape is not the grid's.
    """
    if array.shape != geometry.shape:
        raise ValueError(f"array has shape {array.shape}, but its grid {geometry.shape}")
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    return image


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings off stderr; restored afterwards, as Slicer shares ITK with this code."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
