"""How volumes are displayed: the CT in a lung window, and over it, in colour, a volume of a result.

Overlays are the lesion probability and the disagreement of an ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import slicer

from ..engine.labels import LUNG_WINDOW
from ..engine.result import OVERLAY_FROM
from . import names
from .colors import COLOR_MAPS, covidjet_node, covidmagenta_node
from .volumes import local_ijk_to_ras, set_image

if TYPE_CHECKING:
    import vtk
    from slicer import (
        vtkMRMLColorTableNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSliceCompositeNode,
    )


def has_automatic_window(ct_node: vtkMRMLScalarVolumeNode) -> bool:
    """Whether Slicer chose the CT's window by itself, not the user nor the CT's file."""
    display = ct_node.GetDisplayNode()
    return display is not None and bool(display.GetAutoWindowLevel())


def show_lung_window(ct_node: vtkMRMLScalarVolumeNode) -> None:
    """Show the CT in the lung window, unless the user or the CT's file chose another."""
    if has_automatic_window(ct_node):
        display = ct_node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevel(*LUNG_WINDOW)


def leave_lung_window(ct_node: vtkMRMLScalarVolumeNode) -> None:
    """The inverse of :func:`show_lung_window`; a window that the user chose since stays."""
    display = ct_node.GetDisplayNode()
    if display is not None and (display.GetWindow(), display.GetLevel()) == LUNG_WINDOW:
        display.AutoWindowLevelOn()


@dataclass(frozen=True)
class OverlayStyle:
    """How an overlay appears when it is first created.

    Attributes:
        legend: Title of its colour legend.
        visible_from: Values below this are transparent, 0 to 1.
        color_node: Gives the colour node, from a scene.
    """

    legend: str
    visible_from: float
    color_node: Callable[[vtkMRMLScene], vtkMRMLColorTableNode]


DISAGREEMENT_FROM = 0.01
"""Just above unanimous; below it the disagreement is transparent at first."""

STYLES = {
    names.PROBABILITY_ROLE: OverlayStyle("Lesion probability", OVERLAY_FROM, covidjet_node),
    # A colour that jet does not have: the two are never taken for each other.
    names.DISAGREEMENT_ROLE: OverlayStyle(
        "Ensemble disagreement", DISAGREEMENT_FROM, covidmagenta_node
    ),
}
"""By role; these are the nodes that can be overlays."""

_LEGEND_LABELS = 5
_LEGEND_LABEL_FORMAT = "%.2f"  # 0.25 and 0.75 have two decimals
# Shares of a view. Slicer fits all text into the legend, so its size is also that of the text. The
# right lower corner shows the table beside the patient, not the lungs.
_LEGEND_SIZE = (0.055, 0.2)
_LEGEND_POSITION = (0.98, 0.04)

# References, not ids: they follow their volumes when a scene is saved, imported, or loses one.
_EARLIER_BACKGROUND = "COVIDLesionSeg.earlierBackground"
_EARLIER_FOREGROUND = "COVIDLesionSeg.earlierForeground"
_EARLIER_OPACITY = "COVIDLesionSeg.earlierOpacity"


def update_overlay(
    node: vtkMRMLScalarVolumeNode,
    ct_node: vtkMRMLScalarVolumeNode,
    image: vtk.vtkImageData,
    untrained: bool,
) -> None:
    """Make ``node`` hold ``image``, float32 from 0 to 1, on the CT's stored grid.

    The legend of an untrained network's overlay says so.
    """
    # The display first: one without a window yet would look for it in every voxel.
    if node.GetDisplayNode() is None:
        _create_display(node, STYLES[node.GetAttribute(names.ROLE_ATTRIBUTE)])
    set_image(node, image, local_ijk_to_ras(ct_node))
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(names.marked(legend.GetTitleText(), untrained))


def show_overlay(
    composite_nodes: Iterable[vtkMRMLSliceCompositeNode],
    ct_node: vtkMRMLScalarVolumeNode,
    overlay_node: vtkMRMLScalarVolumeNode,
    opacity: float = 0.5,
) -> None:
    """Show the CT with an overlay over it in the given slice views, instead of another overlay.

    What a view showed before any overlay is remembered, for :func:`hide_overlay`.

    Args:
        composite_nodes: Composite node of each view to change.
        ct_node: Becomes the background.
        overlay_node: Becomes the foreground.
        opacity: Opacity of the foreground, 0 to 1.
    """
    for composite in composite_nodes:
        shown = _overlay_in(composite)
        if shown is None:
            _remember(composite)
        else:
            set_legend_visible(shown, False)
        composite.SetBackgroundVolumeID(ct_node.GetID())
        composite.SetForegroundVolumeID(overlay_node.GetID())
        composite.SetForegroundOpacity(opacity)
    set_legend_visible(overlay_node, True)


def hide_overlay(
    composite_nodes: Iterable[vtkMRMLSliceCompositeNode], overlay_node: vtkMRMLScalarVolumeNode
) -> None:
    """Bring back what the given slice views showed before the overlay.

    A view that was empty keeps the CT. One whose foreground the user chose anew is left alone.
    """
    for composite in composite_nodes:
        if composite.GetForegroundVolumeID() == overlay_node.GetID():
            _bring_back(composite)
    set_legend_visible(overlay_node, False)


def overlay_opacity(
    composite_nodes: Iterable[vtkMRMLSliceCompositeNode], overlay_node: vtkMRMLScalarVolumeNode
) -> float | None:
    """Opacity of the overlay, 0 to 1, in the first view that shows it; None where none does."""
    for composite in composite_nodes:
        if composite.GetForegroundVolumeID() == overlay_node.GetID():
            return float(composite.GetForegroundOpacity())
    return None


def set_visible_from(overlay_node: vtkMRMLScalarVolumeNode, value: float) -> None:
    """Make the overlay transparent below this value, 0 to 1; nothing but the display changes."""
    display = overlay_node.GetDisplayNode()
    display.AutoThresholdOff()
    display.SetThreshold(value, 1.0)
    display.ApplyThresholdOn()


def visible_from(overlay_node: vtkMRMLScalarVolumeNode) -> float:
    """The value below which the overlay is transparent, 0 to 1."""
    display = overlay_node.GetDisplayNode()
    return float(display.GetLowerThreshold()) if display.GetApplyThreshold() else 0.0


def set_color_map(overlay_node: vtkMRMLScalarVolumeNode, color_map: str) -> None:
    """Show the overlay in one of :data:`.colors.COLOR_MAPS`."""
    *_, color_node = COLOR_MAPS[color_map]
    node = color_node(overlay_node.GetScene())
    overlay_node.GetDisplayNode().SetAndObserveColorNodeID(node.GetID())


def color_map_of(overlay_node: vtkMRMLScalarVolumeNode) -> str | None:
    """Which of :data:`.colors.COLOR_MAPS` the overlay has; None where the user chose another."""
    node = overlay_node.GetDisplayNode().GetColorNode()
    tag = node.GetSingletonTag() if node is not None else None
    return next((name for name, (shown, *_) in COLOR_MAPS.items() if shown == tag), None)


def set_legend_visible(overlay_node: vtkMRMLScalarVolumeNode, visible: bool) -> None:
    """Show or hide the colour legend of the overlay."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(overlay_node)
    if legend is not None:
        legend.SetVisibility(visible)


def _overlay_in(composite: vtkMRMLSliceCompositeNode) -> vtkMRMLScalarVolumeNode | None:
    """The foreground where it is an overlay, of this CT or another, put there by this file."""
    foreground = composite.GetScene().GetNodeByID(composite.GetForegroundVolumeID() or "")
    is_overlay = (
        foreground is not None
        and foreground.GetAttribute(names.ROLE_ATTRIBUTE) in STYLES
        and composite.GetAttribute(_EARLIER_OPACITY) is not None
    )
    return foreground if is_overlay else None


def _remember(composite: vtkMRMLSliceCompositeNode) -> None:
    composite.SetNodeReferenceID(_EARLIER_BACKGROUND, composite.GetBackgroundVolumeID())
    composite.SetNodeReferenceID(_EARLIER_FOREGROUND, composite.GetForegroundVolumeID())
    composite.SetAttribute(_EARLIER_OPACITY, repr(composite.GetForegroundOpacity()))


def _bring_back(composite: vtkMRMLSliceCompositeNode) -> None:
    background = composite.GetNodeReference(_EARLIER_BACKGROUND)
    if background is not None:
        composite.SetBackgroundVolumeID(background.GetID())
    foreground = composite.GetNodeReference(_EARLIER_FOREGROUND)
    composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
    opacity = composite.GetAttribute(_EARLIER_OPACITY)
    if opacity is not None:
        composite.SetForegroundOpacity(float(opacity))
    for role in (_EARLIER_BACKGROUND, _EARLIER_FOREGROUND):
        composite.RemoveNodeReferenceIDs(role)
    composite.RemoveAttribute(_EARLIER_OPACITY)


def _create_display(node: vtkMRMLScalarVolumeNode, style: OverlayStyle) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(style.color_node(node.GetScene()).GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    set_visible_from(node, style.visible_from)
    display.InterpolateOff()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(style.legend)
        legend.SetNumberOfLabels(_LEGEND_LABELS)
        legend.SetLabelFormat(_LEGEND_LABEL_FORMAT)
        legend.SetSize(*_LEGEND_SIZE)
        legend.SetPosition(*_LEGEND_POSITION)
        legend.SetVisibility(False)
