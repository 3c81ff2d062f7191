"""Numpy arrays as VTK images and back, and where images lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import vtk
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from ..engine.errors import InputError

if TYPE_CHECKING:
    from slicer import vtkMRMLTransformableNode, vtkOrientedImageData


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
    return voxels_of(image)


def fill_image(
    image: vtk.vtkImageData, array: npt.NDArray[Any], start: Sequence[int] = (0, 0, 0)
) -> None:
    """Give ``image`` a copy of ``array``, of shape (k, j, i), see :func:`empty_array`."""
    empty_array(image, array.shape, array.dtype, start)[...] = array


def voxels_of(image: vtk.vtkImageData) -> npt.NDArray[Any]:
    """Voxels (k, j, i) of an image that has scalars, one for each, in VTK's memory."""
    scalars: npt.NDArray[Any] = vtk_to_numpy(image.GetPointData().GetScalars())
    return scalars.reshape(image.GetDimensions()[::-1])


def extent_of(image: vtk.vtkImageData) -> npt.NDArray[np.int_]:
    """First and last index along (i, j, k), shape (3, 2); the last is lower where it is empty."""
    return np.array(image.GetExtent()).reshape(3, 2)


def image_to_world(image: vtkOrientedImageData) -> npt.NDArray[np.float64]:
    """4x4, from indices (i, j, k) to mm of the node that holds the image."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrix_to_array(matrix)


def parent_to_world(node: vtkMRMLTransformableNode, called: str) -> npt.NDArray[np.float64]:
    """4x4, from the mm of a node to those of the world: the transforms that it lies below.

    Args:
        node: A CT or a segmentation.
        called: What an error calls it.

    Raises:
        InputError: A transform bends space.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputError(
            f"There is a nonlinear transform above {called}: harden the transform (Data module), "
            f"or take {called} out of it, and try again."
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return matrix_to_array(matrix)


def matrix_to_array(matrix: vtk.vtkMatrix4x4) -> npt.NDArray[np.float64]:
    """A 4x4 VTK matrix as an array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def array_to_matrix(array: npt.NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """The inverse of :func:`matrix_to_array`."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel())
    return matrix
