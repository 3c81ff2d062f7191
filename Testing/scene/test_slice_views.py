"""Slices in the slice views, for every way a CT can lie."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from fabricated import DIRECTIONS, add_ct, make_geometry

from COVIDLesionSegLib.engine.volume import AxialOrder
from COVIDLesionSegLib.scene.slice_views import go_to_slice, slice_seen, slice_views


@pytest.fixture
def views(scene):
    """An axial, a sagittal and a coronal view, and a fourth that shows nothing of the CT."""
    made = {}
    for name, orientation in (
        ("Red", "Axial"),
        ("Yellow", "Sagittal"),
        ("Green", "Coronal"),
        ("Other", "Axial"),
    ):
        view = scene.AddNewNodeByClass("vtkMRMLSliceNode")
        composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
        for node in (view, composite):
            node.SetSingletonTag(name)
        view.SetLayoutName(name)
        composite.SetLayoutName(name)
        view.SetOrientation(orientation)
        made[name] = view, composite
    yield made
    for nodes in made.values():
        for node in nodes:
            scene.RemoveNode(node)


def show(ct, views):
    for name in ("Red", "Yellow", "Green"):
        views[name][1].SetBackgroundVolumeID(ct.GetID())


def centre_of(view) -> np.ndarray:
    return np.array([view.GetSliceToRAS().GetElement(row, 3) for row in range(3)])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_views_go_to_the_centre_of_a_slice_and_tell_which_one_it_is(scene, views, direction):
    geometry = make_geometry(direction)
    ct = add_ct(scene, geometry)
    show(ct, views)
    order = AxialOrder.of(geometry)
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    voxels = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ geometry.ijk_to_ras.T
    # Every voxel's position by axial slice, so the mean is the slice's centre.
    centres = [order.to_axial(voxels[..., axis]).mean(axis=(1, 2)) for axis in range(3)]
    elsewhere = centre_of(views["Other"][0])
    for index in (0, 2, len(centres[0]) - 1):
        go_to_slice(ct, index)
        for name in ("Red", "Yellow", "Green"):
            expected = [centre[index] for centre in centres]
            np.testing.assert_allclose(centre_of(views[name][0]), expected, atol=1e-6)
        assert slice_seen(ct) == index
    np.testing.assert_array_equal(centre_of(views["Other"][0]), elsewhere)


def test_a_ct_below_a_transform_is_found_where_it_is_seen(scene, views):
    ct = add_ct(scene)
    show(ct, views)
    go_to_slice(ct, 3)
    before = centre_of(views["Red"][0])
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    for row, shift in enumerate((10.0, -20.0, 30.0)):
        matrix.SetElement(row, 3, shift)
    transform.SetMatrixTransformToParent(matrix)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    go_to_slice(ct, 3)

    np.testing.assert_allclose(centre_of(views["Red"][0]) - before, [10, -20, 30], atol=1e-6)
    assert slice_seen(ct) == 3


def test_a_slice_beyond_the_ct_is_its_last(scene, views):
    ct = add_ct(scene)
    show(ct, views)
    go_to_slice(ct, 999)
    last = ct.GetImageData().GetDimensions()[2] - 1
    assert slice_seen(ct) == last
    go_to_slice(ct, -1)
    assert slice_seen(ct) == 0


def test_a_ct_that_no_view_shows_has_no_slice_that_is_seen(scene, views, ct_node):
    assert slice_views(ct_node) == []
    assert slice_seen(ct_node) is None
    go_to_slice(ct_node, 1)  # nothing to move, no error
