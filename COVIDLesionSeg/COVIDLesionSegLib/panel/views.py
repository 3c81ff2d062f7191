"""What the slice and 3D views show of a CT and its result.

The only file that reaches for the layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ..scene import model3d, overlay, slice_views
from ..scene.show import SceneResult, find_result

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceCompositeNode


def show_background(ct: vtkMRMLScalarVolumeNode) -> bool:
    """Show the CT in every slice view, and hide the results of all other CTs.

    Returns:
        Whether any view showed another volume before.
    """
    composites = _slice_composites()
    moved = any(composite.GetBackgroundVolumeID() != ct.GetID() for composite in composites)
    for other in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        result = None if other is ct else find_result(other)
        if result is not None:
            hide_overlays(result)
            show_segmentation(result, False)
            show_volume_rendering(result, False)
    for composite in composites:
        composite.SetBackgroundVolumeID(ct.GetID())
    return moved


def background_volumes() -> list[vtkMRMLScalarVolumeNode]:
    """The volumes that the slice views show, without overlays."""
    volumes = [
        slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        for composite in _slice_composites()
    ]
    return [volume for volume in volumes if volume is not None]


def show_overlay(
    ct: vtkMRMLScalarVolumeNode, overlay_node: vtkMRMLScalarVolumeNode, visible: bool
) -> None:
    """Show the CT in every slice view, with this volume of its result over it or not."""
    if visible:
        overlay.show_overlay(_slice_composites(), ct, overlay_node)
    else:
        overlay.hide_overlay(_slice_composites(), overlay_node)


def overlay_visible(overlay_node: vtkMRMLScalarVolumeNode | None) -> bool:
    """Whether any slice view shows this volume of a result; False where there is none."""
    if overlay_node is None:
        return False
    return bool(overlay.overlay_visible(_slice_composites(), overlay_node))


def hide_overlays(result: SceneResult) -> bool:
    """Take every overlay of a result off the slice views; whether one was there."""
    overlays = list(filter(None, (result.probabilityNode, result.disagreementNode)))
    visible = any(map(overlay_visible, overlays))
    for node in overlays:
        overlay.hide_overlay(_slice_composites(), node)
    return visible


def show_segmentation(result: SceneResult, visible: bool) -> None:
    """Show or hide a result's segmentation as a whole, in all views; its segments keep theirs."""
    result.segmentationNode.GetDisplayNode().SetVisibility(visible)


def show_surfaces(result: SceneResult, visible: bool) -> None:
    """Show or hide lungs and lesions in the 3D views."""
    model3d.set_surfaces_visible(result.segmentationNode, visible)


def surfaces_visible(result: SceneResult) -> bool:
    """Whether the 3D views show lungs or lesions."""
    return bool(model3d.surfaces_visible(result.segmentationNode))


def show_volume_rendering(result: SceneResult, visible: bool) -> None:
    """Show or hide the lesion probability as a volume rendering in the 3D views."""
    model3d.show_volume_rendering(result.probabilityNode, visible)


def volume_rendering_visible(result: SceneResult) -> bool:
    """Whether the 3D views show the volume rendering."""
    return bool(model3d.volume_rendering_visible(result.probabilityNode))


def go_to_slice(ct: vtkMRMLScalarVolumeNode, index: int) -> None:
    """Show an axial slice of the CT in the slice views; see :mod:`..scene.slice_views`."""
    if not slice_views.slice_views(ct):
        show_background(ct)
    slice_views.go_to_slice(ct, index)


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


def _slice_composites() -> list[vtkMRMLSliceCompositeNode]:
    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))
