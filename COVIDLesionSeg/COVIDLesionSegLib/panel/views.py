"""What the slice and 3D views show of a CT and its result, and the buttons that choose it.

The only file that reaches for the layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import slicer

from ..scene import model3d, names, overlay
from ..scene.show import SceneResult, find_result

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceCompositeNode

    from .ui import PanelUi


@dataclass
class _Choice:
    """What the user wants to see of one CT's result.

    Attributes:
        overlay: Role of the volume over the CT, or None.
        volume_rendering: Whether the lesion probability is rendered as a volume.
    """

    overlay: str | None = names.PROBABILITY_ROLE
    volume_rendering: bool = False


class ViewControls:
    """The buttons below a result; what they hide of one CT stays hidden when it is chosen again."""

    def __init__(self, ui: PanelUi) -> None:
        self._ui = ui
        self._ct: vtkMRMLScalarVolumeNode | None = None
        self._result: SceneResult | None = None
        self._choices: dict[str, _Choice] = {}
        ui.overlayButton.connect("toggled(bool)", self._on_overlay_toggled)
        ui.disagreementButton.connect("toggled(bool)", self._on_disagreement_toggled)
        ui.surfacesButton.connect("toggled(bool)", self._on_surfaces_toggled)
        ui.volumeRenderingButton.connect("toggled(bool)", self._on_volume_rendering_toggled)

    def watch(self, ct: vtkMRMLScalarVolumeNode | None, result: SceneResult | None) -> None:
        """Let the buttons act on this CT's result; the views stay as they are."""
        self._ct, self._result = ct, result
        self._press_buttons()

    def show_chosen(self, new: bool = False) -> None:
        """Show the watched CT and its result in the views, and no other CT's result.

        Args:
            new: The result is new, so its lesion probability is shown whatever was chosen before.
        """
        if self._ct is None:
            return
        if new:
            self._choice().overlay = names.PROBABILITY_ROLE
        moved = show_background(self._ct)
        if self._result is not None:
            show_segmentation(self._result, True)
            if self._choice().volume_rendering:
                show_volume_rendering(self._result, True)
            self._show_chosen_overlay()
        self._press_buttons()
        if moved or new:
            fit_slices()
        fit_3d()

    def forget_removed_cts(self) -> None:
        """Forget what the user wanted to see of CTs that have left the scene."""
        for ct_id in [i for i in self._choices if slicer.mrmlScene.GetNodeByID(i) is None]:
            del self._choices[ct_id]

    def _choice(self) -> _Choice:
        if self._ct is None:
            return _Choice()
        return self._choices.setdefault(self._ct.GetID(), _Choice())

    def _show_chosen_overlay(self) -> None:
        if self._ct is None or self._result is None:
            return
        role = self._choice().overlay
        if role is None:
            hide_overlays(self._result)
        else:
            chosen = self._result.disagreementNode if role == names.DISAGREEMENT_ROLE else None
            show_overlay(self._ct, chosen or self._result.probabilityNode, True)

    def _press_buttons(self) -> None:
        """Press the buttons of what the views show."""
        if self._result is None:
            return
        disagreement = self._result.disagreementNode
        self._ui.disagreementButton.visible = disagreement is not None
        for button, visible in (
            (self._ui.overlayButton, overlay_visible(self._result.probabilityNode)),
            (self._ui.disagreementButton, overlay_visible(disagreement)),
            (self._ui.surfacesButton, surfaces_visible(self._result)),
            (self._ui.volumeRenderingButton, volume_rendering_visible(self._result)),
        ):
            blocked = button.blockSignals(True)
            button.checked = visible
            button.blockSignals(blocked)

    def _on_overlay_toggled(self, visible: bool) -> None:
        self._choose_overlay(names.PROBABILITY_ROLE if visible else None)

    def _on_disagreement_toggled(self, visible: bool) -> None:
        self._choose_overlay(names.DISAGREEMENT_ROLE if visible else None)

    def _choose_overlay(self, role: str | None) -> None:
        self._choice().overlay = role
        self._show_chosen_overlay()
        self._press_buttons()

    def _on_surfaces_toggled(self, visible: bool) -> None:
        if self._result is not None:
            show_surfaces(self._result, visible)

    def _on_volume_rendering_toggled(self, visible: bool) -> None:
        self._choice().volume_rendering = visible
        if self._result is not None:
            show_volume_rendering(self._result, visible)


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
