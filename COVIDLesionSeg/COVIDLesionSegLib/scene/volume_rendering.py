"""The probability as a glowing cloud in 3D: slower than surfaces, and without a threshold."""

from __future__ import annotations

import slicer
import vtk

from ..engine.result import OVERLAY_FROM
from .colors import jet_colors


def show_volume_rendering(probability_node, visible: bool = True) -> None:
    """Show or hide a volume rendering of the lesion probability.

    Colours are those of the overlay; opacity rises from 0 at ``OVERLAY_FROM`` to 0.6 at 1.

    Args:
        probability_node: The probability volume of one CT.
        visible: False hides the rendering and does not create one.
    """
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(probability_node)
    if display is None:
        if not visible:
            return
        display = logic.CreateDefaultVolumeRenderingNodes(probability_node)
        _set_transfer_functions(display.GetVolumePropertyNode())
    display.SetVisibility(visible)


def volume_rendering_visible(probability_node) -> bool:
    """Whether a volume rendering of the lesion probability exists and is shown."""
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(probability_node)
    return display is not None and bool(display.GetVisibility())


def _set_transfer_functions(property_node) -> None:
    opacity = vtk.vtkPiecewiseFunction()
    for probability, value in ((0.0, 0.0), (OVERLAY_FROM, 0.0), (0.5, 0.15), (1.0, 0.6)):
        opacity.AddPoint(probability, value)
    color = vtk.vtkColorTransferFunction()
    samples = jet_colors(9)
    for index, rgb in enumerate(samples):
        color.AddRGBPoint(index / (len(samples) - 1), *rgb)
    property_node.SetScalarOpacity(opacity)
    property_node.SetColor(color)
