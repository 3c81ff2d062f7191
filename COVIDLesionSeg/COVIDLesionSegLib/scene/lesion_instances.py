"""Lesions one by one as a node: a segment for each, or one label map with a colour for each."""

from __future__ import annotations

import colorsys
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.boxes import bounding_box
from ..engine.labels import LESION, Color, class_style
from ..engine.lesions import corrected_lungs
from ..engine.severity.correction import paint
from ..engine.severity.lesions import number_lesions_in_steps
from ..engine.severity.report import Lesion, SeverityReport
from ..engine.steps import Steps, finish
from . import names
from .corrections import find_prediction
from .images import array_to_matrix, fill_image
from .label_boxes import label_boxes, labelled_ct
from .nodes import find_own, make_own, nodes_by_class, place_beside_ct, remove_output
from .segmentation import (
    BINARY_LABELMAP,
    read_segment_display,
    segment_ids,
    set_contents,
    write_segment_display,
)
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
_ID = "lesion-"
_SAME_COLOR = 1e-3
"""Slicer writes colours with few digits."""


def find_instances(
    ct_node: vtkMRMLScalarVolumeNode, role: str = names.INSTANCES_ROLE
) -> tuple[str, vtkMRMLNode] | None:
    """Form and node of the CT's lesions; None where they are not shown one by one."""
    for form, class_name in FORMS.items():
        node = find_own(ct_node, class_name, role)
        if node is not None:
            return form, node
    return None


def shows(node: vtkMRMLNode, lesions: Sequence[Lesion]) -> bool:
    """Whether a node was made of these lesions; also after its scene was saved and loaded."""
    return bool(node.GetAttribute(names.LESIONS_ATTRIBUTE) == _fingerprint(lesions))


def _fingerprint(lesions: Sequence[Lesion]) -> str:
    return hashlib.sha256(json.dumps([asdict(lesion) for lesion in lesions]).encode()).hexdigest()


def show_instances(
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[Any],
    lesions: Sequence[Lesion],
    form: str,
    role: str = names.INSTANCES_ROLE,
) -> vtkMRMLNode:
    """Show lesions one by one, in the CT's node of this role if there is one of this form.

    What the user made of that node stays: its name and display, and name, colour and display of a
    segment, which follow most of its voxels where lesions are numbered anew.

    Args:
        ct_node: The CT.
        labels: Numbers of lesions on its stored grid, (k, j, i).
        lesions: Those to show, with these numbers.
        form: :data:`SEGMENTS` or :data:`LABEL_MAP`.
        role: Whose lesions they are: those of the result, or of a detector.
    """
    found = find_instances(ct_node, role)
    if found is None or found[0] != form:
        remove_instances(ct_node, role)
        node = _new_node(ct_node, form, role)
    else:
        node = found[1]
        node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    numbers = [lesion.number for lesion in lesions]
    highest = int(labels.max(initial=0))
    if not set(range(1, highest + 1)) <= set(numbers):  # only some are to be shown
        kept = np.zeros(max([highest, *numbers]) + 1, np.uint16)
        kept[numbers] = numbers
        labels = kept[labels]
    labels = labels.astype(np.uint16, copy=False)
    if form == SEGMENTS:
        _fill_segments(node, ct_node, labels, lesions)
    else:
        _fill_label_map(node, ct_node, labels, lesions)
    node.SetAttribute(names.LESIONS_ATTRIBUTE, _fingerprint(lesions))
    return node


def _new_node(ct_node: vtkMRMLScalarVolumeNode, form: str, role: str) -> vtkMRMLNode:
    scene = ct_node.GetScene()
    node = scene.CreateNodeByClass(FORMS[form])
    node.UnRegister(None)
    node.SetName(scene.GenerateUniqueName(f"{ct_node.GetName() or 'CT'} COVID-19 lesions"))
    node = scene.AddNode(node)
    make_own(node, ct_node, role)
    node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    place_beside_ct(ct_node, [node])
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
        InputError: The CT has no voxels, or a transform that bends its grid, or was moved.
    """
    labels = finish(labels_of_result(ct_node, segmentation_node, severity))
    return show_instances(ct_node, labels, severity.lesions[:MOST], form)


def labels_of_result(
    ct_node: vtkMRMLScalarVolumeNode,
    segmentation_node: vtkMRMLSegmentationNode,
    severity: SeverityReport,
) -> Steps[npt.NDArray[np.uint16]]:
    """The labels for :func:`show_instances` of a result as its segmentation is now, in steps.

    Args and errors: As for :func:`show_instances_of_result`; the first step raises.
    """
    geometry = world_geometry(ct_node)

    def voxels_of(node: vtkMRMLSegmentationNode) -> tuple[npt.NDArray[np.uint8], ...]:
        found = labelled_ct(node, ct_node, severity.classes)
        return tuple(
            paint(boxes, (0, 0, 0), geometry.shape) for boxes in (found.lungs, found.lesions)
        )

    # Copied at once: Slicer may change or move the voxels between two steps.
    lungs, lesions = voxels_of(segmentation_node)
    prediction = find_prediction(segmentation_node)
    if prediction is not None and ((lungs == 0) & (lesions > 0)).any():
        of_run = voxels_of(prediction)
        yield
        lungs = corrected_lungs(lungs, lesions, *of_run)
    yield
    return (yield from number_lesions_in_steps(lungs, lesions, geometry, MOST))


def remove_instances(ct_node: vtkMRMLScalarVolumeNode, role: str = names.INSTANCES_ROLE) -> None:
    """Remove the CT's node of lesions one by one, if there is any."""
    found = find_instances(ct_node, role)
    if found is None:
        return
    remove_output(found[1])
    colors = _find_colors(ct_node, role)
    if colors is not None:
        remove_output(colors)


def _find_colors(ct_node: vtkMRMLScalarVolumeNode, role: str) -> vtkMRMLNode | None:
    return find_own(ct_node, "vtkMRMLColorTableNode", role)


def color_of(number: int) -> Color:
    """Colour of a lesion, RGB, 0 to 1; neighbours in the table differ."""
    return colorsys.hsv_to_rgb((number * _GOLDEN) % 1.0, 0.75, 1.0)


def _name(lesion: Lesion) -> str:
    return f"{_numbered(lesion.number)} {lesion.region}"


def _numbered(number: int) -> str:
    return f"Lesion {number},"


def _id(number: int) -> str:
    return f"{_ID}{number}"


def _numbers_by_id(node: vtkMRMLSegmentationNode) -> dict[str, int]:
    """The lesions that a node holds; not segments that the user added to it."""
    numbers = {id_: id_.removeprefix(_ID) for id_ in segment_ids(node) if id_.startswith(_ID)}
    return {id_: int(number) for id_, number in numbers.items() if number.isdecimal()}


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
    earlier = {
        number: _Looks.of(node, before)
        for number, before in _numbers_before(node, ct_node, labels).items()
    }
    for id_ in _numbers_by_id(node):
        segmentation.RemoveSegment(id_)
    terminology = class_style(LESION).terminology
    contents = {}
    for lesion in lesions:
        id_ = _id(lesion.number)
        segmentation.AddEmptySegment(id_, _name(lesion), color_of(lesion.number))
        segment = segmentation.GetSegment(id_)
        segment.SetTag("TerminologyEntry", terminology)
        segment.SetLabelValue(lesion.number)
        contents[id_] = {BINARY_LABELMAP: image}
        if lesion.number in earlier:
            earlier[lesion.number].give(node, id_)
    set_contents(node, contents)


@dataclass(frozen=True)
class _Looks:
    """What the user may have made of a segment: name and colour, if they are the user's."""

    name: str | None
    color: Color | None
    display: dict[str, Any]

    @classmethod
    def of(cls, node: vtkMRMLSegmentationNode, number: int) -> _Looks:
        segment = node.GetSegmentation().GetSegment(_id(number))
        name, color = segment.GetName(), segment.GetColor()
        return cls(
            None if name.startswith(_numbered(number)) else name,
            None if np.allclose(color, color_of(number), atol=_SAME_COLOR) else color,
            read_segment_display(node, _id(number)),
        )

    def give(self, node: vtkMRMLSegmentationNode, id_: str) -> None:
        segment = node.GetSegmentation().GetSegment(id_)
        if self.name is not None:
            segment.SetName(self.name)
        if self.color is not None:
            segment.SetColor(self.color)
        write_segment_display(node, id_, self.display)


def _numbers_before(
    node: vtkMRMLSegmentationNode,
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[np.uint16],
) -> dict[int, int]:
    """The number that a lesion had in ``node``, by its number now; each is given once.

    Of several, that of the segment that shares most voxels with it.
    """
    shared: dict[tuple[int, int], int] = {}
    for box in label_boxes(node, ct_node, _numbers_by_id(node)):
        now = labels[
            tuple(slice(a, a + n) for a, n in zip(box.start, box.voxels.shape, strict=True))
        ]
        both = (box.voxels > 0) & (now > 0)
        pairs = box.voxels[both].astype(np.int64) << 16 | now[both]
        for pair, count in zip(*np.unique(pairs, return_counts=True), strict=True):
            value, number = int(pair) >> 16, int(pair) & 0xFFFF
            if value in box.labels:
                shared[number, box.labels[value]] = int(count)
    found: dict[int, int] = {}
    for number, earlier in sorted(shared, key=lambda pair: -shared[pair]):
        if number not in found and earlier not in found.values():
            found[number] = earlier
    return found


def _fill_label_map(
    node: Any,
    ct_node: vtkMRMLScalarVolumeNode,
    labels: npt.NDArray[np.uint16],
    lesions: Sequence[Lesion],
) -> None:
    set_voxels(node, labels, local_ijk_to_ras(ct_node))
    scene, role = ct_node.GetScene(), node.GetAttribute(names.ROLE_ATTRIBUTE)
    colors = earlier = _find_colors(ct_node, role)
    if colors is None:
        colors = scene.CreateNodeByClass("vtkMRMLColorTableNode")
        colors.UnRegister(None)
        colors.SetName(scene.GenerateUniqueName(f"{node.GetName()} colours"))
        colors.SetTypeToUser()
    colors.SetNumberOfColors(1 + max((lesion.number for lesion in lesions), default=0))
    colors.SetColor(0, "none", 0.0, 0.0, 0.0, 0.0)
    for lesion in lesions:
        colors.SetColor(lesion.number, _name(lesion), *color_of(lesion.number), 1.0)
    if earlier is not None:
        return
    colors = scene.AddNode(colors)
    make_own(colors, ct_node, role)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    for composite in nodes_by_class(scene, "vtkMRMLSliceCompositeNode"):
        # A label map of the user's stays where it is.
        if (
            composite.GetBackgroundVolumeID() == ct_node.GetID()
            and not composite.GetLabelVolumeID()
        ):
            composite.SetLabelVolumeID(node.GetID())
