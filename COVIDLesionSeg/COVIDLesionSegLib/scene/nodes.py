"""This package's own nodes: found, created, placed, and never mistaken for the user's.

A node counts as this package's only if it states its role, refers to its CT and refers to itself.
A copy that the user made of a result still refers to its original, so it is the user's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..engine.flags import Flag
from ..engine.result import SegmentationResult
from ..engine.severity.report import SeverityReport
from . import names

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSegmentationNode


def find_output(ct_node: vtkMRMLScalarVolumeNode, role: str) -> vtkMRMLNode | None:
    """The node that plays ``role`` for ``ct_node``, or None."""
    return find_own(ct_node, names.NODE_CLASSES[role], role)


def find_own(ct_node: vtkMRMLScalarVolumeNode, class_name: str, role: str) -> vtkMRMLNode | None:
    """The node of a class that this package made for ``ct_node`` and gave ``role``, or None."""
    if ct_node.GetScene() is None:
        return None
    for node in nodes_by_class(ct_node.GetScene(), class_name):
        if (
            node.GetAttribute(names.ROLE_ATTRIBUTE) == role
            and node.GetNodeReferenceID(names.CT_REFERENCE) == ct_node.GetID()
            and node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID()
        ):
            return node
    return None


def find_outputs(ct_node: vtkMRMLScalarVolumeNode) -> dict[str, vtkMRMLNode]:
    """All nodes this package made for ``ct_node``, by role."""
    found = {role: find_output(ct_node, role) for role in names.NODE_CLASSES}
    return {role: node for role, node in found.items() if node is not None}


def lost_role(ct_node: vtkMRMLScalarVolumeNode) -> str | None:
    """Which node of the CT's result was deleted, so that the rest is none any more; or None."""
    outputs = find_outputs(ct_node)
    segmentation = outputs.get(names.SEGMENTATION_ROLE)
    if segmentation is None:
        return names.SEGMENTATION_ROLE if names.PROBABILITY_ROLE in outputs else None
    has_figures = segmentation.GetAttribute(names.SEVERITY_ATTRIBUTE) is not None
    return names.PROBABILITY_ROLE if has_figures and names.PROBABILITY_ROLE not in outputs else None


def results_of_others(ct_node: vtkMRMLScalarVolumeNode) -> list[tuple[str, vtkMRMLNode]]:
    """Role and node of all that this package made for other CTs, also for those that are gone."""
    scene = ct_node.GetScene()
    found = []
    for role, class_name in (*names.NODE_CLASSES.items(), *names.ASKED_FOR):
        for node in nodes_by_class(scene, class_name):
            if (
                node.GetAttribute(names.ROLE_ATTRIBUTE) == role
                and node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID()
                and node.GetNodeReferenceID(names.CT_REFERENCE) != ct_node.GetID()
            ):
                found.append((role, node))
    return found


def find_or_create_output(ct_node: vtkMRMLScalarVolumeNode, role: str) -> vtkMRMLNode:
    """The node that plays ``role`` for ``ct_node``, created if there is none."""
    node = find_output(ct_node, role)
    if node is not None:
        return node
    scene = ct_node.GetScene()
    title = f"{ct_node.GetName() or 'CT'} {names.NODE_TITLES[role]}"
    node = scene.CreateNodeByClass(names.NODE_CLASSES[role])
    node.UnRegister(None)
    node.SetName(scene.GenerateUniqueName(title))
    # Before it is in the scene: subject hierarchy looks at this only once.
    node.SetHideFromEditors(role in names.HIDDEN_ROLES)
    node = scene.AddNode(node)
    make_own(node, ct_node, role)
    if node.GetHideFromEditors():
        # The application makes items for visible nodes only, but logs errors for each segment of a
        # segmentation without one; the item of a hidden node is not shown.
        place_beside_ct(ct_node, [node])
    return node


def make_own(node: vtkMRMLNode, ct_node: vtkMRMLScalarVolumeNode, role: str) -> None:
    """Write on a node of the scene that this package made it for ``ct_node``, and what for."""
    node.SetAttribute(names.ROLE_ATTRIBUTE, role)
    node.SetNodeReferenceID(names.CT_REFERENCE, ct_node.GetID())
    node.SetNodeReferenceID(names.SELF_REFERENCE, node.GetID())


def series_of(chart: vtkMRMLNode) -> list[vtkMRMLNode]:
    """This package's plot series of the chart's CT, also those that the chart has lost."""
    return [
        series
        for series in nodes_by_class(chart.GetScene(), "vtkMRMLPlotSeriesNode")
        if series.GetAttribute(names.ROLE_ATTRIBUTE) == names.SERIES_ROLE
        and series.GetNodeReferenceID(names.SELF_REFERENCE) == series.GetID()
        and series.GetNodeReferenceID(names.CT_REFERENCE)
        == chart.GetNodeReferenceID(names.CT_REFERENCE)
    ]


def remove_output(node: vtkMRMLNode) -> list[vtkMRMLNode]:
    """Remove one of this package's nodes with its display and storage nodes, or its plot series.

    Returns:
        What was removed, for :func:`put_back`.
    """
    scene = node.GetScene()
    companions = [node.GetNthDisplayNode(i) for i in range(_display_node_count(node))]
    if node.IsA("vtkMRMLStorableNode"):
        companions.append(node.GetStorageNode())
    if node.IsA("vtkMRMLPlotChartNode"):
        companions += series_of(node)
    removed = [*(companion for companion in companions if companion is not None), node]
    # A node that leaves while another still refers to it is struck from that one's references.
    for one in reversed(removed):
        if scene.IsNodePresent(one):  # Slicer removes some companions with their node
            scene.RemoveNode(one)
    return removed


def remove_left_behind(scene: vtkMRMLScene) -> None:
    """Remove hidden nodes of this package that belong to nothing any more.

    They are the run's segmentation where the one on show or the CT was deleted, and plot series
    that no chart shows and whose own chart was deleted: no list shows them, so that nobody else
    could, and they would be saved with the scene.
    """
    for node in nodes_by_class(scene, names.NODE_CLASSES[names.PREDICTION_ROLE]):
        if _is_hidden_own(node, names.PREDICTION_ROLE):
            ct_node = node.GetNodeReference(names.CT_REFERENCE)
            if ct_node is None or find_output(ct_node, names.SEGMENTATION_ROLE) is None:
                remove_output(node)
    chart_class = names.NODE_CLASSES[names.CHART_ROLE]
    drawn = {
        chart.GetNthPlotSeriesNodeID(number)
        for chart in nodes_by_class(scene, chart_class)
        for number in range(chart.GetNumberOfPlotSeriesNodes())
    }
    for node in nodes_by_class(scene, "vtkMRMLPlotSeriesNode"):
        for role, of_chart in (
            (names.SERIES_ROLE, names.CHART_ROLE),
            (names.CLASSES_ROLE, names.CLASSES_ROLE),
        ):
            if not _is_hidden_own(node, role) or node.GetID() in drawn:
                continue
            ct_node = node.GetNodeReference(names.CT_REFERENCE)
            if ct_node is None or find_own(ct_node, chart_class, of_chart) is None:
                scene.RemoveNode(node)
                break


def put_back(scene: vtkMRMLScene, removed: Iterable[vtkMRMLNode]) -> None:
    """The inverse of :func:`remove_output`: the same nodes, with their names and displays.

    Args:
        scene: Where they were.
        removed: All that is to be put back: these nodes may refer to each other.
    """
    removed = list(removed)
    ids = [node.GetID() for node in removed]
    for node in removed:
        scene.AddNode(node)
    # Another node may have taken an id meanwhile, as an added scene's does; MRML then gives a new.
    new_ids = {
        id_: node.GetID() for id_, node in zip(ids, removed, strict=True) if id_ != node.GetID()
    }
    for node in removed if new_ids else []:
        for role in map(node.GetNthNodeReferenceRole, range(node.GetNumberOfNodeReferenceRoles())):
            for number in range(node.GetNumberOfNodeReferences(role)):
                id_ = node.GetNthNodeReferenceID(role, number)
                if id_ in new_ids:
                    node.SetNthNodeReferenceID(role, number, new_ids[id_])


def place_beside_ct(ct_node: vtkMRMLScalarVolumeNode, nodes: Iterable[vtkMRMLNode]) -> None:
    """Put ``nodes`` where the CT is in subject hierarchy: under its study, if it has one.

    A CT without an item of its own (no subject hierarchy, or none made yet) leaves them as they
    are. A result is placed when it is created; where the user moves it later, it stays.
    """
    hierarchy = ct_node.GetScene().GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    if hierarchy is None:
        return
    ct_item = hierarchy.GetItemByDataNode(ct_node)
    if not ct_item:
        return
    parent = hierarchy.GetItemParent(ct_item)
    for node in nodes:
        hierarchy.CreateItem(parent, node)


def write_provenance(node: vtkMRMLSegmentationNode, result: SegmentationResult) -> None:
    """Keep provenance, quality flags and severity of ``result`` as JSON attributes of ``node``."""
    for attribute, value in (
        (names.PROVENANCE_ATTRIBUTE, result.provenance),
        (names.FLAGS_ATTRIBUTE, [asdict(flag) for flag in result.flags]),
        (names.SEVERITY_ATTRIBUTE, result.severity.to_dict()),
    ):
        # Unsorted: the order of lesion classes and of members is that of the result.
        node.SetAttribute(attribute, json.dumps(value))


def read_provenance(node: vtkMRMLSegmentationNode) -> dict[str, Any]:
    """Software versions, models, parameters and device of the run that made ``node``."""
    return dict(_read_json(node, names.PROVENANCE_ATTRIBUTE, {}))


def read_flags(node: vtkMRMLSegmentationNode) -> tuple[Flag, ...]:
    """Quality flags of the result in ``node``."""
    return tuple(Flag.from_dict(values) for values in _read_json(node, names.FLAGS_ATTRIBUTE, []))


def read_severity(node: vtkMRMLSegmentationNode) -> SeverityReport | None:
    """Severity of the result in ``node``; None if it has none that this version understands."""
    values = _read_json(node, names.SEVERITY_ATTRIBUTE, None)
    if values is None:
        return None
    try:
        return SeverityReport.from_dict(values)
    except (KeyError, TypeError):
        return None


def nodes_by_class(scene: vtkMRMLScene, class_name: str) -> list[vtkMRMLNode]:
    """All nodes of this class and those derived from it."""
    return [
        scene.GetNthNodeByClass(i, class_name)
        for i in range(scene.GetNumberOfNodesByClass(class_name))
    ]


def _is_hidden_own(node: vtkMRMLNode, role: str) -> bool:
    """Whether this package made a node for ``role``, and the user does not see it."""
    return bool(
        node.GetAttribute(names.ROLE_ATTRIBUTE) == role
        and node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID()
        and node.GetHideFromEditors()
    )


def _display_node_count(node: vtkMRMLNode) -> int:
    return int(node.GetNumberOfDisplayNodes()) if node.IsA("vtkMRMLDisplayableNode") else 0


def _read_json(node: vtkMRMLNode, attribute: str, default: Any) -> Any:
    text = node.GetAttribute(attribute)
    return default if not text else json.loads(text)
