"""One step back: the results of a CT as they were before a run.

MRML's own undo is off in Slicer unless every node that refers to another opts in, the user's CT
included, so results carry their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import names, nodes
from .chart import update_chart
from .overlay import has_automatic_window, leave_lung_window
from .segmentation import segment_ids

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode

_COLOR = "OverrideColor"
_SEGMENT_DISPLAY = (
    "Visibility",
    "Visibility3D",
    "Visibility2DFill",
    "Visibility2DOutline",
    "Opacity3D",
    "Opacity2DFill",
    "Opacity2DOutline",
    "Pickable",
    _COLOR,
)
"""What a display node says of each segment, by the names of its getters and setters."""

_SegmentDisplay = dict[str, dict[str, Any]]
"""By segment id, by name of :data:`_SEGMENT_DISPLAY`."""


class Snapshot:
    """The results of one CT, as they were when the snapshot was taken.

    Display settings are not taken back: a run sets them only for what it creates, and what the
    user changes there later is the user's. Only what a run took away comes back as it was.
    """

    def __init__(self, ct_node: vtkMRMLScalarVolumeNode) -> None:
        self._ct_node = ct_node
        self._copies = {role: _Copy.of(node) for role, node in nodes.find_outputs(ct_node).items()}
        self._removed: dict[str, list[vtkMRMLNode]] = {}
        self._automatic_window = has_automatic_window(ct_node)

    def remove(self, role: str) -> None:
        """Remove a node that the run has none of; :meth:`restore` puts it back."""
        node = nodes.find_output(self._ct_node, role)
        if node is not None:
            self._removed[role] = nodes.remove_output(node)

    def restore(self) -> None:
        """Put the results back as they were, and remove those that did not exist yet."""
        for role, node in nodes.find_outputs(self._ct_node).items():
            if role not in self._copies or role in self._removed:
                nodes.remove_output(node)
        scene = self._ct_node.GetScene()
        if scene is None:
            return
        for removed in self._removed.values():
            nodes.put_back(scene, removed)
            nodes.place_beside_ct(self._ct_node, removed[-1:])
        self._removed.clear()
        for copy in self._copies.values():
            # A result that the user deleted meanwhile stays deleted.
            if scene.IsNodePresent(copy.node):
                copy.restore()
        outputs = nodes.find_outputs(self._ct_node)
        if names.CHART_ROLE in outputs and names.SLICES_ROLE in outputs:
            # The classes, and with them the lines, may be others.
            update_chart(outputs[names.CHART_ROLE], outputs[names.SLICES_ROLE])
        if self._automatic_window:
            leave_lung_window(self._ct_node)


@dataclass(frozen=True)
class _Copy:
    """One node, and what it held."""

    node: vtkMRMLNode
    content: vtkMRMLNode
    transform_id: str | None
    marked: bool
    segment_display: _SegmentDisplay

    @classmethod
    def of(cls, node: vtkMRMLNode) -> _Copy:
        content = node.CreateNodeInstance()
        content.UnRegister(None)
        _copy_content(node, content)
        transform_id = node.GetTransformNodeID() if _is_transformable(node) else None
        marked = names.is_marked(node.GetName())
        return cls(node, content, transform_id, marked, _read_segment_display(node))

    def restore(self) -> None:
        # Slicer forgets how a segment is displayed when its content is replaced.
        display = self.segment_display | _read_segment_display(self.node)
        _copy_content(self.content, self.node)
        _write_segment_display(self.node, display)
        if _is_transformable(self.node):
            self.node.SetAndObserveTransformNodeID(self.transform_id)
        self.node.SetName(names.marked(self.node.GetName(), self.marked))


def _is_transformable(node: vtkMRMLNode) -> bool:
    return bool(node.IsA("vtkMRMLTransformableNode"))


def _copy_content(source: vtkMRMLNode, target: vtkMRMLNode) -> None:
    # A run replaces a volume's voxels instead of changing them in place, so a reference keeps the
    # earlier ones; segments and tables can be edited in place and need a copy of their own.
    target.CopyContent(source, not source.IsA("vtkMRMLVolumeNode"))


def _read_segment_display(node: vtkMRMLNode) -> _SegmentDisplay:
    if not node.IsA("vtkMRMLSegmentationNode") or node.GetDisplayNode() is None:
        return {}
    display = node.GetDisplayNode()
    return {
        id_: {name: getattr(display, f"GetSegment{name}")(id_) for name in _SEGMENT_DISPLAY}
        for id_ in segment_ids(node)
    }


def _write_segment_display(node: vtkMRMLNode, settings: _SegmentDisplay) -> None:
    if not settings or node.GetDisplayNode() is None:
        return
    display = node.GetDisplayNode()
    for id_ in settings.keys() & set(segment_ids(node)):
        for name, value in settings[id_].items():
            values = value if name == _COLOR else [value]
            getattr(display, f"SetSegment{name}")(id_, *values)
