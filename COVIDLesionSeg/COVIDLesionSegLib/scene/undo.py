"""One step back: the results of a CT as they were before a run.

MRML's own undo is off in Slicer unless every node that refers to another opts in, the user's CT
included, so results carry their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from . import names, nodes
from .chart import update_chart
from .images import image_to_world
from .overlay import has_automatic_window, leave_lung_window
from .segmentation import (
    BINARY_LABELMAP,
    CLOSED_SURFACE,
    cropped_mask,
    leave_users_segments,
    own_segment_ids,
    read_segment_display,
    segment_ids,
    segment_tag,
    set_contents,
    write_segment_display,
)

if TYPE_CHECKING:
    import vtk
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkSegment


class Snapshot:
    """The results of one CT, as they were when the snapshot was taken.

    Display settings are not taken back: a run sets them only for what it creates, and what the
    user changes there later is the user's. Only what a run took away comes back as it was. Segments
    that the user added stay as they are, and so do copies of corrections that the run made where
    the user edited them.

    Nothing large is copied: a run gives segments and volumes other voxels instead of changing them.

    Attributes:
        restored: Whether the results were put back.
    """

    def __init__(self, ct_node: vtkMRMLScalarVolumeNode) -> None:
        self._ct_node = ct_node
        outputs = nodes.find_outputs(ct_node)
        self._copies = {role: _copy_of(node) for role, node in outputs.items()}
        self._removed: dict[str, list[vtkMRMLNode]] = {}
        self._automatic_window = has_automatic_window(ct_node)
        self.restored = False

    def remove(self, role: str) -> None:
        """Remove a node that the run has none of; :meth:`restore` puts it back."""
        node = nodes.find_output(self._ct_node, role)
        if node is not None:
            self._removed[role] = nodes.remove_output(node)

    def restore(self) -> list[str]:
        """Put the results back as they were, and remove those that did not exist yet.

        Returns:
            Names of segments that stay though the run made them, or the node that they are in:
            they hold work of the user.
        """
        self.restored = True
        kept: list[str] = []
        for role, node in nodes.find_outputs(self._ct_node).items():
            if role in self._copies and role not in self._removed:
                continue
            users = leave_users_segments(node) if role == names.SEGMENTATION_ROLE else []
            kept += users
            if not users:
                nodes.remove_output(node)
        scene = self._ct_node.GetScene()
        if scene is None:
            return kept
        nodes.put_back(scene, chain.from_iterable(self._removed.values()))
        for removed in self._removed.values():
            nodes.place_beside_ct(self._ct_node, removed[-1:])
        self._removed.clear()
        for copy in self._copies.values():
            # A result that the user deleted meanwhile stays deleted.
            if scene.IsNodePresent(copy.node):
                kept += copy.restore()
        outputs = nodes.find_outputs(self._ct_node)
        if names.CHART_ROLE in outputs and names.SLICES_ROLE in outputs:
            # The classes, and with them the lines, may be others.
            update_chart(outputs[names.CHART_ROLE], outputs[names.SLICES_ROLE])
        if self._automatic_window:
            leave_lung_window(self._ct_node)
        return kept


@dataclass(frozen=True)
class _Copy:
    """One node, and what it held."""

    node: vtkMRMLNode
    content: vtkMRMLNode
    transform_id: str | None
    marked: bool

    def restore(self) -> list[str]:
        """Put it back; it has no segments that could stay."""
        _copy_content(self.content, self.node)
        _restore_common(self)
        return []


@dataclass(frozen=True)
class _SegmentationCopy:
    """One segmentation, and which segments of this package it held."""

    node: vtkMRMLSegmentationNode
    transform_id: str | None
    marked: bool
    attributes: dict[str, str]
    conversion: str
    segments: list[_SegmentCopy]
    others: frozenset[str]
    """Ids of all segments."""

    @classmethod
    def of(cls, node: vtkMRMLSegmentationNode) -> _SegmentationCopy:
        return cls(
            node,
            node.GetTransformNodeID(),
            names.is_marked(node.GetName()),
            {name: node.GetAttribute(name) for name in node.GetAttributeNames()},
            node.GetSegmentation().SerializeAllConversionParameters(),
            [_SegmentCopy.of(node, id_) for id_ in own_segment_ids(node)],
            frozenset(segment_ids(node)),
        )

    def restore(self) -> list[str]:
        """Put it back; gives the names of copies by the run that stay, as the user edited them."""
        segmentation = self.node.GetSegmentation()
        before = {copy.id: copy for copy in self.segments}
        for id_ in set(own_segment_ids(self.node)) - before.keys():
            segmentation.RemoveSegment(id_)
        edited = []
        for id_ in segment_ids(self.node):
            segment = segmentation.GetSegment(id_)
            copied = segment_tag(segment, names.KEPT_TAG)
            if id_ in self.others or not copied:
                continue
            if copied in before and before[copied].has_voxels_of(segment):
                segmentation.RemoveSegment(id_)
            else:
                edited.append(segment.GetName())
        for place, copy in enumerate(self.segments):
            copy.restore(self.node, place)
        set_contents(self.node, {copy.id: copy.contents for copy in self.segments})
        if any(CLOSED_SURFACE in copy.contents for copy in self.segments):
            self.node.CreateClosedSurfaceRepresentation()  # of segments that were added since
        segmentation.DeserializeConversionParameters(self.conversion)
        for name in set(self.node.GetAttributeNames()) - set(self.attributes):
            self.node.RemoveAttribute(name)
        for name, value in self.attributes.items():
            self.node.SetAttribute(name, value)
        _restore_common(self)
        return edited


@dataclass(frozen=True)
class _SegmentCopy:
    """One segment, what it held, and how it was displayed."""

    id: str
    facts: vtkSegment
    contents: dict[str, vtk.vtkDataObject]
    display: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, node: vtkMRMLSegmentationNode, id_: str) -> _SegmentCopy:
        segment = node.GetSegmentation().GetSegment(id_)
        facts = slicer.vtkSegment()
        facts.DeepCopyMetadata(segment)
        kinds = (BINARY_LABELMAP, CLOSED_SURFACE)
        found = {name: segment.GetRepresentation(name) for name in kinds}
        contents = {name: content for name, content in found.items() if content is not None}
        return cls(id_, facts, contents, read_segment_display(node, id_))

    def has_voxels_of(self, segment: vtkSegment) -> bool:
        """Whether a segment of the same segmentation holds the same voxels now."""
        mine, other = self.contents.get(BINARY_LABELMAP), segment.GetRepresentation(BINARY_LABELMAP)
        if mine is None or other is None:
            return mine is other
        (at, voxels), (other_at, other_voxels) = (
            cropped_mask(mine, self.facts.GetLabelValue()),
            cropped_mask(other, segment.GetLabelValue()),
        )
        same_grid = np.allclose(image_to_world(mine), image_to_world(other), rtol=0, atol=1e-6)
        return same_grid and at == other_at and np.array_equal(voxels, other_voxels)

    def restore(self, node: vtkMRMLSegmentationNode, place: int) -> None:
        """Put the segment back if the run took it away; its content comes later."""
        segmentation = node.GetSegmentation()
        segment = segmentation.GetSegment(self.id)
        if segment is None:
            segmentation.AddEmptySegment(self.id)
            segment = segmentation.GetSegment(self.id)
            segment.DeepCopyMetadata(self.facts)
            segmentation.SetSegmentIndex(self.id, place)
            write_segment_display(node, self.id, self.display)
        segment.SetLabelValue(self.facts.GetLabelValue())
        marked = names.is_marked(self.facts.GetName())
        segment.SetName(names.marked(segment.GetName(), marked))


def _copy_of(node: vtkMRMLNode) -> _Copy | _SegmentationCopy:
    if node.IsA("vtkMRMLSegmentationNode"):
        return _SegmentationCopy.of(node)
    content = node.CreateNodeInstance()
    content.UnRegister(None)
    _copy_content(node, content)
    transform_id = node.GetTransformNodeID() if _is_transformable(node) else None
    return _Copy(node, content, transform_id, names.is_marked(node.GetName()))


def _restore_common(copy: _Copy | _SegmentationCopy) -> None:
    if _is_transformable(copy.node):
        copy.node.SetAndObserveTransformNodeID(copy.transform_id)
    copy.node.SetName(names.marked(copy.node.GetName(), copy.marked))


def _is_transformable(node: vtkMRMLNode) -> bool:
    return bool(node.IsA("vtkMRMLTransformableNode"))


def _copy_content(source: vtkMRMLNode, target: vtkMRMLNode) -> None:
    # A run replaces a volume's voxels instead of changing them in place, so a reference keeps the
    # earlier ones; tables are small, and can be edited in place.
    target.CopyContent(source, not source.IsA("vtkMRMLVolumeNode"))
