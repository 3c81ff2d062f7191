"""How volumes are displayed: the CT in a lung window, and over it, in colour, a volume of a result.

Overlays are the lesion probability and the disagreement of an ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.labels import LUNG_WINDOW
from ..engine.result import OVERLAY_FROM
from . import names
from .volumes import local_ijk_to_ras, set_voxels

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLColorTableNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSliceCompositeNode,
    )

COVIDJET = "COVIDJET"
COVIDMAGENTA = "COVIDMAGENTA"
_COLORS = 256
_VIOLET, _MAGENTA = (0.30, 0.0, 0.45), (1.0, 0.35, 1.0)


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


def jet_colors(count: int = _COLORS) -> npt.NDArray[np.float64]:
    """The jet map, blue over green to red.

    Returns:
        RGB, 0 to 1, shape (count, 3). Each channel is a trapezoid, as MATLAB's ``jet`` has it.
    """
    position = np.linspace(0.0, 1.0, count)[:, None]
    trapezoids = 1.5 - np.abs(4.0 * position - np.array([3.0, 2.0, 1.0]))
    colors: npt.NDArray[np.float64] = np.clip(trapezoids, 0.0, 1.0)
    return colors


def covidjet_node(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one ``COVIDJET`` colour node, created if there is none."""
    return _color_node(scene, COVIDJET, jet_colors())


def covidmagenta_node(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one ``COVIDMAGENTA`` colour node, violet to magenta: colours not in jet."""
    return _color_node(scene, COVIDMAGENTA, np.linspace(_VIOLET, _MAGENTA, _COLORS))


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


_JUST_ABOVE_UNANIMOUS = 0.01

STYLES = {
    names.PROBABILITY_ROLE: OverlayStyle("Lesion probability", OVERLAY_FROM, covidjet_node),
    # A colour that jet does not have: the two are never taken for each other.
    names.DISAGREEMENT_ROLE: OverlayStyle(
        "Ensemble disagreement", _JUST_ABOVE_UNANIMOUS, covidmagenta_node
    ),
}
"""By role; these are the nodes that can be overlays."""

_LEGEND_LABELS = 5
_LEGEND_LABEL_FORMAT = "%.2f"  # 0.25 and 0.75 have two decimals
# Shares of a view. Slicer fits all text into the legend, so its size is also that of the text. The
# right lower corner shows the table beside the patient, not the lungs.
_LEGEND_SIZE = (0.08, 0.3)
_LEGEND_POSITION = (0.98, 0.04)

# References, not ids: they follow their volumes when a scene is saved, imported, or loses one.
_EARLIER_BACKGROUND = "COVIDLesionSeg.earlierBackground"
_EARLIER_FOREGROUND = "COVIDLesionSeg.earlierForeground"
_EARLIER_OPACITY = "COVIDLesionSeg.earlierOpacity"


def update_overlay(
    node: vtkMRMLScalarVolumeNode,
    ct_node: vtkMRMLScalarVolumeNode,
    values: npt.NDArray[np.float32],
    untrained: bool,
) -> None:
    """Make ``node`` hold ``values`` (k, j, i), 0 to 1, on the CT's stored grid.

    The legend of an untrained network's overlay says so.
    """
    set_voxels(node, values.astype(np.float32, copy=False), local_ijk_to_ras(ct_node))
    if node.GetDisplayNode() is None:
        _create_display(node, STYLES[node.GetAttribute(names.ROLE_ATTRIBUTE)])
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
        composite_nodes: Of each view to change.
        ct_node: Becomes the background.
        overlay_node: Becomes the foreground.
        opacity: Of the foreground, 0 to 1.
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


def overlay_visible(
    composite_nodes: Iterable[vtkMRMLSliceCompositeNode], overlay_node: vtkMRMLScalarVolumeNode
) -> bool:
    """Whether any of the given slice views shows the overlay."""
    shown = (composite.GetForegroundVolumeID() for composite in composite_nodes)
    return overlay_node.GetID() in shown


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
    display.AutoThresholdOff()
    display.SetThreshold(style.visible_from, 1.0)
    display.ApplyThresholdOn()
    display.InterpolateOff()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(style.legend)
        legend.SetNumberOfLabels(_LEGEND_LABELS)
        legend.SetLabelFormat(_LEGEND_LABEL_FORMAT)
        legend.SetSize(*_LEGEND_SIZE)
        legend.SetPosition(*_LEGEND_POSITION)
        legend.SetVisibility(False)


def _color_node(
    scene: vtkMRMLScene, name: str, colors: npt.NDArray[np.float64]
) -> vtkMRMLColorTableNode:
    existing = scene.GetSingletonNode(name, "vtkMRMLColorTableNode")
    if existing is not None:
        return existing
    node = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    node.UnRegister(None)
    node.SetName(name)
    node.SetSingletonTag(name)
    node.SetTypeToUser()
    node.SetNumberOfColors(len(colors))
    for index, (red, green, blue) in enumerate(colors):
        node.SetColor(index, f"{index / (len(colors) - 1):.3f}", red, green, blue, 1.0)
    return scene.AddNode(node)
