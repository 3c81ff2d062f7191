"""Slice and 3D views of the application: the only file that reaches for the layout."""

from __future__ import annotations

import slicer

from ..scene import overlay, surfaces
from ..scene.show import SceneResult


def show_overlay(ct_node, result: SceneResult, visible: bool) -> None:
    """Show the CT in every slice view, with the lesion probability over it or not."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    if visible:
        overlay.show_overlay(composites, ct_node, result.probabilityNode)
    else:
        overlay.hide_overlay(composites, result.probabilityNode)


def show_surfaces(result: SceneResult, visible: bool) -> None:
    """Show or hide lungs and lesions in the 3D views."""
    surfaces.set_surfaces_visible(result.segmentationNode, visible)


def fit_views() -> None:
    """Fit the CT into the slice views and the 3D model into the 3D views."""
    layout = slicer.app.layoutManager()
    if layout is None:
        return
    slicer.util.resetSliceViews()
    for index in range(layout.threeDViewCount):
        layout.threeDWidget(index).threeDView().resetFocalPoint()
