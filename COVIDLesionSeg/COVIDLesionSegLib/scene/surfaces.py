"""The 3D infection model: translucent lungs with solid lesions inside."""

from __future__ import annotations

from ..engine.errors import OutputError
from .segmentation import own_segment_ids

CLOSED_SURFACE = "Closed surface"
_SMOOTHING_FACTOR = "Smoothing factor"


def show_surfaces(segmentation_node, smoothing: float = 0.5) -> None:
    """Make closed surfaces of every segment; what the user hid in 3D stays hidden.

    Args:
        segmentation_node: The segmentation of one CT.
        smoothing: 0 keeps the voxels' steps, 1 smooths most. Measurements do not use surfaces.

    Raises:
        OutputError: A surface could not be made.
    """
    segmentation = segmentation_node.GetSegmentation()
    segmentation.SetConversionParameter(_SMOOTHING_FACTOR, str(float(smoothing)))
    segmentation_node.RemoveClosedSurfaceRepresentation()
    if not segmentation_node.CreateClosedSurfaceRepresentation():
        raise OutputError(
            "The 3D surfaces could not be made: free some memory and show them again."
        )
    display = segmentation_node.GetDisplayNode()
    if not display.GetPreferredDisplayRepresentationName3D():
        display.SetPreferredDisplayRepresentationName3D(CLOSED_SURFACE)


def set_surfaces_visible(segmentation_node, visible: bool) -> None:
    """Show or hide this package's segments in 3D; segments the user added stay as they are."""
    display = segmentation_node.GetDisplayNode()
    if visible:
        display.SetVisibility3D(True)
    for segment_id in own_segment_ids(segmentation_node):
        display.SetSegmentVisibility3D(segment_id, visible)


def surfaces_visible(segmentation_node) -> bool:
    """Whether any of this package's segments can be seen in 3D."""
    display = segmentation_node.GetDisplayNode()
    shown = display.GetVisibility() and display.GetVisibility3D()
    return bool(shown) and any(
        display.GetSegmentVisibility(id_) and display.GetSegmentVisibility3D(id_)
        for id_ in own_segment_ids(segmentation_node)
    )
