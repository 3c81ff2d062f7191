"""Segments of a segmentation node as labels on the CT's grid, without filling the whole grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.boxes import bounding_box
from ..engine.labels import LUNG_STYLES, segment_id
from ..engine.severity.correction import LabelBox, LabelledCT
from ..engine.steps import Steps, finish, slabs
from . import names
from .images import array_to_matrix, extent_of, image_to_world, voxels_of
from .nodes import find_output
from .segmentation import BINARY_LABELMAP
from .volumes import local_ijk_to_ras, moved

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

    Raises:
        InputError: The CT was moved or replaced since it was segmented, and the segmentation was
            not moved with it.
    """
    if was_moved(ct_node, node):
        raise moved()
    lungs = {style.id: label for label, style in LUNG_STYLES.items()}
    lesions = {segment_id(name): label for label, name in enumerate(classes, start=1)}
    return LabelledCT(label_boxes(node, ct_node, lungs), label_boxes(node, ct_node, lesions))


def was_moved(ct_node: vtkMRMLScalarVolumeNode, node: vtkMRMLSegmentationNode) -> bool:
    """Whether the CT is not where the lungs and lesions in ``node`` are any more."""
    # The user may give the one on show another grid, such as a finer one.
    prediction = find_output(ct_node, names.PREDICTION_ROLE)
    both = (node, *([] if prediction is None else [prediction]))
    return not (_moves_with(node, ct_node) and any(_made_on_grid(one, ct_node) for one in both))


def bring_prediction_along(ct_node: vtkMRMLScalarVolumeNode) -> None:
    """Move the hidden segmentation of the run to where its CT and the one on show are now.

    A user who hardens a transform hardens it on what is seen. Nothing is done where these two do
    not agree on a new place.
    """
    node = find_output(ct_node, names.SEGMENTATION_ROLE)
    prediction = find_output(ct_node, names.PREDICTION_ROLE)
    if node is None or prediction is None or ct_node.GetImageData() is None:
        return
    before, now = _stated_grid(prediction), _stated_grid(node)
    if before is None or now is None or before.GetExtent() != now.GetExtent():
        return
    moved_together = _moves_with(node, ct_node) and _made_on_grid(node, ct_node)
    if not moved_together or _made_on_grid(prediction, ct_node):
        return
    motion = image_to_world(now) @ np.linalg.inv(image_to_world(before))
    if np.linalg.det(motion[:3, :3]) > 0:  # else the axes of one are turned round
        prediction.ApplyTransformMatrix(array_to_matrix(motion))


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


def shared_part(
    first: LabelBox, second: LabelBox
) -> tuple[tuple[slice, ...], tuple[slice, ...]] | None:
    """Where two boxes overlap, in the voxels of each; None where they do not."""
    low = np.maximum(first.start, second.start)
    high = np.minimum(*(np.add(box.start, box.voxels.shape) for box in (first, second)))
    if (high <= low).any():
        return None
    here, there = (
        tuple(slice(int(a), int(b)) for a, b in zip(low - at, high - at, strict=True))
        for at in (first.start, second.start)
    )
    return here, there


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
    for box, other in pairs:
        placed = (box.start, box.labels, box.voxels.shape)
        if placed != (other.start, other.labels, other.voxels.shape):
            return False
    for box, other in pairs:
        for part in slabs(box.voxels):
            if not np.array_equal(box.voxels[part], other.voxels[part]):
                return False
            yield
    return True


def _moves_with(node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode) -> bool:
    """Whether a segmentation lies below the transform that the CT lies below.

    What the run gave is hidden, so that nobody puts it below another one, wherever the CT goes.
    """
    is_prediction = node.GetAttribute(names.ROLE_ATTRIBUTE) == names.PREDICTION_ROLE
    return is_prediction or node.GetParentTransformNode() is ct_node.GetParentTransformNode()


def _made_on_grid(node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode) -> bool:
    """Whether the grid that a segmentation was made on is all of the CT's, or none is stated."""
    grid = _stated_grid(node)
    if grid is None:
        return True
    found = _axes_and_corners(grid, ct_node)
    if found is None:
        return False
    low, high = np.sort(found[1], axis=0)
    return not low.any() and tuple(high + 1) == ct_node.GetImageData().GetDimensions()


def _stated_grid(node: vtkMRMLSegmentationNode) -> vtkOrientedImageData | None:
    """The grid that a segmentation was made on, without voxels."""
    converter = slicer.vtkSegmentationConverter
    stated = node.GetSegmentation().GetConversionParameter(
        converter.GetReferenceImageGeometryParameterName()
    )
    grid = slicer.vtkOrientedImageData()
    read = stated and converter.DeserializeImageGeometry(stated, grid, False)
    return grid if read else None


def _axes_and_corners(
    image: vtkOrientedImageData, ct_node: vtkMRMLScalarVolumeNode
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int_]] | None:
    """Which of the CT's axes an image's are, and indices (i, j, k) of its first and last voxel.

    3x3 with 1 or -1 in each row and column, and 2x3; None if its voxels are not the CT's. Slicer
    may have turned the CT's or the image's axes round when it read a scene.
    """
    to_index = np.linalg.inv(local_ijk_to_ras(ct_node)) @ image_to_world(image)
    corners = (np.c_[extent_of(image).T, [1, 1]] @ to_index.T)[:, :3]
    axes = np.rint(to_index[:3, :3])
    is_permutation = (np.abs(axes).sum(axis=0) == 1).all() and (np.abs(axes).sum(axis=1) == 1).all()
    if not is_permutation or np.abs(to_index[:3, :3] - axes).max() > _SAME_AXES:
        return None
    if np.abs(corners - np.rint(corners)).max() > _SAME_PLACE:
        return None
    return axes, np.rint(corners).astype(int)


def _on_grid(
    layer: vtkOrientedImageData, node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode
) -> tuple[npt.NDArray[Any], tuple[int, int, int]] | None:
    """A layer's voxels and where they start on the CT's grid; None if they are not the CT's."""
    if not _moves_with(node, ct_node):
        return None
    extent = extent_of(layer)
    if (extent[:, 1] < extent[:, 0]).any():
        return np.zeros((0, 0, 0), np.uint8), (0, 0, 0)
    found = _axes_and_corners(layer, ct_node)
    if found is None:
        return None
    axes, corners = found
    # Array axis 2 - n is grid axis n.
    source = [2 - int(np.flatnonzero(axes[2 - axis])[0]) for axis in range(3)]
    steps = [-1 if axes[2 - axis].sum() < 0 else 1 for axis in range(3)]
    turned = tuple(slice(None, None, step) for step in steps)
    voxels = voxels_of(layer).transpose(source)[turned]
    return _inside(voxels, corners.min(axis=0)[::-1], ct_node)


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
