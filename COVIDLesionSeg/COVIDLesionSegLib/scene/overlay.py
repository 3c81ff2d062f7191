"""The lesion probability as a colour overlay on the CT."""

from __future__ import annotations

import numpy as np
import slicer

from .colors import covidjet_node
from .volumes import local_ijk_to_ras, set_voxels

SHOWN_FROM = 0.1
"""Probabilities below this are transparent."""

LEGEND_TITLE = "Lesion probability"


def update_probability(node, ct_node, probability: np.ndarray) -> None:
    """Make ``node`` hold ``probability`` (k, j, i), 0 to 1, on the CT's stored grid."""
    set_voxels(node, probability.astype(np.float32, copy=False), local_ijk_to_ras(ct_node))
    if node.GetDisplayNode() is None:
        _create_display(node)


def show_overlay(composite_nodes, ct_node, probability_node, opacity: float = 0.5) -> None:
    """Show the CT with the probability over it in the given slice views.

    Args:
        composite_nodes: ``vtkMRMLSliceCompositeNode`` of each view to change.
        ct_node: Becomes the background.
        probability_node: Becomes the foreground.
        opacity: Of the foreground, 0 to 1.
    """
    for composite in composite_nodes:
        composite.SetBackgroundVolumeID(ct_node.GetID())
        composite.SetForegroundVolumeID(probability_node.GetID())
        composite.SetForegroundOpacity(opacity)
    set_legend_visible(probability_node, True)


def hide_overlay(composite_nodes, probability_node) -> None:
    """Take the probability out of the given slice views; whatever else they show stays."""
    for composite in composite_nodes:
        if composite.GetForegroundVolumeID() == probability_node.GetID():
            composite.SetForegroundVolumeID(None)
    set_legend_visible(probability_node, False)


def set_legend_visible(probability_node, visible: bool) -> None:
    """Show or hide the colour legend of the overlay."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(probability_node)
    if legend is not None:
        legend.SetVisibility(visible)


def _create_display(node) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(covidjet_node(node.GetScene()).GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.AutoThresholdOff()
    display.SetThreshold(SHOWN_FROM, 1.0)
    display.ApplyThresholdOn()
    display.InterpolateOff()
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(LEGEND_TITLE)
        legend.SetLabelFormat("%.1f")
        legend.SetVisibility(False)
