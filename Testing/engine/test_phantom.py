"""The generated chest CT: exact truth, the same patient on every grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.phantom import generate_chest_ct

SMALL = {"size": (72, 60, 40), "spacing": (4.8, 4.8, 7.0)}


@pytest.fixture(scope="module")
def phantom():
    return generate_chest_ct(seed=0, **SMALL)


def lung_ml(phantom, side):
    return np.count_nonzero(phantom.lungs == side) * phantom.volume.geometry.voxel_volume_ml


def axis_codes():
    letters = st.permutations(["LR", "PA", "SI"])
    return letters.flatmap(lambda pairs: st.tuples(*(st.sampled_from(p) for p in pairs)))


def test_same_seed_gives_the_same_voxels_and_another_seed_another_patient(phantom):
    again = generate_chest_ct(seed=0, **SMALL)
    other = generate_chest_ct(seed=1, **SMALL)
    np.testing.assert_array_equal(again.volume.array, phantom.volume.array)
    np.testing.assert_array_equal(again.lesions, phantom.lesions)
    assert np.any(other.lungs != phantom.lungs)


@settings(max_examples=8, deadline=None)
@given(code=axis_codes())
def test_every_orientation_stores_the_same_patient(phantom, code):
    stored = generate_chest_ct(seed=0, orientation="".join(code), **SMALL)
    assert stored.volume.array.shape == stored.volume.geometry.shape == stored.lungs.shape
    order = stored.volume.order
    np.testing.assert_array_equal(stored.volume.axial, phantom.volume.array)
    np.testing.assert_array_equal(order.to_axial(stored.lungs), phantom.lungs)
    np.testing.assert_array_equal(order.to_axial(stored.lesions), phantom.lesions)
    # Same voxel, same place in mm: the right lung's centre of mass.
    for each in (phantom, stored):
        k, j, i = np.argwhere(each.lungs == 1).mean(axis=0)
        centre = each.volume.geometry.ijk_to_lps @ [i, j, k, 1]
        np.testing.assert_allclose(centre[:3], _right_lung_centre(phantom), atol=1e-6)


def _right_lung_centre(phantom):
    k, j, i = np.argwhere(phantom.lungs == 1).mean(axis=0)
    return (phantom.volume.geometry.ijk_to_lps @ [i, j, k, 1])[:3]


def test_oblique_matrix_is_kept_exactly_and_the_axial_voxels_do_not_change(phantom):
    c, s = np.cos(0.2), np.sin(0.2)
    direction = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    oblique = generate_chest_ct(seed=0, orientation=direction, **SMALL)
    np.testing.assert_allclose(np.reshape(oblique.volume.geometry.direction, (3, 3)), direction)
    np.testing.assert_array_equal(oblique.volume.axial, phantom.volume.array)


def test_lungs_are_those_of_an_adult_and_the_right_one_lies_on_the_patients_right(phantom):
    assert 1200 < lung_ml(phantom, 2) < lung_ml(phantom, 1) < 3000
    columns = np.nonzero(phantom.lungs == 1)[2], np.nonzero(phantom.lungs == 2)[2]
    assert columns[0].mean() < columns[1].mean()


def test_lung_volumes_do_not_depend_on_the_grid(phantom):
    fine = generate_chest_ct(seed=0, size=(140, 120, 70), spacing=(2.4, 2.4, 4.0))
    for side in (1, 2):
        assert lung_ml(fine, side) == pytest.approx(lung_ml(phantom, side), rel=0.05)


@settings(max_examples=6, deadline=None)
@given(
    ground_glass=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
    consolidation=st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)),
)
def test_lesions_take_exactly_the_chosen_share_of_each_lung(ground_glass, consolidation):
    phantom = generate_chest_ct(ground_glass=ground_glass, consolidation=consolidation, **SMALL)
    assert not np.any(phantom.lesions[phantom.lungs == 0])
    for side in (1, 2):
        lung = phantom.lungs == side
        for label, share in ((1, ground_glass[side - 1]), (2, consolidation[side - 1])):
            count = np.count_nonzero(phantom.lesions[lung] == label)
            assert count == round(share * np.count_nonzero(lung))


def test_tissues_have_their_hounsfield_units():
    phantom = generate_chest_ct(
        seed=3, size=(150, 120, 60), spacing=(2.2, 2.2, 4.5), consolidation=0.06
    )
    hu = phantom.volume.array
    healthy = (phantom.lungs > 0) & (phantom.lesions == 0)
    assert -880 < np.median(hu[healthy]) < -780
    assert -600 < np.median(hu[phantom.lesions == 1]) < -350
    assert -60 < np.median(hu[phantom.lesions == 2]) < 60
    assert np.median(hu[:, 0]) == pytest.approx(-1000, abs=10)
    assert np.count_nonzero(hu > 300) > 1000  # bone
    # Gravity: the back of a supine patient's lung is denser.
    rows = np.nonzero(healthy)[1]
    front, back = np.quantile(rows, (0.2, 0.8))
    assert np.median(hu[healthy][rows > back]) > np.median(hu[healthy][rows < front]) + 15


def test_lesions_do_not_change_the_patient():
    healthy = generate_chest_ct(seed=5, ground_glass=0, consolidation=0, **SMALL)
    ill = generate_chest_ct(seed=5, ground_glass=0.3, consolidation=0.1, **SMALL)
    assert not healthy.lesions.any()
    np.testing.assert_array_equal(ill.lungs, healthy.lungs)
    # The scanner's point spread carries a lesion a little way out of the lung.
    far = ~ndimage.binary_dilation(healthy.lungs > 0, iterations=3)
    np.testing.assert_array_equal(ill.volume.array[far], healthy.volume.array[far])


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (1, 60, 40)},
        {"spacing": (0, 1, 1)},
        {"orientation": "LLS"},
        {"orientation": "XYZ"},
        {"orientation": np.ones((3, 3))},
        {"ground_glass": 1.2},
        {"ground_glass": 0.5, "consolidation": 0.5},
        {"noise": -1},
    ],
)
def test_unusable_parameters_are_refused(wrong):
    with pytest.raises(ParameterError):
        generate_chest_ct(**(SMALL | wrong))
