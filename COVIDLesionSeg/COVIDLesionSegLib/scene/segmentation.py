"""Lungs and lesions as one segmentation node on the CT's grid."""

from __future__ import annotations

import numpy as np
import slicer
import vtk

from ..engine.remarks import is_untrained
from ..engine.result import LEFT_LUNG, RIGHT_LUNG, SegmentationResult
from ..engine.segment_names import CLASS_TAG, segment_id
from . import names
from .images import array_to_matrix, fill_image
from .volumes import local_ijk_to_ras

BINARY_LABELMAP = "Binary labelmap"


def update_segmentation(node, ct_node, result: SegmentationResult) -> None:
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
    lungs = {RIGHT_LUNG: names.RIGHT_LUNG_STYLE, LEFT_LUNG: names.LEFT_LUNG_STYLE}
    lesions = {n: names.class_style(name) for n, name in enumerate(result.classes, start=1)}
    styles = [*lungs.values(), *lesions.values()]
    _remove_other_classes(node, styles)
    for style in styles:
        _empty_segment(node, style)
    for labels, segments in ((result.lungs, lungs), (result.lesions, lesions)):
        layer = _layer(labels, ijk_to_ras)
        for label, style in segments.items():
            segment = node.GetSegmentation().GetSegment(style.id)
            segment.SetLabelValue(label)
            segment.AddRepresentation(BINARY_LABELMAP, layer)
    # Lungs that a network found have a checksum of its weights, or none where it has no weights.
    lungs_untrained = result.provenance.get("lungs", {}).get("weights_sha256", "") is None
    for segments, untrained in ((lungs, lungs_untrained), (lesions, is_untrained(result.flags))):
        for style in segments.values():
            segment = node.GetSegmentation().GetSegment(style.id)
            segment.SetName(names.marked(segment.GetName(), untrained))
    node.GetSegmentation().InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)
    node.StorableModified()


def own_segment_ids(node) -> list[str]:
    """Ids of the segments this package made, in order; a copy that the user made is not one."""
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    classes = {id_: _tag(segmentation.GetSegment(id_), CLASS_TAG) for id_ in ids}
    return [id_ for id_, name in classes.items() if name and segment_id(name) == id_]


def lesion_colors(node) -> list[tuple[str, tuple[float, float, float]]]:
    """Name and present colour (RGB, 0 to 1) of each lesion class among this package's segments."""
    lungs = {names.RIGHT_LUNG_STYLE.id, names.LEFT_LUNG_STYLE.id}
    segments = [
        node.GetSegmentation().GetSegment(id_) for id_ in own_segment_ids(node) if id_ not in lungs
    ]
    return [(_tag(segment, CLASS_TAG), segment.GetColor()) for segment in segments]


def _remove_other_classes(node, styles) -> None:
    kept = {style.id for style in styles}
    for id_ in own_segment_ids(node):
        if id_ not in kept:
            node.GetSegmentation().RemoveSegment(id_)


def _empty_segment(node, style: names.SegmentStyle) -> None:
    """Create the segment of ``style``, or take out everything that it holds."""
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(style.id)
    if segment is None:
        segmentation.AddEmptySegment(style.id, style.name, style.color)
        segment = segmentation.GetSegment(style.id)
        segment.SetTag("TerminologyEntry", style.terminology)
        segment.SetTag(CLASS_TAG, style.name)
        node.GetDisplayNode().SetSegmentOpacity3D(style.id, style.opacity)
        node.GetDisplayNode().SetSegmentOpacity2DFill(style.id, style.fill)
    # A segment that the user added may share the layer: the old label must not linger in it.
    segmentation.ClearSegment(style.id)
    segment.RemoveAllRepresentations()


def _layer(labels: np.ndarray, ijk_to_ras: np.ndarray):
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


def bounding_box(labels: np.ndarray) -> tuple[slice, ...] | None:
    """Smallest box (k, j, i) around what is not zero, or None where all is."""
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        occupied = np.flatnonzero(labels.any(axis=others))
        if occupied.size == 0:
            return None
        box.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return tuple(box)


def _tag(segment, name: str) -> str:
    value = vtk.mutable("")
    return str(value) if segment.GetTag(name, value) else ""
