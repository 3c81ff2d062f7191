"""The same rules for volumes that come from Slicer as arrays."""

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import Geometry, Volume, check_chest_ct
from engine.volume_files import chest_hu, grid_of


def test_array_given_is_never_changed():
    hu = chest_hu()
    hu[:, 0] = -2048
    before = hu.copy()
    checked = check_chest_ct(Volume(hu, grid_of(hu)))
    np.testing.assert_array_equal(hu, before)
    assert checked.array.min() == -1024


@pytest.mark.filterwarnings("error")
def test_half_precision_is_read_without_a_warning_of_numpy():
    hu = chest_hu()
    checked = check_chest_ct(Volume(hu.astype(np.float16), grid_of(hu)))
    np.testing.assert_allclose(checked.array, hu, atol=1)


def test_warnings_and_source_are_kept():
    hu = chest_hu()
    checked = check_chest_ct(Volume(hu, grid_of(hu), {"format": "MRML"}, ("odd",)))
    assert checked.source == {"format": "MRML"}
    assert checked.warnings == ("odd",)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 5)),
        np.zeros((4, 5, 6, 3), np.uint8),
        np.zeros((4, 5, 6), bool),
        np.zeros((4, 5, 6), complex),
    ],
)
def test_arrays_that_are_not_scalar_volumes_are_refused(array):
    grid = Geometry((6, 5, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    with pytest.raises(InputError, match="three-dimensional scalar"):
        check_chest_ct(Volume(array, grid))


def test_array_that_does_not_fit_its_grid_is_refused():
    hu = chest_hu()
    with pytest.raises(InputError, match="shape"):
        check_chest_ct(Volume(hu[1:], grid_of(hu)))


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (np.nan, 1.0, 1.0), (-1.0, 1.0, 1.0)])
def test_degenerate_spacing_is_refused(spacing):
    hu = chest_hu()
    with pytest.raises(InputError, match="grid is damaged"):
        check_chest_ct(Volume(hu, grid_of(hu, spacing=spacing)))


def test_slicer_matrix_without_a_third_axis_is_refused():
    hu = chest_hu()
    grid = Geometry.from_ijk_to_ras(np.diag([0.7, 0.7, 0.0, 1.0]), hu.shape[::-1])
    with pytest.raises(InputError, match="grid is damaged"):
        check_chest_ct(Volume(hu, grid))


def test_two_axial_slices_are_refused_whichever_way_they_are_stored():
    hu = chest_hu()[:2]
    sagittal = np.ascontiguousarray(hu.transpose(2, 0, 1))
    direction = np.eye(3)[:, [1, 2, 0]]
    grid = grid_of(sagittal, direction=tuple(direction.ravel()))
    with pytest.raises(InputError, match="only 2 axial slices"):
        check_chest_ct(Volume(sagittal, grid))


def test_checking_again_repeats_no_warning():
    hu = chest_hu()
    once = check_chest_ct(Volume(hu, grid_of(hu, spacing=(0.75, 0.75, 12.0)), {}, ("odd",)))
    assert len(once.warnings) == 2
    assert check_chest_ct(once).warnings == once.warnings


@pytest.mark.parametrize(
    "spacing", [(750.0, 750.0, 2500.0), (0.00075, 0.8, 2.5), (1e300, 1.0, 1.0)]
)
def test_voxel_size_that_no_ct_has_is_refused(spacing):
    hu = chest_hu()
    with pytest.raises(InputError, match="which no CT has; correct its spacing"):
        check_chest_ct(Volume(hu, grid_of(hu, spacing=spacing)))


@pytest.mark.parametrize("far", [1e6, -1e300])
def test_position_that_no_scanner_has_is_refused(far):
    hu = chest_hu()
    with pytest.raises(InputError, match="grid is damaged"):
        check_chest_ct(Volume(hu, grid_of(hu, origin=(0.0, far, 0.0))))


def test_axes_too_long_for_a_number_are_refused():
    hu = chest_hu()
    direction = (1.0, 1e300, 1e300, 0.0, 1.0, -1e300, 0.0, 0.0, 1.0)
    with pytest.raises(InputError, match="right angles"):
        check_chest_ct(Volume(hu, grid_of(hu, direction=direction)))


@pytest.mark.parametrize("marker", [1e20, 1e300, 2.0**31])
def test_values_far_above_metal_are_refused_before_they_become_infinite(marker):
    hu = chest_hu().astype(float)
    hu[0, 0, 0] = marker
    with pytest.raises(InputError, match="not HU"):
        check_chest_ct(Volume(hu, grid_of(hu)))
