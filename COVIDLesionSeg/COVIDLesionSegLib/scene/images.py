"""Numpy arrays as VTK images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import vtk
from vtk.util.numpy_support import numpy_to_vtk


def fill_image(
    image: vtk.vtkImageData, array: npt.NDArray[Any], start: Sequence[int] = (0, 0, 0)
) -> None:
    """Give ``image`` a copy of ``array``.

    Args:
        image: Extent and scalars are replaced; spacing, origin and directions stay.
        array: Shape (k, j, i), of a type that Slicer displays.
        start: Index (k, j, i) of ``array[0, 0, 0]`` on the whole grid.
    """
    extent = []
    for first, length in zip(reversed(start), reversed(array.shape), strict=True):
        extent += [int(first), int(first) + length - 1]
    image.SetExtent(extent)
    scalars = numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True)
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)


def matrix_to_array(matrix: vtk.vtkMatrix4x4) -> npt.NDArray[np.float64]:
    """A 4x4 VTK matrix as an array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def array_to_matrix(array: npt.NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """The inverse of :func:`matrix_to_array`."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel())
    return matrix
