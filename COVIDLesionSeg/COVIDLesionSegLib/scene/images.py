"""Numpy arrays as VTK images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import vtk
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy


def empty_array(
    image: vtk.vtkImageData,
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    start: Sequence[int] = (0, 0, 0),
) -> npt.NDArray[Any]:
    """Give ``image`` voxels of no value yet, and return them to be filled: VTK's own memory.

    Args:
        image: Extent and scalars are replaced; spacing, origin and directions stay.
        shape: (k, j, i), none of them 0.
        dtype: A type that Slicer displays.
        start: Index (k, j, i) of the array's first voxel on the whole grid.
    """
    extent = []
    for first, length in zip(reversed(start), reversed(shape), strict=True):
        extent += [int(first), int(first) + int(length) - 1]
    image.SetExtent(extent)
    image.AllocateScalars(get_vtk_array_type(np.dtype(dtype)), 1)
    array: npt.NDArray[Any] = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)
    return array


def fill_image(
    image: vtk.vtkImageData, array: npt.NDArray[Any], start: Sequence[int] = (0, 0, 0)
) -> None:
    """Give ``image`` a copy of ``array``, of shape (k, j, i), see :func:`empty_array`."""
    empty_array(image, array.shape, array.dtype, start)[...] = array


def matrix_to_array(matrix: vtk.vtkMatrix4x4) -> npt.NDArray[np.float64]:
    """A 4x4 VTK matrix as an array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def array_to_matrix(array: npt.NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """The inverse of :func:`matrix_to_array`."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel())
    return matrix
