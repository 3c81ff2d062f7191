"""Lungs and lesions as one segmentation node on the CT's grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.flags import is_untrained
from ..engine.labels import (
    CLASS_TAG,
    LUNG_LABELS,
    LUNG_STYLES,
    Color,
    SegmentStyle,
    class_style,
    segment_id,
)
from ..engine.result import SegmentationResult
from . import names
from .images import array_to_matrix, fill_image
from .volumes import local_ijk_to_ras

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLScalarVolumeNode,
        vtkMRMLSegmentationNode,
        vtkOrientedImageData,
        vtkSegment,
    )

BINARY_LABELMAP = "Binary labelmap"
LUNG_IDS = frozenset(style.id for style in LUNG_STYLES.values())
"""Ids of the segments of both lungs."""
# Opacity of the surface in 3D, and inside the outline in slice views. Lungs are outlined only:
# their fill would hide the CT.
LUNGS_OPACITY, _LUNG_FILL = 0.25, 0.0
_LESION_OPACITY, _LESION_FILL = 1.0, 0.2


def update_segmentation(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult
) -> None:
    """Make ``node`` hold exactly the lungs and lesions of ``result``.

    The lungs share one layer and the lesion classes another, so that a lesion stays part of its
    lung. Segments get name, colour and terminology when they are created and keep what the user
    made of them later; only the mark of an untrained network comes and goes. Segments that the
    user added are left alone.

    Args:
        node: Segmentation node of this CT, under the CT's parent transform.
        ct_node: The CT, whose stored grid the arrays of ``result`` lie on.
        result: Of this CT.
    """
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct_node)
    ijk_to_ras = local_ijk_to_ras(ct_node)
    lesions = {n: class_style(name) for n, name in enumerate(result.classes, start=1)}
    styles = [*LUNG_STYLES.values(), *lesions.values()]
    _remove_other_classes(node, styles)
    for style in styles:
        _empty_segment(node, style)
    for labels, segments in ((result.lungs, LUNG_STYLES), (result.lesions, lesions)):
        layer = _layer(labels, ijk_to_ras)
        for label, style in segments.items():
            segment = node.GetSegmentation().GetSegment(style.id)
            segment.SetLabelValue(label)
            segment.AddRepresentation(BINARY_LABELMAP, layer)
    # Lungs that a network found have a checksum of its weights, or none where it has no weights.
    lungs_untrained = result.provenance.get("lungs", {}).get("weights_sha256", "") is None
    for segments, untrained in (
        (LUNG_STYLES, lungs_untrained),
        (lesions, is_untrained(result.flags)),
    ):
        for style in segments.values():
            segment = node.GetSegmentation().GetSegment(style.id)
            segment.SetName(names.marked(segment.GetName(), untrained))
    node.GetSegmentation().InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)
    node.StorableModified()


def update_prediction(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult
) -> None:
    """Make ``node`` hold the lungs and lesions of ``result`` for comparison, not shown in views.

    It has voxels of its own: Segment Editor changes those of the segmentation in place.
    """
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetVisibility(False)
    update_segmentation(node, ct_node, result)


def segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of all segments, in order."""
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]


def own_segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of the segments this package made, in order; a copy that the user made is not one."""
    segmentation = node.GetSegmentation()
    classes = {id_: _tag(segmentation.GetSegment(id_), CLASS_TAG) for id_ in segment_ids(node)}
    return [id_ for id_, name in classes.items() if name and segment_id(name) == id_]


def lesion_colors(node: vtkMRMLSegmentationNode) -> list[tuple[str, Color]]:
    """Name and present colour (RGB, 0 to 1) of each lesion class among this package's segments."""
    segments = [
        node.GetSegmentation().GetSegment(id_)
        for id_ in own_segment_ids(node)
        if id_ not in LUNG_IDS
    ]
    return [(_tag(segment, CLASS_TAG), segment.GetColor()) for segment in segments]


def _remove_other_classes(node: vtkMRMLSegmentationNode, styles: Iterable[SegmentStyle]) -> None:
    kept = {style.id for style in styles}
    for id_ in own_segment_ids(node):
        if id_ not in kept:
            node.GetSegmentation().RemoveSegment(id_)


def _empty_segment(node: vtkMRMLSegmentationNode, style: SegmentStyle) -> None:
    """Create the segment of ``style``, or take out everything that it holds."""
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(style.id)
    if segment is None:
        segmentation.AddEmptySegment(style.id, style.name, style.color)
        segment = segmentation.GetSegment(style.id)
        segment.SetTag("TerminologyEntry", style.terminology)
        segment.SetTag(CLASS_TAG, style.name)
        is_lung = style.name in LUNG_LABELS
        display = node.GetDisplayNode()
        display.SetSegmentOpacity3D(style.id, LUNGS_OPACITY if is_lung else _LESION_OPACITY)
        display.SetSegmentOpacity2DFill(style.id, _LUNG_FILL if is_lung else _LESION_FILL)
    # A segment that the user added may share the layer: the old label must not linger in it.
    segmentation.ClearSegment(style.id)
    segment.RemoveAllRepresentations()


def _layer(
    labels: npt.NDArray[np.uint8], ijk_to_ras: npt.NDArray[np.float64]
) -> vtkOrientedImageData:
    """Labels (k, j, i) as Slicer's oriented image, cropped to what is not zero."""
    image = slicer.vtkOrientedImageData()
    image.SetGeometryFromImageToWorldMatrix(array_to_matrix(ijk_to_ras))
    box = bounding_box(labels)
    if box is None:
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    else:
        fill_image(image, labels[box].astype(np.uint8), [axis.start for axis in box])
    return image


def bounding_box(labels: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """Smallest box (k, j, i) around what is not zero, or None where all is."""
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        occupied = np.flatnonzero(labels.any(axis=others))
        if occupied.size == 0:
            return None
        box.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return tuple(box)


def _tag(segment: vtkSegment, name: str) -> str:
    value = vtk.mutable("")
    return str(value) if segment.GetTag(name, value) else ""
