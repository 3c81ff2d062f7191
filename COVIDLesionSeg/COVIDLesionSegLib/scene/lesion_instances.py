"""Lesions one by one as a node: a segment for each, or one label map with a colour for each."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.labels import LESION, Color, class_style
from ..engine.severity.correction import paint
from ..engine.severity.lesions import number_lesions
from ..engine.severity.report import Lesion, SeverityReport
from . import names
from .images import array_to_matrix, fill_image
from .label_boxes import labelled_ct
from .labels import bounding_box
from .nodes import find_own, make_own, nodes_by_class, place_beside_ct, remove_output
from .segmentation import BINARY_LABELMAP, set_contents
from .volumes import local_ijk_to_ras, set_voxels, world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

SEGMENTS, LABEL_MAP = "segments", "label-map"
FORMS = {SEGMENTS: "vtkMRMLSegmentationNode", LABEL_MAP: "vtkMRMLLabelMapVolumeNode"}
"""MRML class of the node, by the form that lesions are shown in."""
MOST = 100
"""Lesions that become segments or labels, the largest."""

_GOLDEN = 0.618034
"""Hues this far apart differ, however many there are."""


def find_instances(
    ct_node: vtkMRMLScalarVolumeNode, role: str = names.INSTANCES_ROLE
) -> tuple[str, vtkMRMLNode] | None:
    """Form and node of the CT's lesions; None where they are not shown one by one."""
    for form, class_name in FORMS.items():
        node = find_own(ct_node, class_name, role)
        if node is not None:
            return form, node
    return None


def show_instances(
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[Any],
    lesions: Sequence[Lesion],
    form: str,
    role: str = names.INSTANCES_ROLE,
) -> vtkMRMLNode:
    """Show lesions one by one; an earlier node of the CT with this role goes.

    Args:
        ct_node: The CT.
        labels: Numbers of lesions on its stored grid, (k, j, i).
        lesions: Those to show, with these numbers.
        form: :data:`SEGMENTS` or :data:`LABEL_MAP`.
        role: Whose lesions they are: those of the result, or of a detector.
    """
    remove_instances(ct_node, role)
    scene = ct_node.GetScene()
    node = scene.CreateNodeByClass(FORMS[form])
    node.UnRegister(None)
    node.SetName(scene.GenerateUniqueName(f"{ct_node.GetName() or 'CT'} COVID-19 lesions"))
    node = scene.AddNode(node)
    make_own(node, ct_node, role)
    node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    place_beside_ct(ct_node, [node])
    numbers = [one.number for one in lesions]
    kept = np.zeros(max([int(labels.max(initial=0)), *numbers]) + 1, np.uint16)
    kept[numbers] = numbers
    shown = kept[labels]
    if form == SEGMENTS:
        _fill_segments(node, ct_node, shown, lesions)
    else:
        _fill_label_map(node, ct_node, shown, lesions)
    return node


def show_instances_of_result(
    ct_node: vtkMRMLScalarVolumeNode,
    segmentation_node: vtkMRMLSegmentationNode,
    severity: SeverityReport,
    form: str,
) -> vtkMRMLNode:
    """Show the lesions of a result as its segmentation is now, with the numbers of its table.

    Args:
        ct_node: The CT.
        segmentation_node: With lungs and lesions.
        severity: Measured on them.
        form: As for :func:`show_instances`.

    Raises:
        InputError: The CT has no voxels, or a transform that bends its grid.
    """
    geometry = world_geometry(ct_node)
    found = labelled_ct(segmentation_node, ct_node, severity.classes)
    lungs, lesions = (
        paint(boxes, (0, 0, 0), geometry.shape) for boxes in (found.lungs, found.lesions)
    )
    labels = number_lesions(lungs, lesions, geometry, MOST)
    return show_instances(ct_node, labels, severity.lesions[:MOST], form)


def remove_instances(ct_node: vtkMRMLScalarVolumeNode, role: str = names.INSTANCES_ROLE) -> None:
    """Remove the CT's node of lesions one by one, if there is any."""
    found = find_instances(ct_node, role)
    if found is None:
        return
    _, node = found
    display = node.GetDisplayNode()
    colors = display.GetColorNode() if node.IsA("vtkMRMLLabelMapVolumeNode") and display else None
    remove_output(node)
    if colors is not None and colors.GetAttribute(names.ROLE_ATTRIBUTE) == role:
        remove_output(colors)


def color_of(number: int) -> Color:
    """Colour of a lesion, RGB, 0 to 1; neighbours in the table differ."""
    return colorsys.hsv_to_rgb((number * _GOLDEN) % 1.0, 0.75, 1.0)


def _name(lesion: Lesion) -> str:
    return f"Lesion {lesion.number}, {lesion.region}"


def _fill_segments(
    node: vtkMRMLSegmentationNode,
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[np.uint16],
    lesions: Sequence[Lesion],
) -> None:
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct_node)
    image = slicer.vtkOrientedImageData()
    image.SetGeometryFromImageToWorldMatrix(array_to_matrix(local_ijk_to_ras(ct_node)))
    box = bounding_box(labels)
    if box is not None:
        fill_image(image, labels[box], [axis.start for axis in box])
    segmentation = node.GetSegmentation()
    terminology = class_style(LESION).terminology
    contents = {}
    for lesion in lesions:
        id_ = f"lesion-{lesion.number}"
        segmentation.AddEmptySegment(id_, _name(lesion), color_of(lesion.number))
        segment = segmentation.GetSegment(id_)
        segment.SetTag("TerminologyEntry", terminology)
        segment.SetLabelValue(lesion.number)
        contents[id_] = {BINARY_LABELMAP: image}
    set_contents(node, contents)


def _fill_label_map(
    node: Any,
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[np.uint16],
    lesions: Sequence[Lesion],
) -> None:
    set_voxels(node, labels, local_ijk_to_ras(ct_node))
    scene = ct_node.GetScene()
    colors = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    colors.UnRegister(None)
    colors.SetName(scene.GenerateUniqueName(f"{node.GetName()} colours"))
    colors.SetTypeToUser()
    colors.SetNumberOfColors(1 + max((one.number for one in lesions), default=0))
    colors.SetColor(0, "none", 0.0, 0.0, 0.0, 0.0)
    for lesion in lesions:
        colors.SetColor(lesion.number, _name(lesion), *color_of(lesion.number), 1.0)
    colors = scene.AddNode(colors)
    make_own(colors, ct_node, node.GetAttribute(names.ROLE_ATTRIBUTE))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    for composite in nodes_by_class(scene, "vtkMRMLSliceCompositeNode"):
        # A label map of the user's stays where it is.
        if (
            composite.GetBackgroundVolumeID() == ct_node.GetID()
            and not composite.GetLabelVolumeID()
        ):
            composite.SetLabelVolumeID(node.GetID())
