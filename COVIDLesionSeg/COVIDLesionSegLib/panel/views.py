"""Slice and 3D views of the application: the only file that reaches for the layout."""

from __future__ import annotations

import slicer

from ..scene import model3d, overlay
from ..scene.show import SceneResult


def show_overlay(ct_node, overlay_node, visible: bool) -> None:
    """Show the CT in every slice view, with this volume of its result over it or not."""
    if visible:
        overlay.show_overlay(_slice_composites(), ct_node, overlay_node)
    else:
        overlay.hide_overlay(_slice_composites(), overlay_node)


def overlay_visible(overlay_node) -> bool:
    """Whether any slice view shows this volume of a result; False where there is none."""
    return overlay_node is not None and overlay.overlay_visible(_slice_composites(), overlay_node)


def hide_overlays(result: SceneResult) -> bool:
    """Take every overlay of a result off the slice views; whether one was there."""
    overlays = filter(None, (result.probabilityNode, result.disagreementNode))
    visible = [node for node in overlays if overlay_visible(node)]
    for node in visible:
        overlay.hide_overlay(_slice_composites(), node)
    return bool(visible)


def show_surfaces(result: SceneResult, visible: bool) -> None:
    """Show or hide lungs and lesions in the 3D views."""
    model3d.set_surfaces_visible(result.segmentationNode, visible)


def surfaces_visible(result: SceneResult) -> bool:
    """Whether the 3D views show lungs or lesions."""
    return model3d.surfaces_visible(result.segmentationNode)


def show_volume_rendering(result: SceneResult, visible: bool) -> None:
    """Show or hide the lesion probability as a cloud in the 3D views."""
    model3d.show_volume_rendering(result.probabilityNode, visible)


def volume_rendering_visible(result: SceneResult) -> bool:
    """Whether the 3D views show the cloud."""
    return model3d.volume_rendering_visible(result.probabilityNode)


def _slice_composites() -> list:
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def fit_views() -> None:
    """Fit the CT into the slice views and the 3D model into the 3D views."""
    layout = slicer.app.layoutManager()
    if layout is None:
        return
    slicer.util.resetSliceViews()
    for index in range(layout.threeDViewCount):
        layout.threeDWidget(index).threeDView().resetFocalPoint()
