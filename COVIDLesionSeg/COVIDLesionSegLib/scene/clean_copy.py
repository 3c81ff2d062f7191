"""A copy of one case without anything that says who the patient is.

The copy is a scene of its own, made of new nodes with neutral names. Only what is known to be free
of such data is taken over: voxels, grids, tables, displays, this package's own attributes. What
Slicer keeps of a DICOM series stays behind: attributes of the CT, items of subject hierarchy with
theirs, names of files.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import slicer
import vtk

from ..engine.labels import CLASS_TAG
from . import names, nodes, overlay
from .corrections import without_names
from .images import array_to_matrix, parent_to_world
from .scene_folder import write_automatic_window, written_tags
from .segmentation import (
    BINARY_LABELMAP,
    CLOSED_SURFACE,
    own_segment_ids,
    read_segment_display,
    segment_ids,
    write_segment_display,
)

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLLinearTransformNode,
        vtkMRMLNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSegmentationNode,
    )

    from .show import SceneResult

CT_NAME = "CT"
SCENE_NAME = "scene"
_ATTRIBUTES = (
    names.ROLE_ATTRIBUTE,
    names.PROVENANCE_ATTRIBUTE,
    names.FLAGS_ATTRIBUTE,
    names.SEVERITY_ATTRIBUTE,
    names.CORRECTION_ATTRIBUTE,
)
"""Taken over; the note of a review is the user's own text, so it is not."""
_REPRESENTATIONS = (BINARY_LABELMAP, CLOSED_SURFACE)
_OVERLAYS = (names.PROBABILITY_ROLE, names.DISAGREEMENT_ROLE)
_COPIED = (
    names.SEGMENTATION_ROLE,
    names.PREDICTION_ROLE,
    *_OVERLAYS,
    names.SEVERITY_ROLE,
    names.RULES_ROLE,
    names.SLICES_ROLE,
)
_SLICE_VIEWS = ("Red", "Yellow", "Green")


def clean_scene(ct_node: vtkMRMLScalarVolumeNode, result: SceneResult) -> vtkMRMLScene:
    """A new scene with the CT, its result and nothing else; the user's scene is not changed.

    Voxels are shared with the user's nodes, so the copy is to be written, see
    :func:`.scene_folder.write_scene_folder`, and thrown away.

    Args:
        ct_node: The CT.
        result: Its result.

    Returns:
        The scene, which opens in Slicer with the CT and the overlay in the slice views.

    Raises:
        InputError: The CT is under a nonlinear transform.
    """
    scene = slicer.vtkMRMLScene()
    ct_node.GetScene().CopyRegisteredNodesToScene(scene)
    transform = _copy_transform(ct_node, scene)
    ct_copy = _copy_ct(ct_node, scene)
    # Hidden nodes need an item when the application opens the copy, see nodes.py.
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    hierarchy.CreateItem(hierarchy.GetSceneItemID(), ct_copy)
    for role, node in nodes.find_outputs(ct_node).items():
        if role in _COPIED:
            copy = nodes.find_or_create_output(ct_copy, role)
            _copy_output(node, copy, ct_copy)
            if transform is not None and copy.IsA("vtkMRMLTransformableNode"):
                copy.SetAndObserveTransformNodeID(transform.GetID())
    if transform is not None:
        ct_copy.SetAndObserveTransformNodeID(transform.GetID())
    _show_in_slice_views(ct_copy)
    return scene


def _copy_transform(
    ct_node: vtkMRMLScalarVolumeNode, scene: vtkMRMLScene
) -> vtkMRMLLinearTransformNode | None:
    if ct_node.GetParentTransformNode() is None:
        return None
    matrix = parent_to_world(ct_node, "the CT")
    copy = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Transform")
    copy.SetMatrixTransformToParent(array_to_matrix(matrix))
    return copy


def _copy_ct(ct_node: vtkMRMLScalarVolumeNode, scene: vtkMRMLScene) -> vtkMRMLScalarVolumeNode:
    copy = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", CT_NAME)
    matrix = vtk.vtkMatrix4x4()
    ct_node.GetIJKToRASMatrix(matrix)
    copy.SetIJKToRASMatrix(matrix)
    # The display first: one without a window yet would look for it in every voxel.
    copy.CreateDefaultDisplayNodes()
    shown, display = ct_node.GetDisplayNode(), copy.GetDisplayNode()
    display.AutoWindowLevelOff()
    if shown is not None:
        display.SetWindowLevel(shown.GetWindow(), shown.GetLevel())
    if shown is None or shown.GetAutoWindowLevel():
        write_automatic_window(display)
    copy.SetAndObserveImageData(ct_node.GetImageData())
    return copy


def _copy_output(node: vtkMRMLNode, copy: vtkMRMLNode, ct_copy: vtkMRMLScalarVolumeNode) -> None:
    role = node.GetAttribute(names.ROLE_ATTRIBUTE)
    if role in _OVERLAYS:
        _copy_overlay(node, copy, ct_copy)
    elif node.IsA("vtkMRMLSegmentationNode"):
        _copy_segments(node, copy, ct_copy)
        _copy_segment_display(node, copy)
    else:
        copy.CopyContent(node, True)
    copy.SetName(names.marked(copy.GetName(), names.is_marked(node.GetName())))
    copy.SetDescription("")
    _clean_attributes(copy)
    for attribute in _ATTRIBUTES:
        value = node.GetAttribute(attribute)
        if value is not None:
            copy.SetAttribute(attribute, value)
    if node.IsA("vtkMRMLSegmentationNode"):
        _clean_provenance(copy)
        _clean_flags(copy)


def _copy_overlay(
    node: vtkMRMLScalarVolumeNode,
    copy: vtkMRMLScalarVolumeNode,
    ct_copy: vtkMRMLScalarVolumeNode,
) -> None:
    untrained = names.is_marked(node.GetName())
    overlay.update_overlay(copy, ct_copy, node.GetImageData(), untrained)
    overlay.set_visible_from(copy, overlay.visible_from(node))
    color_map = overlay.color_map_of(node)
    if color_map is not None:  # the user's own stays behind, as its name may be anything
        overlay.set_color_map(copy, color_map)


def _clean_attributes(node: vtkMRMLNode) -> None:
    for name in list(node.GetAttributeNames() or ()):
        node.RemoveAttribute(name)


def _clean_provenance(node: vtkMRMLSegmentationNode) -> None:
    provenance = nodes.read_provenance(node)
    provenance.pop("input", None)  # of a DICOM series it says more than is needed here
    node.SetAttribute(names.PROVENANCE_ATTRIBUTE, json.dumps(provenance))


def _clean_flags(node: vtkMRMLSegmentationNode) -> None:
    flags = [asdict(flag) for flag in without_names(nodes.read_flags(node))]
    node.SetAttribute(names.FLAGS_ATTRIBUTE, json.dumps(flags))


def _copy_segments(
    node: vtkMRMLSegmentationNode,
    copy: vtkMRMLSegmentationNode,
    ct_copy: vtkMRMLScalarVolumeNode,
) -> None:
    """New segments on the same voxels and surfaces.

    Segments that the user made or renamed get neutral names; only known tags are taken over.
    """
    source, target = node.GetSegmentation(), copy.GetSegmentation()
    target.SetSourceRepresentationName(source.GetSourceRepresentationName())
    own = own_segment_ids(node)
    for number, id_ in enumerate(segment_ids(node), start=1):
        segment, new = source.GetSegment(id_), slicer.vtkSegment()
        tags = written_tags(segment)
        plain = tags[CLASS_TAG] if id_ in own else f"Segment {number}"
        new.SetName(names.marked(plain, names.is_marked(segment.GetName())))
        new.SetColor(segment.GetColor())
        new.SetLabelValue(segment.GetLabelValue())
        for name, value in tags.items():
            new.SetTag(name, value)
        for representation in _REPRESENTATIONS:
            data = segment.GetRepresentation(representation)
            if data is not None:
                new.AddRepresentation(representation, data)
        target.AddSegment(new, id_ if id_ in own else f"segment-{number}")
    copy.SetReferenceImageGeometryParameterFromVolumeNode(ct_copy)


def _copy_segment_display(node: vtkMRMLSegmentationNode, copy: vtkMRMLSegmentationNode) -> None:
    """Which of this package's segments are seen, and how."""
    copy.CreateDefaultDisplayNodes()
    shown, display = node.GetDisplayNode(), copy.GetDisplayNode()
    if shown is None:
        return
    display.SetVisibility(shown.GetVisibility())
    for id_ in own_segment_ids(node):
        write_segment_display(copy, id_, read_segment_display(node, id_))


def _show_in_slice_views(ct_copy: vtkMRMLScalarVolumeNode) -> None:
    scene = ct_copy.GetScene()
    composites = []
    for name in _SLICE_VIEWS:
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetSingletonTag(name)
        composite.SetLayoutName(name)
        composite.SetName(f"{name} view")
        composites.append(scene.AddNode(composite))
    probability = nodes.find_output(ct_copy, names.PROBABILITY_ROLE)
    if probability is not None:
        overlay.show_overlay(composites, ct_copy, probability)
