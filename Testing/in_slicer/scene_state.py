"""What a scene holds, for comparison before and after."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from typing import Any

import slicer

OF_THE_APPLICATION = (
    "vtkMRMLAbstractLayoutNode",
    "vtkMRMLAbstractViewNode",
    "vtkMRMLCameraNode",
    "vtkMRMLClipNode",
    "vtkMRMLColorNode",
    "vtkMRMLCrosshairNode",
    "vtkMRMLInteractionNode",
    "vtkMRMLLayoutNode",
    "vtkMRMLScriptedModuleNode",
    "vtkMRMLSegmentEditorNode",
    "vtkMRMLSelectionNode",
    "vtkMRMLSliceCompositeNode",
    "vtkMRMLSliceDisplayNode",
    "vtkMRMLSnapshotClipNode",
    "vtkMRMLSubjectHierarchyNode",
    "vtkMRMLPlotViewNode",
    "vtkMRMLTableViewNode",
)
"""Classes of nodes that the application or a module keeps its own state in."""


def user_nodes() -> list[Any]:
    """All nodes but those of the application."""
    return [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLNode")
        if not any(node.IsA(kind) for kind in OF_THE_APPLICATION)
    ]


def facts() -> dict[str, list]:
    """By node id: everything that a saved scene says of the node, and a checksum of its voxels."""
    scene = slicer.mrmlScene
    scene.SetSaveToXMLString(1)
    try:
        scene.Commit()
        root = ElementTree.fromstring(scene.GetSceneXMLString())
    finally:
        scene.SetSaveToXMLString(0)
    said = {element.get("id"): sorted(element.attrib.items()) for element in root.iter()}
    return {node.GetID(): [*said.get(node.GetID(), []), _checksum(node)] for node in user_nodes()}


def _checksum(node: Any) -> str:
    if not node.IsA("vtkMRMLVolumeNode") or node.GetImageData() is None:
        return ""
    return hashlib.sha256(slicer.util.arrayFromVolume(node).tobytes()).hexdigest()
