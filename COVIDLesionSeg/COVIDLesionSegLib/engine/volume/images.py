"""Between SimpleITK's images and arrays with a Geometry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt
import SimpleITK as sitk

from ..errors import InputError
from .geometry import Geometry

_LONGEST_PATH = 800
"""Bytes; ITK's NRRD reader overflows from 1024 on where it names the file in a complaint."""


def itk_path(path: Path, name: str | None = None) -> str:
    """A path as ITK takes it, which ends the process on one that is not UTF-8 or too long.

    Every path that reaches its readers and writers goes through here.

    Args:
        path: Any path.
        name: What a message calls the file; its own name if None.

    Raises:
        InputError: The path has bytes that are not UTF-8, as in names from old archives, or is
            longer than 800 bytes.
    """
    text = str(path)
    shown = os.fsencode(path.name).decode("utf-8", "replace") if name is None else name
    try:
        length = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError(
            f"The path of {shown} holds characters that are not UTF-8; rename the file or its "
            "folder."
        ) from error
    if length > _LONGEST_PATH:
        raise InputError(f"The path of {shown} is too long; move it to a folder higher up.")
    return text


def geometry_of(image: sitk.Image | sitk.ImageFileReader) -> Geometry:
    """Grid of a three-dimensional image, or of the file whose header a reader has read."""
    stated: Any = image  # SimpleITK has no types
    i, j, k = (int(n) for n in stated.GetSize())
    spacing_i, spacing_j, spacing_k = (float(s) for s in stated.GetSpacing())
    left, posterior, superior = (float(o) for o in stated.GetOrigin())
    return Geometry(
        size=(i, j, k),
        spacing=(spacing_i, spacing_j, spacing_k),
        origin=(left, posterior, superior),
        direction=tuple(float(d) for d in stated.GetDirection()),
    )


def image_from(array: npt.NDArray[Any], geometry: Geometry) -> sitk.Image:
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
