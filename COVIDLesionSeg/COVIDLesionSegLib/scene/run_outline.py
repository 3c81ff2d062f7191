"""The run's segmentation as an outline beside the one that the user corrects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.labels import Color
from .segmentation import own_segment_ids

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode

OUTLINE_COLOR: Color = (1.0, 1.0, 1.0)
"""No segment, overlay or CT in the lung window has it inside the lungs."""


def show_outline(prediction: vtkMRMLSegmentationNode, segment_id: str | None) -> None:
    """Show the outline of one segment as the run gave it in the slice views, or none.

    Args:
        prediction: The hidden segmentation of the run.
        segment_id: The segment; None hides them all.
    """
    display = prediction.GetDisplayNode()
    was_modifying = display.StartModify()
    for id_ in own_segment_ids(prediction):
        display.SetSegmentVisibility(id_, id_ == segment_id)
        display.SetSegmentVisibility2DOutline(id_, True)
        display.SetSegmentVisibility2DFill(id_, False)
        display.SetSegmentVisibility3D(id_, False)
        display.SetSegmentOpacity2DOutline(id_, 1.0)
        display.SetSegmentOverrideColor(id_, *OUTLINE_COLOR)
    display.SetVisibility3D(False)
    display.SetVisibility(segment_id is not None)
    display.EndModify(was_modifying)


def outline_visible(prediction: vtkMRMLSegmentationNode) -> bool:
    """Whether the outline is shown, as in a scene that was saved with it."""
    return bool(prediction.GetDisplayNode().GetVisibility())
