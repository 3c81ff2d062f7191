"""Grids and axial order, against SimpleITK and for every way a CT can be stored."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry, Volume, geometry_of, same_grid
from engine.volume_files import as_image, chest_hu, grid_of

ORIENTATIONS = [
    (order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)
]


def rotation(rx: float, ry: float, rz: float) -> np.ndarray:
    (cx, cy, cz), (sx, sy, sz) = np.cos([rx, ry, rz]), np.sin([rx, ry, rz])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


@st.composite
def geometries(draw, angle: float = 0.4):
    """Any axis order and flips, tilted by up to ``angle`` radians about each axis."""
    order, flips = draw(st.sampled_from(ORIENTATIONS))
    axes = np.eye(3)[:, order] * np.where(flips, -1.0, 1.0)
    tilt = rotation(*(draw(st.floats(-angle, angle)) for _ in range(3)))
    return Geometry(
        size=tuple(draw(st.integers(2, 5)) for _ in range(3)),
        spacing=tuple(draw(st.floats(0.2, 10)) for _ in range(3)),
        origin=tuple(draw(st.floats(-500, 500)) for _ in range(3)),
        direction=tuple((tilt @ axes).ravel()),
    )


def numbered(geometry: Geometry) -> np.ndarray:
    return np.arange(np.prod(geometry.shape)).reshape(geometry.shape)


@given(geometries())
def test_axial_order_and_back_is_identity(geometry):
    order = AxialOrder.of(geometry)
    stored = numbered(geometry)
    np.testing.assert_array_equal(order.to_stored(order.to_axial(stored)), stored)


@given(geometries())
def test_axial_axes_run_to_superior_posterior_left(geometry):
    order = AxialOrder.of(geometry)
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    positions = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ geometry.ijk_to_lps.T
    for axis, patient in enumerate((2, 1, 0)):  # axial z, y, x against LPS components S, P, L
        coordinate = order.to_axial(positions[..., patient])
        assert (np.diff(coordinate, axis=axis) > 0).all()


@given(geometries())
def test_axial_spacing_belongs_to_the_axial_axes(geometry):
    volume = Volume(numbered(geometry), geometry)
    spacing_of_length = {
        (axis, length): geometry.spacing[2 - axis] for axis, length in enumerate(geometry.shape)
    }
    expected = tuple(
        spacing_of_length[(axis, geometry.shape[axis])] for axis in volume.order.permutation
    )
    assert volume.axial_spacing == expected
    assert volume.axial.shape == tuple(geometry.shape[a] for a in volume.order.permutation)


@given(geometries())
def test_positions_of_all_corners_agree_with_simpleitk(geometry):
    image = as_image(np.zeros(geometry.shape, np.uint8), geometry)
    for corner in product(*((0, n - 1) for n in geometry.size)):
        ours = geometry.ijk_to_lps @ [*corner, 1]
        np.testing.assert_allclose(ours[:3], image.TransformIndexToPhysicalPoint(corner), atol=1e-9)


@given(geometries())
def test_slicer_matrix_round_trip_keeps_the_grid(geometry):
    again = Geometry.from_ijk_to_ras(geometry.ijk_to_ras, geometry.size)
    assert again.size == geometry.size
    for name in ("spacing", "origin", "direction"):
        np.testing.assert_allclose(getattr(again, name), getattr(geometry, name), atol=1e-9)


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_axial_array_is_the_same_however_the_ct_is_stored(order, flips):
    hu = chest_hu((5, 6, 7))
    image = as_image(hu, grid_of(hu))
    stored = sitk.Flip(sitk.PermuteAxes(image, order), flips)
    volume = Volume(sitk.GetArrayFromImage(stored), geometry_of(stored))
    np.testing.assert_array_equal(volume.axial, hu)
    assert volume.axial_spacing == pytest.approx((2.5, 0.8, 0.75))


def test_result_laid_back_on_the_stored_grid_covers_the_same_voxels():
    hu = chest_hu((5, 6, 7))
    stored = sitk.Flip(sitk.PermuteAxes(as_image(hu, grid_of(hu)), (2, 0, 1)), (True, False, True))
    volume = Volume(sitk.GetArrayFromImage(stored), geometry_of(stored))
    lungs = volume.on_grid(volume.axial < -500)
    assert lungs.flags.c_contiguous
    np.testing.assert_array_equal(lungs, volume.array < -500)


def test_every_patient_axis_gets_its_own_grid_axis_at_45_degrees():
    diagonal = rotation(np.pi / 4, np.pi / 4, 0)
    order = AxialOrder.of(grid_of(np.zeros((2, 3, 4)), direction=tuple(diagonal.ravel())))
    assert sorted(order.permutation) == [0, 1, 2]


def test_voxel_volume_is_in_millilitres():
    grid = grid_of(np.zeros((2, 3, 4)), spacing=(0.5, 2.0, 10.0))
    assert grid.voxel_volume_ml == pytest.approx(0.01)
    assert grid.shape == (2, 3, 4)


@pytest.mark.parametrize(("shift", "same"), [(0.01, True), (0.1, False)])
def test_grids_are_the_same_unless_a_corner_lies_a_twentieth_of_a_voxel_away(shift, same):
    geometry = Geometry((40, 30, 20), (0.7, 0.8, 2.5), (-90.0, 40.0, -300.0), tuple(np.eye(3).flat))
    moved = replace(geometry, origin=(geometry.origin[0] + shift * 0.7, *geometry.origin[1:]))
    stretched = replace(geometry, spacing=(0.7, 0.8, 2.5 + shift * 0.7 / 19))
    assert same_grid(geometry, moved) is same_grid(geometry, stretched) is same
    assert not same_grid(geometry, replace(geometry, size=(40, 30, 21)))


@given(geometries())
def test_the_nearest_slice_to_a_slices_centre_is_that_slice(geometry):
    order = AxialOrder.of(geometry)
    centres = order.slice_centres(geometry)
    assert len(centres) == order.to_axial(numbered(geometry)).shape[0]
    assert [order.nearest_slice(geometry, centre) for centre in centres] == list(
        range(len(centres))
    )
    step = centres[1] - centres[0]
    assert order.nearest_slice(geometry, centres[0] + 0.4 * step) == 0
    assert order.nearest_slice(geometry, centres[0] - 3 * step) == 0
    assert order.nearest_slice(geometry, centres[-1] + 3 * step) == len(centres) - 1
