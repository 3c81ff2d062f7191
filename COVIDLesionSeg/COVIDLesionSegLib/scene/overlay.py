"""The lesion probability as a colour overlay on the CT."""

from __future__ import annotations

import numpy as np
import slicer

from ..engine.result import OVERLAY_FROM
from . import names
from .colors import covidjet_node
from .volumes import local_ijk_to_ras, set_voxels

LEGEND_TITLE = "Lesion probability"

# References, not ids: they follow their volumes when a scene is saved, imported, or loses one.
_EARLIER_BACKGROUND = "COVIDLesionSeg.earlierBackground"
_EARLIER_FOREGROUND = "COVIDLesionSeg.earlierForeground"
_EARLIER_OPACITY = "COVIDLesionSeg.earlierOpacity"


def update_probability(node, ct_node, probability: np.ndarray) -> None:
    """Make ``node`` hold ``probability`` (k, j, i), 0 to 1, on the CT's stored grid."""
    set_voxels(node, probability.astype(np.float32, copy=False), local_ijk_to_ras(ct_node))
    if node.GetDisplayNode() is None:
        _create_display(node)


def show_overlay(composite_nodes, ct_node, probability_node, opacity: float = 0.5) -> None:
    """Show the CT with the probability over it in the given slice views.

    What a view showed before is remembered, for :func:`hide_overlay`.

    Args:
        composite_nodes: ``vtkMRMLSliceCompositeNode`` of each view to change.
        ct_node: Becomes the background.
        probability_node: Becomes the foreground.
        opacity: Of the foreground, 0 to 1.
    """
    for composite in composite_nodes:
        if not _shows_an_overlay(composite):
            _remember(composite)
        composite.SetBackgroundVolumeID(ct_node.GetID())
        composite.SetForegroundVolumeID(probability_node.GetID())
        composite.SetForegroundOpacity(opacity)
    set_legend_visible(probability_node, True)


def hide_overlay(composite_nodes, probability_node) -> None:
    """Bring back what the given slice views showed before the overlay.

    A view that was empty keeps the CT. One whose foreground the user chose anew is left alone.
    """
    for composite in composite_nodes:
        if composite.GetForegroundVolumeID() == probability_node.GetID():
            _bring_back(composite)
    set_legend_visible(probability_node, False)


def overlay_visible(composite_nodes, probability_node) -> bool:
    """Whether any of the given slice views shows the probability."""
    shown = (composite.GetForegroundVolumeID() for composite in composite_nodes)
    return probability_node.GetID() in shown


def set_legend_visible(probability_node, visible: bool) -> None:
    """Show or hide the colour legend of the overlay."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(probability_node)
    if legend is not None:
        legend.SetVisibility(visible)


def _shows_an_overlay(composite) -> bool:
    """Whether the foreground is a probability, of this CT or another, put there by this file."""
    foreground = composite.GetScene().GetNodeByID(composite.GetForegroundVolumeID() or "")
    return (
        foreground is not None
        and foreground.GetAttribute(names.ROLE_ATTRIBUTE) == names.PROBABILITY_ROLE
        and composite.GetAttribute(_EARLIER_OPACITY) is not None
    )


def _remember(composite) -> None:
    composite.SetNodeReferenceID(_EARLIER_BACKGROUND, composite.GetBackgroundVolumeID())
    composite.SetNodeReferenceID(_EARLIER_FOREGROUND, composite.GetForegroundVolumeID())
    composite.SetAttribute(_EARLIER_OPACITY, repr(composite.GetForegroundOpacity()))


def _bring_back(composite) -> None:
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


def _create_display(node) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(covidjet_node(node.GetScene()).GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.AutoThresholdOff()
    display.SetThreshold(OVERLAY_FROM, 1.0)
    display.ApplyThresholdOn()
    display.InterpolateOff()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(LEGEND_TITLE)
        legend.SetLabelFormat("%.1f")
        legend.SetVisibility(False)
