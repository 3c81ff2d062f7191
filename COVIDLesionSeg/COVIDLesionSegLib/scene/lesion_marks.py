"""Lesions one by one in the views: a numbered point on each, and the way to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from ..engine.severity.report import Lesion
from ..engine.volume import AxialOrder
from . import names
from .nodes import find_own, make_own, place_beside_ct, remove_output
from .slice_views import slice_views
from .volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsFiducialNode, vtkMRMLScalarVolumeNode

_CLASS = "vtkMRMLMarkupsFiducialNode"
_COLOR = (1.0, 0.75, 0.0)
_PERCENT_OF_VIEW, _TEXT_PERCENT = 1.2, 2.5


def find_marks(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLMarkupsFiducialNode | None:
    """The node with the points of the CT's lesions; None where they are not marked."""
    return find_own(ct_node, _CLASS, names.MARKS_ROLE)


def mark_lesions(
    ct_node: vtkMRMLScalarVolumeNode, lesions: Sequence[Lesion]
) -> vtkMRMLMarkupsFiducialNode:
    """Put a locked point with its number on every lesion; earlier points of the CT go.

    Raises:
        InputError: The CT has no voxels, or a transform that bends its grid.
    """
    points = [lesion_place(ct_node, lesion) for lesion in lesions]
    node = find_marks(ct_node) or _new_marks(ct_node)
    node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    node.SetLocked(False)
    node.RemoveAllControlPoints()
    for lesion, point in zip(lesions, points, strict=True):
        index = node.AddControlPointWorld(*point)
        node.SetNthControlPointLabel(index, str(lesion.number))
        node.SetNthControlPointDescription(
            index, f"{lesion.region}, slices {lesion.slices[0]} to {lesion.slices[1]}"
        )
    node.SetLocked(True)
    return node


def remove_marks(ct_node: vtkMRMLScalarVolumeNode) -> None:
    """Remove the points of the CT's lesions, if there are any."""
    node = find_marks(ct_node)
    if node is not None:
        remove_output(node)


def lesion_place(ct_node: vtkMRMLScalarVolumeNode, lesion: Lesion) -> tuple[float, float, float]:
    """The lesion's centroid, moved into the slice with most of it: RAS, in mm."""
    geometry = world_geometry(ct_node)
    order = AxialOrder.of(geometry)
    left, posterior, superior = lesion.centre_lps_mm
    centre = np.array([-left, -posterior, superior])
    centres = order.slice_centres(geometry)
    middle = centres[min(max(lesion.largest_slice, 0), len(centres) - 1)]
    axis = 2 - order.permutation[0]
    normal = geometry.ijk_to_ras[:3, axis] / geometry.spacing[axis]
    x, y, z = (float(mm) for mm in centre + ((middle - centre) @ normal) * normal)
    return x, y, z


def go_to_lesion(ct_node: vtkMRMLScalarVolumeNode, lesion: Lesion) -> None:
    """Centre every slice view of the CT on the lesion, in the slice with most of it.

    Raises:
        InputError: As for :func:`mark_lesions`.
    """
    place = lesion_place(ct_node, lesion)
    for view in slice_views(ct_node):
        view.JumpSliceByCentering(*place)


def _new_marks(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLMarkupsFiducialNode:
    scene = ct_node.GetScene()
    node = scene.CreateNodeByClass(_CLASS)
    node.UnRegister(None)
    node.SetName(scene.GenerateUniqueName(f"{ct_node.GetName() or 'CT'} COVID-19 lesions"))
    node = scene.AddNode(node)
    make_own(node, ct_node, names.MARKS_ROLE)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSelectedColor(*_COLOR)
    display.SetColor(*_COLOR)
    display.SetGlyphScale(_PERCENT_OF_VIEW)
    display.SetTextScale(_TEXT_PERCENT)
    place_beside_ct(ct_node, [node])
    return cast("vtkMRMLMarkupsFiducialNode", node)
