"""The probability as a glowing cloud in 3D: slower than surfaces, and without a threshold."""

from __future__ import annotations

import slicer
import vtk

from .colors import jet_colors
from .overlay import SHOWN_FROM


def show_volume_rendering(probability_node, visible: bool = True) -> None:
    """Show or hide a volume rendering of the lesion probability.

    Colours are those of the overlay; opacity rises from 0 at 0.1 to 0.6 at probability 1.

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


def _set_transfer_functions(property_node) -> None:
    opacity = vtk.vtkPiecewiseFunction()
    for probability, value in ((0.0, 0.0), (SHOWN_FROM, 0.0), (0.5, 0.15), (1.0, 0.6)):
        opacity.AddPoint(probability, value)
    color = vtk.vtkColorTransferFunction()
    samples = jet_colors(9)
    for index, rgb in enumerate(samples):
        color.AddRGBPoint(index / (len(samples) - 1), *rgb)
    property_node.SetScalarOpacity(opacity)
    property_node.SetColor(color)
