"""The result in 3D: surfaces of lungs and lesions, and the probability as a volume rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
import vtk

from ..engine.errors import OutputError
from .colors import COLOR_MAPS
from .overlay import color_map_of, visible_from
from .segmentation import CLOSED_SURFACE, LUNG_IDS, own_segment_ids
from .surfaces import SMOOTHING

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLScalarVolumeNode,
        vtkMRMLSegmentationNode,
        vtkMRMLVolumePropertyNode,
    )

_SMOOTHING_FACTOR = "Smoothing factor"
_OPACITIES = ((0.5, 0.15), (1.0, 0.6))
"""Probability and opacity of the volume rendering, beyond where it begins."""


def show_surfaces(segmentation_node: vtkMRMLSegmentationNode) -> None:
    """Make the closed surfaces that are missing; what the user hid in 3D stays hidden.

    Args:
        segmentation_node: The segmentation of one CT.

    Raises:
        OutputError: A surface could not be made.
    """
    segmentation = segmentation_node.GetSegmentation()
    segmentation.SetConversionParameter(_SMOOTHING_FACTOR, str(SMOOTHING))
    if not segmentation_node.CreateClosedSurfaceRepresentation():
        raise OutputError(
            "The 3D surfaces could not be made: free some memory and show them again."
        )
    display = segmentation_node.GetDisplayNode()
    if not display.GetPreferredDisplayRepresentationName3D():
        display.SetPreferredDisplayRepresentationName3D(CLOSED_SURFACE)


def set_surfaces_visible(segmentation_node: vtkMRMLSegmentationNode, visible: bool) -> None:
    """Show or hide this package's segments in 3D; segments the user added stay as they are."""
    display = segmentation_node.GetDisplayNode()
    if visible:
        display.SetVisibility3D(True)
    for segment_id in own_segment_ids(segmentation_node):
        display.SetSegmentVisibility3D(segment_id, visible)


def surfaces_visible(segmentation_node: vtkMRMLSegmentationNode) -> bool:
    """Whether any of this package's segments can be seen in 3D."""
    display = segmentation_node.GetDisplayNode()
    shown = display.GetVisibility() and display.GetVisibility3D()
    return bool(shown) and any(
        display.GetSegmentVisibility(id_) and display.GetSegmentVisibility3D(id_)
        for id_ in own_segment_ids(segmentation_node)
    )


def set_lungs_opacity(segmentation_node: vtkMRMLSegmentationNode, opacity: float) -> None:
    """Make the surfaces of both lungs more or less transparent, 0 to 1."""
    display = segmentation_node.GetDisplayNode()
    for segment_id in _lungs_of(segmentation_node):
        display.SetSegmentOpacity3D(segment_id, opacity)


def lungs_opacity(segmentation_node: vtkMRMLSegmentationNode) -> float | None:
    """Opacity of the first lung's surface, 0 to 1; None where the user removed both lungs."""
    display = segmentation_node.GetDisplayNode()
    return next(
        (float(display.GetSegmentOpacity3D(id_)) for id_ in _lungs_of(segmentation_node)), None
    )


def _lungs_of(segmentation_node: vtkMRMLSegmentationNode) -> list[str]:
    return [id_ for id_ in own_segment_ids(segmentation_node) if id_ in LUNG_IDS]


def show_volume_rendering(probability_node: vtkMRMLScalarVolumeNode, visible: bool = True) -> None:
    """Show or hide a volume rendering of the lesion probability: slower, but without a threshold.

    Colours, and the probability from which on something is seen, are those of the overlay;
    opacity rises to 0.6 at 1.

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
        update_volume_rendering(probability_node)
    display.SetVisibility(visible)


def update_volume_rendering(probability_node: vtkMRMLScalarVolumeNode) -> None:
    """Give a volume rendering, where there is one, the colours and threshold of the overlay."""
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(probability_node)
    if display is not None:
        color_map = color_map_of(probability_node) or "jet"
        begin = visible_from(probability_node)
        _set_transfer_functions(display.GetVolumePropertyNode(), color_map, begin)


def volume_rendering_visible(probability_node: vtkMRMLScalarVolumeNode) -> bool:
    """Whether a volume rendering of the lesion probability exists and is shown."""
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(probability_node)
    return display is not None and bool(display.GetVisibility())


def _set_transfer_functions(
    property_node: vtkMRMLVolumePropertyNode, color_map: str, begin: float
) -> None:
    opacity = vtk.vtkPiecewiseFunction()
    for point in (
        (0.0, 0.0),
        (begin, 0.0),
        *(opacity for opacity in _OPACITIES if opacity[0] > begin),
    ):
        opacity.AddPoint(*point)
    color = vtk.vtkColorTransferFunction()
    _, colors, _ = COLOR_MAPS[color_map]
    samples = colors(9)
    for index, rgb in enumerate(samples):
        color.AddRGBPoint(index / (len(samples) - 1), *rgb)
    property_node.SetScalarOpacity(opacity)
    property_node.SetColor(color)
