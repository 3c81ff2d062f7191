"""Pictures of a result, rendered by Slicer's own displayable managers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import slicer

from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..scene.nodes import read_flags
from ..scene.segmentation import lesion_colors
from .bootstrap import MrmlSession
from .saved_scene import FROM_FRONT
from .views import ThreeDView

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode

NOTICE = "Research use only"
_BLACK = (0.0, 0.0, 0.0)


def infection3d_picture(
    session: MrmlSession,
    segmentation_node: vtkMRMLSegmentationNode,
    path: str | os.PathLike[str],
    size: tuple[int, int] = (900, 800),
) -> None:
    """Picture of the 3D infection model: translucent lungs, solid lesions, seen from the front.

    Everything that is visible in the scene's 3D views appears; the scene is left as it was.
    Several lesion classes are named in their colours, and an untrained network is called one.

    Args:
        session: The running MRML.
        segmentation_node: The result's segmentation, with closed surfaces.
        path: PNG file to write.
        size: Width and height in pixels.

    Raises:
        DependencyError: OpenGL is missing.
        OutputError: The file cannot be written.
    """
    with ThreeDView(session, size=size) as view:
        view.set_background(_BLACK)
        # The human figure is a file of the application's, which the wheel does not have.
        view.node.SetOrientationMarkerType(slicer.vtkMRMLAbstractViewNode.OrientationMarkerTypeCube)
        view.annotate(NOTICE)
        classes = lesion_colors(segmentation_node)
        if len(classes) > 1:
            view.add_legend(classes)
        if is_untrained(read_flags(segmentation_node)):
            view.warn(UNTRAINED_MARK)
        view.look_from(FROM_FRONT, zoom=1.25)
        view.save(path)
