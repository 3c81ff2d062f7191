"""Volume nodes to the engine's volumes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.errors import InputError
from ..engine.labels import LUNG_WINDOW
from ..engine.steps import Steps, copied, slabs
from ..engine.volume import Geometry, Volume
from . import names
from .images import array_to_matrix, fill_image, matrix_to_array, parent_to_world, voxels_of

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

_ORTHOGONALITY_TOLERANCE = 1e-3


def volume_from_node_in_steps(node: Any) -> Steps[Volume]:
    """The CT in a scalar volume node, as the engine takes it, copied in short steps.

    The grid is in world coordinates: a linear parent transform is applied to it. Voxels are
    copied, never resampled.

    Args:
        node: A ``vtkMRMLScalarVolumeNode`` in HU.

    Raises:
        InputError: The node is no grey-scale volume, is empty, is a result of this package, holds
            an image with an origin, spacing or direction of its own, or is under a transform that
            bends or shears its grid: the first step raises that. Or the node got other voxels
            between two steps.
    """
    check_is_ct(node)
    image = image_of(node)
    geometry = world_geometry(node)
    array = voxels_of(image)
    state = voxel_state(node)
    yield
    copy = yield from _hounsfield_type(array)
    if voxel_state(node) != state:
        raise changed_while_read()
    return Volume(copy, geometry, source={"format": "Slicer volume node"})


def voxel_state(node: Any) -> tuple[vtk.vtkImageData | None, int]:
    """What is another for a volume node that got other voxels: quick to find out."""
    image = node.GetImageData()
    return image, 0 if image is None else int(image.GetMTime())


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


def volume_to_node(
    volume: Volume, name: str, scene: vtkMRMLScene | None = None
) -> vtkMRMLScalarVolumeNode:
    """A new scalar volume node with the engine's volume.

    Args:
        volume: HU on its grid.
        name: Node name; it must not identify the patient.
        scene: Where the node goes; ``slicer.mrmlScene`` if not given.
    """
    image = vtk.vtkImageData()
    fill_image(image, volume.array)
    return image_to_node(image, volume.geometry, name, scene)


def image_to_node(
    image: vtk.vtkImageData, geometry: Geometry, name: str, scene: vtkMRMLScene | None = None
) -> vtkMRMLScalarVolumeNode:
    """As :func:`volume_to_node`, of an image in HU, which the node keeps."""
    scene = scene or slicer.mrmlScene
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    # Before the voxels are there: an automatic window would be looked for in all of them.
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*LUNG_WINDOW)
    set_image(node, image, geometry.ijk_to_ras)
    return node


def set_voxels(node: Any, array: npt.NDArray[Any], ijk_to_ras: npt.NDArray[np.float64]) -> None:
    """Give a volume node a copy of ``array`` (k, j, i) on the grid ``ijk_to_ras`` (4x4)."""
    image = vtk.vtkImageData()
    fill_image(image, array)
    set_image(node, image, ijk_to_ras)


def set_image(node: Any, image: vtk.vtkImageData, ijk_to_ras: npt.NDArray[np.float64]) -> None:
    """Give a volume node an image, which it keeps, on the grid ``ijk_to_ras`` (4x4)."""
    node.SetIJKToRASMatrix(array_to_matrix(ijk_to_ras))
    node.SetAndObserveImageData(image)
    node.StorableModified()


def local_ijk_to_ras(node: Any) -> npt.NDArray[np.float64]:
    """4x4 matrix from array indices (i, j, k) to the node's own coordinates in mm.

    The node's parent transform is not applied. Array index (0, 0, 0) is the first voxel that is
    there: an image cut out of a larger one by a VTK filter keeps the indices of the larger one, so
    its extent need not start at 0.

    Raises:
        InputError: The node has no voxels, or an image with a place of its own.
    """
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ijk_to_ras = matrix_to_array(matrix)
    first = image_of(node).GetExtent()[0::2]
    ijk_to_ras[:, 3] = ijk_to_ras @ [*first, 1]
    return ijk_to_ras


def ct_matrix(node: Any) -> tuple[float, ...]:
    """What :func:`local_ijk_to_ras` gives of a CT, row by row.

    Raises:
        InputError: The node is no CT, or has no voxels.
    """
    check_is_ct(node)
    return tuple(local_ijk_to_ras(node).ravel().tolist())


def world_geometry(node: Any) -> Geometry:
    """The grid of a volume node in world coordinates, its parent transform applied.

    Raises:
        InputError: The node has no voxels, or its transform bends or shears the grid.
    """
    matrix = parent_to_world(node, "the CT") @ local_ijk_to_ras(node)
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > _ORTHOGONALITY_TOLERANCE:
        raise InputError(
            "The axes of the CT are not perpendicular (gantry tilt, or a transform that shears), "
            "so it cannot be segmented: resample it onto a regular grid first."
        )
    return Geometry.from_ijk_to_ras(matrix, node.GetImageData().GetDimensions())


def moved() -> InputError:
    """What is said of a CT that is not where its result lies any more."""
    return InputError(
        "The CT was moved or replaced since it was segmented: segment it again as it is now."
    )


def changed_while_read() -> InputError:
    """What is said of a CT that got other voxels while they were being read."""
    return InputError("The CT was changed while it was being read: start again.")


def check_is_ct(node: Any) -> None:
    """Refuse a node that is no CT.

    Raises:
        InputError: It is no grey-scale volume with voxels, or a result of this package.
    """
    if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError("No CT is selected: choose a volume.")
    if node.GetAttribute(names.ROLE_ATTRIBUTE) is not None:
        raise InputError("The selected volume is a result, not a CT: choose the CT.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError("The selected volume is a label map, not a CT: choose the CT itself.")
    if image_of(node).GetNumberOfScalarComponents() != 1:
        raise InputError("The selected volume has colours or vectors, so it is not a CT in HU.")


def image_of(node: Any) -> vtk.vtkImageData:
    """The image of a volume node.

    Raises:
        InputError: It has no voxels, or a place of its own.
    """
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or 0 in image.GetDimensions():
        raise InputError("The selected volume has no voxels: load it again, or choose another.")
    place = (image.GetOrigin(), image.GetSpacing(), image.GetDirectionMatrix().GetData())
    if place != ((0, 0, 0), (1, 1, 1), (1, 0, 0, 0, 1, 0, 0, 0, 1)):
        # MRML does not allow it: Slicer shows such an image at one place and saves it at another.
        raise InputError(
            "The image in the selected volume has an origin, spacing or direction of its own, so "
            "the place of its voxels is unclear: save the CT and load it again."
        )
    return image


def _hounsfield_type(array: npt.NDArray[Any]) -> Steps[npt.NDArray[Any]]:
    """A copy as int16 where nothing is lost, else as float32."""
    dtype: type[np.int16] | type[np.float32] = np.float32
    if np.issubdtype(array.dtype, np.integer):
        dtype = np.int16
        limits = np.iinfo(np.int16)
        for part in [] if array.dtype == np.int16 else slabs(array):
            if array[part].min() < limits.min or array[part].max() > limits.max:
                dtype = np.float32
                break
            yield
    return (yield from copied(array, dtype))
