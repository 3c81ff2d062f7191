"""Volume nodes to the engine's volumes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..engine.errors import InputError
from ..engine.volume import Geometry, Volume
from . import names
from .images import array_to_matrix, fill_image, matrix_to_array

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

LUNG_WINDOW = (1500.0, -600.0)
"""Width and level in HU in which lungs are read."""

_ORTHOGONALITY_TOLERANCE = 1e-3


def volume_from_node(node) -> Volume:
    """The CT in a scalar volume node, as the engine takes it.

    The grid is the one the user sees: a linear parent transform is applied to it. Voxels are
    copied, never resampled.

    Args:
        node: A ``vtkMRMLScalarVolumeNode`` in HU.

    Raises:
        InputError: The node is no grey-scale volume, is empty, is a result of this package, or is
            under a transform that bends or shears its grid.
    """
    _check_is_scalar_volume(node)
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars()
    array = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])
    return Volume(
        array=_hounsfield_type(array),
        geometry=world_geometry(node),
        source={"format": "Slicer volume node"},
    )


def first_ct(scene: vtkMRMLScene) -> vtkMRMLScalarVolumeNode | None:
    """The scene's first volume that may be a CT, or None."""
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode")
        if may_be_ct(node):
            return node
    return None


def may_be_ct(node: vtkMRMLScalarVolumeNode) -> bool:
    """Whether a volume may be a CT: no label map, no result of this package, not hidden."""
    is_result = node.GetAttribute(names.ROLE_ATTRIBUTE) is not None
    # Label maps are of a class derived from this one.
    is_grey = node.GetClassName() == "vtkMRMLScalarVolumeNode"
    return is_grey and not is_result and not node.GetHideFromEditors()


def volume_to_node(volume: Volume, name: str, scene=None):
    """A new scalar volume node with the engine's volume.

    Args:
        volume: HU on its grid.
        name: Node name; it must not identify the patient.
        scene: Where the node goes; ``slicer.mrmlScene`` if not given.
    """
    scene = scene or slicer.mrmlScene
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    set_voxels(node, volume.array, volume.geometry.ijk_to_ras)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*LUNG_WINDOW)
    return node


def set_voxels(node, array: np.ndarray, ijk_to_ras: np.ndarray) -> None:
    """Give a volume node a copy of ``array`` (k, j, i) on the grid ``ijk_to_ras`` (4x4)."""
    image = vtk.vtkImageData()
    fill_image(image, array)
    node.SetIJKToRASMatrix(array_to_matrix(ijk_to_ras))
    node.SetAndObserveImageData(image)
    node.StorableModified()


def local_ijk_to_ras(node) -> np.ndarray:
    """4x4 matrix from voxel indices to the node's own coordinates, below its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix_to_array(matrix)


def world_geometry(node) -> Geometry:
    """The grid of a volume node where the user sees it, its parent transform applied.

    Raises:
        InputError: The transform bends or shears the grid.
    """
    matrix = _parent_to_world(node) @ local_ijk_to_ras(node)
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > _ORTHOGONALITY_TOLERANCE:
        raise InputError(
            "The axes of the CT are not perpendicular (gantry tilt, or a transform that shears), "
            "so it cannot be segmented: resample it onto a regular grid first."
        )
    return Geometry.from_ijk_to_ras(matrix, node.GetImageData().GetDimensions())


def _check_is_scalar_volume(node) -> None:
    if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError("No CT is selected: choose a volume.")
    if node.GetAttribute(names.ROLE_ATTRIBUTE) is not None:
        raise InputError("The selected volume is a result, not a CT: choose the CT.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError("The selected volume is a label map, not a CT: choose the CT itself.")
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or 0 in image.GetDimensions():
        raise InputError("The selected volume has no voxels: load it again, or choose another.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError("The selected volume has colours or vectors, so it is not a CT in HU.")


def _hounsfield_type(array: np.ndarray) -> np.ndarray:
    """A copy as int16 where nothing is lost, else as float32."""
    if np.issubdtype(array.dtype, np.integer):
        limits = np.iinfo(np.int16)
        if array.min() >= limits.min and array.max() <= limits.max:
            return array.astype(np.int16)
    return array.astype(np.float32)


def _parent_to_world(node) -> np.ndarray:
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputError(
            "The CT is under a nonlinear transform: harden the transform (Data module), "
            "or take the CT out of it, and run again."
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return matrix_to_array(matrix)
