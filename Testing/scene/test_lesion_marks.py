"""Numbered points on lesions, and the way to one, for every way a CT can lie."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry

from COVIDLesionSegLib.engine.severity.lesions import measure_lesions

pytest.importorskip("slicer")

from COVIDLesionSegLib.scene.lesion_marks import (  # noqa: E402
    find_marks,
    go_to_lesion,
    lesion_place,
    mark_lesions,
    remove_marks,
)


def two_lesions(geometry):
    """A bar through several slices and a small one, found in a volume of this grid."""
    lungs = np.ones(geometry.shape, np.uint8)
    lesions = np.zeros(geometry.shape, np.uint8)
    lesions[2:9, 4:7, 5:9] = 1
    lesions[11, 12:14, 15:17] = 1
    return measure_lesions(lungs, lesions, geometry).lesions


@pytest.fixture(params=DIRECTIONS)
def marked(request, scene):
    geometry = make_geometry(request.param)
    ct = add_ct(scene, geometry)
    lesions = two_lesions(geometry)
    return ct, geometry, lesions, mark_lesions(ct, lesions)


def voxel_of(geometry, ras):
    return np.linalg.solve(geometry.ijk_to_ras, [*ras, 1.0])[:3]


def test_points_lie_in_the_lesions_and_bear_their_numbers(marked):
    ct, geometry, lesions, node = marked
    assert node.GetNumberOfControlPoints() == len(lesions) == 2
    for index, lesion in enumerate(lesions):
        place = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, place)
        i, j, k = voxel_of(geometry, place)
        low, high = (((5, 4, 2), (8, 6, 8)), ((15, 12, 11), (16, 13, 11)))[index]
        assert all(a - 0.6 <= n <= b + 0.6 for a, n, b in zip(low, (i, j, k), high, strict=True))
        assert node.GetNthControlPointLabel(index) == str(lesion.number)
        assert lesion.region in node.GetNthControlPointDescription(index)
        assert place == pytest.approx(lesion_place(ct, lesion))
    assert node.GetLocked() and find_marks(ct) is node


def test_the_place_lies_in_the_slice_with_most_of_the_lesion(marked):
    from COVIDLesionSegLib.engine.volume import AxialOrder

    ct, geometry, lesions, _ = marked
    order = AxialOrder.of(geometry)
    for lesion in lesions:
        assert order.nearest_slice(geometry, lesion_place(ct, lesion)) == lesion.largest_slice


def test_marks_are_replaced_and_removed_and_are_their_cts_alone(scene):
    geometry = make_geometry()
    ct, other = add_ct(scene, geometry), add_ct(scene, geometry)
    lesions = two_lesions(geometry)
    node = mark_lesions(ct, lesions)
    assert mark_lesions(ct, lesions[:1]) is node and node.GetNumberOfControlPoints() == 1
    assert find_marks(other) is None
    remove_marks(other)
    assert find_marks(ct) is node
    remove_marks(ct)
    assert find_marks(ct) is None and node.GetScene() is None


def test_marks_move_with_the_transform_of_their_ct(scene):
    geometry = make_geometry()
    ct = add_ct(scene, geometry)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    node = mark_lesions(ct, two_lesions(geometry))
    before, after = [0.0] * 3, [0.0] * 3
    node.GetNthControlPointPositionWorld(0, before)
    matrix = transform.GetMatrixTransformToParent()
    matrix.SetElement(0, 3, 25.0)
    transform.SetMatrixTransformToParent(matrix)
    node.GetNthControlPointPositionWorld(0, after)
    assert np.subtract(after, before) == pytest.approx([25.0, 0.0, 0.0])


def test_every_view_of_the_ct_centres_on_the_lesion(scene):
    geometry = make_geometry()
    ct = add_ct(scene, geometry)
    view = scene.AddNewNodeByClass("vtkMRMLSliceNode")
    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    for node in (view, composite):
        node.SetSingletonTag("Red")
        node.SetLayoutName("Red")
    view.SetOrientation("Axial")
    composite.SetBackgroundVolumeID(ct.GetID())
    lesion = two_lesions(geometry)[0]
    go_to_lesion(ct, lesion)
    centre = [view.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
    assert centre == pytest.approx(lesion_place(ct, lesion), abs=1e-3)
