"""What the slice and 3D views show of a CT and its result.

Only this file and :mod:`.results.slice_chart` use the layout manager.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ..scene import model3d, names, overlay, slice_views
from ..scene.nodes import find_own, results_of_others
from ..scene.show import SceneResult

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSliceCompositeNode


def show_background(ct: vtkMRMLScalarVolumeNode) -> bool:
    """Show the CT in every slice view, and hide all results but its own.

    Returns:
        Whether any view showed another volume before.
    """
    composites = _slice_composites()
    moved = any(composite.GetBackgroundVolumeID() != ct.GetID() for composite in composites)
    for role, node in results_of_others(ct):
        if role in overlay.STYLES:
            overlay.hide_overlay(composites, node)
            model3d.show_volume_rendering(node, False)
        elif role == names.SEGMENTATION_ROLE or (role, node.GetClassName()) in names.ASKED_FOR:
            _show_node(composites, node, False)
    for composite in composites:
        composite.SetBackgroundVolumeID(ct.GetID())
    if moved:  # what was hidden as that of another CT
        for role, class_name in names.ASKED_FOR:
            own = find_own(ct, class_name, role)
            if own is not None:
                _show_node(composites, own, True)
    return moved


def _show_node(
    composites: list[vtkMRMLSliceCompositeNode], node: vtkMRMLNode, visible: bool
) -> None:
    """Show or hide a node; a label map is shown where the views show no other."""
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        for composite in composites:
            if visible and not composite.GetLabelVolumeID():
                composite.SetLabelVolumeID(node.GetID())
            elif not visible and composite.GetLabelVolumeID() == node.GetID():
                composite.SetLabelVolumeID(None)
    elif node.GetDisplayNode() is not None:
        node.GetDisplayNode().SetVisibility(visible)


def background_volumes() -> list[vtkMRMLScalarVolumeNode]:
    """The volumes that the slice views show, without overlays."""
    volumes = [
        slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        for composite in _slice_composites()
    ]
    return [volume for volume in volumes if volume is not None]


def show_overlay(
    ct: vtkMRMLScalarVolumeNode, overlay_node: vtkMRMLScalarVolumeNode, opacity: float
) -> None:
    """Show the CT in every slice view, with this volume of its result over it."""
    overlay.show_overlay(_slice_composites(), ct, overlay_node, opacity)


def overlay_opacity(overlay_node: vtkMRMLScalarVolumeNode) -> float | None:
    """Opacity of this volume of a result in the slice views; None where none shows it."""
    return overlay.overlay_opacity(_slice_composites(), overlay_node)


def shows_ct(ct: vtkMRMLScalarVolumeNode) -> bool:
    """Whether any slice view shows the CT."""
    return ct.GetID() in (one.GetBackgroundVolumeID() for one in _slice_composites())


def hide_overlays(result: SceneResult) -> float | None:
    """Take every overlay of a result off the slice views.

    Returns:
        The opacity that it had; None where none was there.
    """
    composites = _slice_composites()
    overlays = list(filter(None, (result.probabilityNode, result.disagreementNode)))
    opacities = [overlay.overlay_opacity(composites, node) for node in overlays]
    for node in overlays:
        overlay.hide_overlay(composites, node)
    return next((opacity for opacity in opacities if opacity is not None), None)


def go_to_slice(ct: vtkMRMLScalarVolumeNode, index: int) -> None:
    """Show an axial slice of the CT in the slice views; see :mod:`..scene.slice_views`."""
    if not slice_views.slice_views(ct):
        show_background(ct)
    slice_views.go_to_slice(ct, index)


def display_nodes(result: SceneResult) -> list[vtkMRMLNode]:
    """The nodes that say how a result is displayed, and in which slice views."""
    logic = slicer.modules.volumerendering.logic()
    nodes = [
        result.segmentationNode.GetDisplayNode(),
        result.probabilityNode.GetDisplayNode(),
        logic.GetFirstVolumeRenderingDisplayNode(result.probabilityNode),
        result.disagreementNode and result.disagreementNode.GetDisplayNode(),
        *_slice_composites(),
    ]
    return [node for node in nodes if node is not None]


def fit_slices() -> None:
    """Fit the CT into the slice views."""
    if slicer.app.layoutManager() is not None:
        slicer.util.resetSliceViews()


def fit_3d() -> None:
    """Fit everything that is visible into every 3D view, seen from where the user looks."""
    layout = slicer.app.layoutManager()
    if layout is None:
        return
    for index in range(layout.threeDViewCount):
        view = layout.threeDWidget(index).threeDView()
        node = view.mrmlViewNode()
        box, labels = node.GetBoxVisible(), node.GetAxisLabelsVisible()
        # The box is around hidden nodes, too.
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        view.resetCamera(False, True, True)  # rotation, translation, distance
        node.SetBoxVisible(box)
        node.SetAxisLabelsVisible(labels)
        # Slicer draws box and labels anew around what is visible now.
        node.InvokeEvent(node.ResetFocalPointRequestedEvent)


def _slice_composites() -> list[vtkMRMLSliceCompositeNode]:
    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))
