"""Axial slices of a CT in the slice views: which one is seen, and how to get to another.

A slice has the index that severity and quality flags call it by: 0 at the inferior end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer

from ..engine.volume import AxialOrder
from .images import matrix_to_array
from .nodes import nodes_by_class
from .volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceNode


def slice_views(ct_node: vtkMRMLScalarVolumeNode) -> list[vtkMRMLSliceNode]:
    """The slice views whose background is the CT."""
    scene = ct_node.GetScene()
    composite_of = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode
    found = []
    for view in nodes_by_class(scene, "vtkMRMLSliceNode") if scene else []:
        composite = composite_of(view)
        if composite is not None and composite.GetBackgroundVolumeID() == ct_node.GetID():
            found.append(view)
    return found


def go_to_slice(ct_node: vtkMRMLScalarVolumeNode, index: int) -> None:
    """Centre every slice view of the CT at the middle of an axial slice.

    Works for oblique and flipped volumes and below a parent transform: views keep their
    orientation and zoom, and pass through the slice's centre.

    Args:
        ct_node: The CT.
        index: Of the slice; beyond the volume it is the last or first one.

    Raises:
        InputError: The CT has no voxels, or a transform that bends its grid.
    """
    geometry = world_geometry(ct_node)
    centres = AxialOrder.of(geometry).slice_centres(geometry)
    right, anterior, superior = centres[min(max(index, 0), len(centres) - 1)]
    for view in slice_views(ct_node):
        view.JumpSliceByCentering(right, anterior, superior)


def slice_seen(ct_node: vtkMRMLScalarVolumeNode) -> int | None:
    """Index of the axial slice in the view that is most nearly axial; None where none shows the CT.

    Raises:
        InputError: As for :func:`go_to_slice`.
    """
    views = slice_views(ct_node)
    if not views:
        return None
    geometry = world_geometry(ct_node)
    order = AxialOrder.of(geometry)
    axis = 2 - order.permutation[0]
    normal = geometry.ijk_to_ras[:3, axis] / geometry.spacing[axis]
    poses = [matrix_to_array(view.GetSliceToRAS()) for view in views]
    most_axial = max(poses, key=lambda pose: abs(float(pose[:3, 2] @ normal)))
    return order.nearest_slice(geometry, np.asarray(most_axial[:3, 3]))
