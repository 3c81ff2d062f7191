"""Lungs and lesions as one segmentation node on the CT's grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.boxes import bounding_box
from ..engine.flags import is_untrained
from ..engine.labels import CLASS_TAG, LUNG_LABELS, LUNG_STYLES, Color, SegmentStyle, segment_id
from . import names
from .images import extent_of, voxels_of

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLScalarVolumeNode,
        vtkMRMLSegmentationNode,
        vtkOrientedImageData,
        vtkSegment,
    )

    from .prepared import Layer, PreparedResult

BINARY_LABELMAP = "Binary labelmap"
CLOSED_SURFACE = "Closed surface"
_OTHER_REPRESENTATIONS = frozenset({CLOSED_SURFACE, "Fractional labelmap", "Planar contour"})
"""All that Slicer makes from a binary labelmap."""
LUNG_IDS = frozenset(style.id for style in LUNG_STYLES.values())
"""Ids of the segments of both lungs."""
# Opacity of the surface in 3D, and inside the outline in slice views. Lungs are outlined only:
# their fill would hide the CT.
LUNGS_OPACITY, _LUNG_FILL = 0.25, 0.0
_LESION_OPACITY, _LESION_FILL = 1.0, 0.2
Meaning = TypeVar("Meaning")

_OVERRIDE_COLOR = "OverrideColor"
_SEGMENT_DISPLAY = (
    "Visibility",
    "Visibility3D",
    "Visibility2DFill",
    "Visibility2DOutline",
    "Opacity3D",
    "Opacity2DFill",
    "Opacity2DOutline",
    "Pickable",
    _OVERRIDE_COLOR,
)
"""What a display node says of each segment, by the names of its getters and setters."""


def update_segmentation(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, prepared: PreparedResult
) -> None:
    """Make ``node`` hold exactly the lungs and lesions of a result.

    The lungs share one layer and the lesion classes another, so that a lesion stays part of its
    lung. Segments get name, colour and terminology when they are created and keep what the user
    made of them later; only the mark of an untrained network comes and goes. Segments that the
    user added are left alone. No image that a segment held before is changed, so that whoever
    keeps it can put it back.

    Args:
        node: Segmentation node of this CT, under the CT's parent transform.
        ct_node: The CT, on whose stored grid the result lies.
        prepared: What was prepared for this CT.
    """
    _update(node, ct_node, prepared, prepared.layers, prepared.surfaces)


def update_prediction(
    node: vtkMRMLSegmentationNode, ct_node: vtkMRMLScalarVolumeNode, prepared: PreparedResult
) -> None:
    """Make ``node`` hold the same for comparison, not shown in views.

    It has voxels of its own: Segment Editor changes those of the segmentation in place.
    """
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetVisibility(False)
    _update(node, ct_node, prepared, prepared.prediction, {})


def _update(
    node: vtkMRMLSegmentationNode,
    ct_node: vtkMRMLScalarVolumeNode,
    prepared: PreparedResult,
    layers: list[Layer],
    surfaces: dict[str, vtk.vtkPolyData],
) -> None:
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct_node)
    result = prepared.result
    styles = [segment.style for layer in layers for segment in layer.segments]
    separate_users_segments(node)
    _remove_other_classes(node, styles)
    for style in styles:
        _find_or_create_segment(node, style)
    segmentation = node.GetSegmentation()
    # Lungs that a network found have a checksum of its weights, or none where it has no weights.
    lungs_untrained = result.provenance.get("lungs", {}).get("weights_sha256", "") is None
    untrained = is_untrained(result.flags)
    for layer in layers:
        for one in layer.segments:
            segment = segmentation.GetSegment(one.id)
            segment.SetLabelValue(one.label)
            is_lung = one.style.name in LUNG_LABELS
            marked = lungs_untrained if is_lung else untrained
            segment.SetName(names.marked(segment.GetName(), marked))
    contents = {
        segment.id: {BINARY_LABELMAP: layer.image} for layer in layers for segment in layer.segments
    }
    for id_, surface in surfaces.items():
        contents[id_][CLOSED_SURFACE] = surface
    set_contents(node, contents)


def set_contents(
    node: vtkMRMLSegmentationNode, contents: dict[str, dict[str, vtk.vtkDataObject]]
) -> None:
    """Give segments other representations in place of all that they have.

    Args:
        node: Holds segments with these ids.
        contents: By segment id, by name of the representation; the objects are kept, not copied.
    """
    segmentation = node.GetSegmentation()
    for id_, representations in contents.items():
        segment = segmentation.GetSegment(id_)
        # In this order: a view that draws a segment without the first one logs an error.
        for name, content in representations.items():
            segment.AddRepresentation(name, content)
        for name in _OTHER_REPRESENTATIONS - representations.keys():
            segment.RemoveRepresentation(name)
    segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)
    segmentation.InvokeEvent(slicer.vtkSegmentation.ContainedRepresentationNamesModified)
    node.StorableModified()


def segment_visibility(node: vtkMRMLSegmentationNode) -> dict[str, bool]:
    """Whether each segment is shown, by id."""
    display = node.GetDisplayNode()
    if display is None:
        return {}
    return {id_: bool(display.GetSegmentVisibility(id_)) for id_ in segment_ids(node)}


def restore_visibility(node: vtkMRMLSegmentationNode, visibility: dict[str, bool]) -> None:
    """Show the segments that were shown, and those that did not exist.

    A slice view's list of segments that meets a segmentation anew hides what it does not know to
    be shown.
    """
    for id_ in segment_ids(node):
        node.GetDisplayNode().SetSegmentVisibility(id_, visibility.get(id_, True))


def read_segment_display(node: vtkMRMLSegmentationNode, segment_id: str) -> dict[str, Any]:
    """How a segment is displayed; nothing where the node has no display."""
    display = node.GetDisplayNode()
    if display is None:
        return {}
    return {name: getattr(display, f"GetSegment{name}")(segment_id) for name in _SEGMENT_DISPLAY}


def write_segment_display(
    node: vtkMRMLSegmentationNode, segment_id: str, settings: dict[str, Any]
) -> None:
    """The inverse of :func:`read_segment_display`."""
    display = node.GetDisplayNode()
    if display is None:
        return
    for name, value in settings.items():
        values = value if name == _OVERRIDE_COLOR else [value]
        getattr(display, f"SetSegment{name}")(segment_id, *values)


def segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of all segments, in order."""
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]


def coded_segments(
    node: vtkMRMLSegmentationNode, ids: Iterable[str], meaning: Callable[[str], Meaning | None]
) -> dict[str, Meaning]:
    """What those of these segments are, by segment id, whose terminology has a ``meaning``."""
    segmentation = node.GetSegmentation()
    found = {
        id_: meaning(segment_tag(segmentation.GetSegment(id_), "TerminologyEntry")) for id_ in ids
    }
    return {id_: what for id_, what in found.items() if what is not None}


def chosen_or_coded(
    node: vtkMRMLSegmentationNode, chosen: Mapping[str, Meaning], coded: Mapping[str, Meaning]
) -> dict[str, Meaning]:
    """What each segment is, by segment id: as the user chose, else by its terminology.

    Chosen segments that do not exist are left out. What one was chosen for, no other is by its
    terminology.
    """
    present = set(segment_ids(node))
    by_choice = {id_: what for id_, what in chosen.items() if id_ in present}
    taken = set(by_choice.values())
    by_code = {
        id_: what for id_, what in coded.items() if what not in taken and id_ not in by_choice
    }
    return by_choice | by_code


def own_segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of the segments this package made, in order; a copy that the user made is not one."""
    segmentation = node.GetSegmentation()
    classes = {
        id_: segment_tag(segmentation.GetSegment(id_), CLASS_TAG) for id_ in segment_ids(node)
    }
    return [id_ for id_, name in classes.items() if name and segment_id(name) == id_]


def lesion_colors(node: vtkMRMLSegmentationNode) -> list[tuple[str, Color]]:
    """Name and present colour (RGB, 0 to 1) of each lesion class among this package's segments."""
    segments = [
        node.GetSegmentation().GetSegment(id_)
        for id_ in own_segment_ids(node)
        if id_ not in LUNG_IDS
    ]
    return [(segment_tag(segment, CLASS_TAG), segment.GetColor()) for segment in segments]


def _remove_other_classes(node: vtkMRMLSegmentationNode, styles: Iterable[SegmentStyle]) -> None:
    kept = {style.id for style in styles}
    for id_ in own_segment_ids(node):
        if id_ not in kept:
            node.GetSegmentation().RemoveSegment(id_)


def _find_or_create_segment(node: vtkMRMLSegmentationNode, style: SegmentStyle) -> None:
    segmentation = node.GetSegmentation()
    if segmentation.GetSegment(style.id) is not None:
        return
    segmentation.AddEmptySegment(style.id, style.name, style.color)
    segment = segmentation.GetSegment(style.id)
    segment.SetTag("TerminologyEntry", style.terminology)
    segment.SetTag(CLASS_TAG, style.name)
    is_lung = style.name in LUNG_LABELS
    display = node.GetDisplayNode()
    display.SetSegmentOpacity3D(style.id, LUNGS_OPACITY if is_lung else _LESION_OPACITY)
    display.SetSegmentOpacity2DFill(style.id, _LUNG_FILL if is_lung else _LESION_FILL)


def separate_users_segments(node: vtkMRMLSegmentationNode) -> None:
    """Give segments of the user's that share an image with this package's one of their own.

    Slicer puts a new segment into an existing image where it can.
    """
    segmentation = node.GetSegmentation()
    own = own_segment_ids(node)
    images: dict[vtkOrientedImageData, list[str]] = {}
    for id_ in segment_ids(node):
        image = segmentation.GetSegment(id_).GetRepresentation(BINARY_LABELMAP)
        if image is not None:
            images.setdefault(image, []).append(id_)
    for image, sharing in images.items():
        users = [id_ for id_ in sharing if id_ not in own]
        if not users or len(users) == len(sharing):
            continue
        apart = slicer.vtkOrientedImageData()
        apart.DeepCopy(image)
        voxels = voxels_of(apart)
        kept = [segmentation.GetSegment(id_).GetLabelValue() for id_ in users]
        voxels[~np.isin(voxels, kept)] = 0
        for id_ in users:
            segmentation.GetSegment(id_).AddRepresentation(BINARY_LABELMAP, apart)


def leave_users_segments(node: vtkMRMLSegmentationNode) -> list[str]:
    """Take what this package made and said out of a result's segmentation that holds more.

    Where the user added no segment with anything in it, the node is left as it is.

    Returns:
        Names of the segments that the user added.
    """
    segmentation = node.GetSegmentation()
    own = own_segment_ids(node)
    users = [segmentation.GetSegment(id_) for id_ in segment_ids(node) if id_ not in own]
    if not any(map(_holds_anything, users)):
        return []
    separate_users_segments(node)
    for id_ in own:
        segmentation.RemoveSegment(id_)
    for name in node.GetAttributeNames():
        if name.startswith(names.ATTRIBUTE_PREFIX) and name != names.ROLE_ATTRIBUTE:
            node.RemoveAttribute(name)
    node.SetName(names.marked(node.GetName(), False))
    return [segment.GetName() for segment in users]


def cropped_mask(
    image: vtkOrientedImageData, label: int
) -> tuple[tuple[int, int, int], npt.NDArray[np.bool_]]:
    """Where a label begins on the grid of an image (k, j, i), and its voxels from there on."""
    nothing = (0, 0, 0), np.zeros((0, 0, 0), bool)
    extent = extent_of(image)
    if image.GetPointData().GetScalars() is None or (extent[:, 1] < extent[:, 0]).any():
        return nothing
    mask = voxels_of(image) == label
    box = bounding_box(mask)
    if box is None:
        return nothing
    k, j, i = (int(first + part.start) for first, part in zip(extent[::-1, 0], box, strict=True))
    return (k, j, i), mask[box]


def _holds_anything(segment: vtkSegment) -> bool:
    image = segment.GetRepresentation(BINARY_LABELMAP)
    if image is not None:
        return cropped_mask(image, segment.GetLabelValue())[1].size > 0
    surface = segment.GetRepresentation(CLOSED_SURFACE)
    return surface is not None and surface.GetNumberOfPoints() > 0


def segment_tag(segment: vtkSegment, name: str) -> str:
    """A tag of a segment, or ""."""
    value = vtk.mutable("")
    return str(value) if segment.GetTag(name, value) else ""
