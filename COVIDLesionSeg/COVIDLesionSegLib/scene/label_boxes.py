"""Segments of a segmentation node as labels on the CT's grid, without filling the whole grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..engine.labels import LUNG_STYLES, segment_id
from ..engine.severity.correction import LabelBox, LabelledCT
from ..engine.steps import Steps, finish, slabs
from .images import matrix_to_array
from .labels import bounding_box
from .segmentation import BINARY_LABELMAP
from .volumes import local_ijk_to_ras

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkOrientedImageData

_SAME_AXES = 1e-3
_SAME_PLACE = 0.05  # voxels


def labelled_ct(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, classes: Iterable[str]
) -> LabelledCT:
    """This package's lungs and lesions in ``node``, on the CT's stored grid.

    Args:
        node: The segmentation.
        ct_node: Its CT.
        classes: Lesion classes, whose labels are 1, 2, ... in this order.

    Returns:
        Voxels are views of Slicer's memory wherever the segmentation has the CT's voxels: copy
        them before Slicer goes on.
    """
    lungs = {style.id: label for label, style in LUNG_STYLES.items()}
    lesions = {segment_id(name): label for label, name in enumerate(classes, start=1)}
    return LabelledCT(label_boxes(node, ct_node, lungs), label_boxes(node, ct_node, lesions))


def label_boxes(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, labels: dict[str, int]
) -> list[LabelBox]:
    """One box for each layer that holds a segment of ``labels``, which gives labels by segment id.

    Layers are in the order of their first segments. What lies outside the CT is left out.
    """
    segmentation = node.GetSegmentation()
    layers: dict[vtkOrientedImageData, dict[int, int]] = {}
    ids: dict[vtkOrientedImageData, list[str]] = {}
    for id_, label in labels.items():
        segment = segmentation.GetSegment(id_)
        layer = None if segment is None else segment.GetRepresentation(BINARY_LABELMAP)
        if layer is not None and layer.GetPointData().GetScalars() is not None:
            layers.setdefault(layer, {})[segment.GetLabelValue()] = label
            ids.setdefault(layer, []).append(id_)
    boxes = []
    for layer, values in layers.items():
        found = _on_grid(layer, node, ct_node)
        if found is None:
            boxes += [_resampled(node, ct_node, id_, labels[id_]) for id_ in ids[layer]]
        else:
            # An edit in place gives a layer a new time of modification.
            state = f"{layer.GetAddressAsString('vtkObject')} {layer.GetMTime()}"
            boxes.append(LabelBox(*found, values, state))
    return [box for box in boxes if box.voxels.size]


def lies_on_grid(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, ids: Iterable[str]
) -> bool:
    """Whether the voxels of these segments are the CT's, so that nothing need be resampled."""
    segments = filter(None, map(node.GetSegmentation().GetSegment, ids))
    layers = (segment.GetRepresentation(BINARY_LABELMAP) for segment in segments)
    return all(
        _on_grid(layer, node, ct_node) is not None
        for layer in layers
        if layer is not None and layer.GetPointData().GetScalars() is not None
    )


def same_boxes(first: list[LabelBox], second: list[LabelBox]) -> bool:
    """Whether two lists of boxes hold the same voxels in the same layers; quick to find out."""
    return finish(same_boxes_in_steps(first, second))


def same_boxes_in_steps(first: list[LabelBox], second: list[LabelBox]) -> Steps[bool]:
    """As :func:`same_boxes`, in short steps."""
    if len(first) != len(second):
        return False
    pairs = list(zip(first, second, strict=True))
    for one, other in pairs:
        placed = (one.start, one.labels, one.voxels.shape)
        if placed != (other.start, other.labels, other.voxels.shape):
            return False
    for one, other in pairs:
        for part in slabs(one.voxels):
            if not np.array_equal(one.voxels[part], other.voxels[part]):
                return False
            yield
    return True


def _on_grid(
    layer: vtkOrientedImageData, node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode
) -> tuple[npt.NDArray[Any], tuple[int, int, int]] | None:
    """A layer's voxels and where they start on the CT's grid; None if they are not the CT's.

    Slicer may have turned the CT's or the layer's axes round when it read a scene.
    """
    if node.GetParentTransformNode() is not ct_node.GetParentTransformNode():
        return None
    matrix = vtk.vtkMatrix4x4()
    layer.GetImageToWorldMatrix(matrix)
    to_index = np.linalg.inv(local_ijk_to_ras(ct_node)) @ matrix_to_array(matrix)
    extent = np.array(layer.GetExtent()).reshape(3, 2)
    if (extent[:, 1] < extent[:, 0]).any():
        return np.zeros((0, 0, 0), np.uint8), (0, 0, 0)
    corners = np.c_[extent.T, [1, 1]] @ to_index.T
    axes = np.rint(to_index[:3, :3])
    is_permutation = (np.abs(axes).sum(axis=0) == 1).all() and (np.abs(axes).sum(axis=1) == 1).all()
    if not is_permutation or np.abs(to_index[:3, :3] - axes).max() > _SAME_AXES:
        return None
    first, last = np.rint(corners[:, :3]).astype(int)
    if np.abs(corners[:, :3] - [first, last]).max() > _SAME_PLACE:
        return None
    scalars = vtk_to_numpy(layer.GetPointData().GetScalars())
    voxels = scalars.reshape(layer.GetDimensions()[::-1])
    # Array axis 2 - n is grid axis n.
    source = [2 - int(np.flatnonzero(axes[2 - axis])[0]) for axis in range(3)]
    backwards = [axes[2 - axis].sum() < 0 for axis in range(3)]
    voxels = voxels.transpose(source)[tuple(slice(None, None, -1 if b else 1) for b in backwards)]
    return _inside(voxels, np.minimum(first, last)[::-1], ct_node)


def _inside(
    voxels: npt.NDArray[Any], start: npt.NDArray[np.int_], ct_node: vtkMRMLScalarVolumeNode
) -> tuple[npt.NDArray[Any], tuple[int, int, int]]:
    shape = ct_node.GetImageData().GetDimensions()[::-1]
    low = np.clip(start, 0, shape)
    high = np.clip(start + voxels.shape, low, shape)
    kept = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    k, j, i = (int(n) for n in low)
    return voxels[kept], (k, j, i)


def _resampled(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, id_: str, label: int
) -> LabelBox:
    """A segment whose voxels are not the CT's, as a user may import one: Slicer resamples it."""
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, id_, ct_node)
    box = None if voxels is None else bounding_box(voxels)
    if voxels is None or box is None:
        return LabelBox(np.zeros((0, 0, 0), np.uint8), (0, 0, 0), {})
    k, j, i = (axis.start for axis in box)
    return LabelBox(voxels[box], (k, j, i), {1: label})
