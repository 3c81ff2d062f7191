"""The generated chest CT: exact truth, the same patient on every grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.phantom import Opening, Variation, generate_chest_ct

HEALTHY = {"ground_glass": 0, "consolidation": 0}
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


@pytest.mark.parametrize("wall", [3.0, 12.0, 30.0])
def test_the_chest_wall_is_as_thick_as_asked_for_and_the_lungs_stay_the_same(wall):
    grid = {"size": (90, 60, 40), "spacing": (4.0, 4.0, 7.0)}
    expected = generate_chest_ct(seed=0, **grid)
    other = generate_chest_ct(seed=0, variation=Variation(wall=wall, table=False), **grid)
    np.testing.assert_array_equal(other.lungs, expected.lungs)
    lung = other.lungs[20] > 0
    widest = int(np.flatnonzero(lung.any(axis=0))[0])
    row = int(np.flatnonzero(lung[:, widest]).mean())
    skin = int(np.flatnonzero(other.volume.array[20, row] > -500)[0])
    assert (widest - skin) * 4 == pytest.approx(wall, abs=5)


def test_an_opening_lets_air_through_the_wall_and_leaves_the_lungs(phantom):
    wound = Variation(openings=(Opening(2, 0.0, (40.0, 40.0)),))
    opened = generate_chest_ct(seed=0, variation=wound, **SMALL)
    np.testing.assert_array_equal(opened.lungs, phantom.lungs)
    changed = np.abs(opened.volume.array.astype(int) - phantom.volume.array) > 300
    slices, _, columns = np.nonzero(changed)
    assert columns.min() > 36  # the patient's left
    assert slices.min() >= 15 and slices.max() <= 24
    assert np.median(opened.volume.array[changed]) < -900


def test_the_field_of_view_is_a_circle_of_padding_that_cuts_the_truth(phantom):
    seen = generate_chest_ct(seed=0, variation=Variation(field_of_view=220, padding=-2000), **SMALL)
    padding = seen.volume.array == -2000
    assert padding.mean() == pytest.approx(1 - np.pi * 110**2 / (72 * 4.8 * 60 * 4.8), abs=0.02)
    assert not seen.lungs[padding].any() and not seen.lesions[padding].any()
    np.testing.assert_array_equal(seen.volume.array[~padding], phantom.volume.array[~padding])
    np.testing.assert_array_equal(seen.lungs[~padding], phantom.lungs[~padding])


@pytest.mark.parametrize(
    ("gas", "ml"), [({"stomach_gas": -900, "gas_level": 40}, 100), ({"bowel_gas": -870}, 30)]
)
def test_gas_in_stomach_or_bowel_has_the_hu_asked_for_and_leaves_the_lungs(gas, ml):
    grid = {"size": (90, 72, 64), "spacing": (3.6, 3.6, 5.0)}
    plain = generate_chest_ct(seed=0, **grid)
    gassy = generate_chest_ct(seed=0, variation=Variation(**gas), **grid)
    np.testing.assert_array_equal(gassy.lungs, plain.lungs)
    changed = np.abs(gassy.volume.array.astype(int) - plain.volume.array) > 600
    assert not changed[gassy.lungs > 0].any()
    assert np.count_nonzero(changed) * gassy.volume.geometry.voxel_volume_ml > ml
    darkest = np.quantile(gassy.volume.array[changed], 0.1)
    assert darkest == pytest.approx(min(gas.values()), abs=40)


def test_without_a_table_there_is_none():
    phantom = generate_chest_ct(seed=0, variation=Variation(table=False), **SMALL)
    assert np.median(phantom.volume.array[:, -4:]) == pytest.approx(-1000, abs=10)
    with_table = generate_chest_ct(seed=0, **SMALL)
    assert np.count_nonzero(with_table.volume.array[:, -8:] > -950) > 1000


@pytest.mark.parametrize("lobe", LOBES)
def test_a_consolidated_lobe_lies_in_its_lung_and_takes_a_good_part_of_it(lobe, phantom):
    ill = generate_chest_ct(seed=0, variation=Variation(consolidated=(lobe,)), **SMALL, **HEALTHY)
    np.testing.assert_array_equal(ill.lungs, phantom.lungs)
    side = 1 if lobe.startswith("right") else 2
    dense = ill.lesions == 2
    assert not dense[ill.lungs != side].any()
    assert 0.1 < np.count_nonzero(dense) / np.count_nonzero(ill.lungs == side) < 0.65
    assert np.median(ill.volume.array[dense]) > -60


def test_the_lobes_of_a_lung_are_the_whole_lung():
    for side, lobes in ((1, LOBES[:3]), (2, LOBES[3:])):
        ill = generate_chest_ct(seed=0, variation=Variation(consolidated=lobes), **SMALL, **HEALTHY)
        np.testing.assert_array_equal(ill.lesions == 2, ill.lungs == side)


def test_a_consolidated_rim_lies_along_the_chest_wall_of_its_lung():
    rim = Variation(consolidated_rim=(12.0, 0.0))
    ill = generate_chest_ct(seed=0, variation=rim, **SMALL, **HEALTHY)
    dense, lung = ill.lesions == 2, ill.lungs == 1
    assert not dense[~lung].any()
    widest = lung[20].any(axis=0).argmax()
    row = int(np.flatnonzero(lung[20, :, widest]).mean())
    across = np.flatnonzero(dense[20, row])
    assert across[0] == widest
    assert len(across) * 4.8 == pytest.approx(12, abs=5)


@pytest.mark.parametrize(
    ("position", "axis", "end"),
    [("supine", 1, -1), ("prone", 1, 0), ("right decubitus", 2, 0), ("left decubitus", 2, -1)],
)
def test_fluid_lies_lowest_and_is_no_lung(position, axis, end, phantom):
    wet = Variation(position=position, effusion=(30.0, 30.0))
    ill = generate_chest_ct(seed=0, variation=wet, **SMALL, **HEALTHY)
    fluid = (phantom.lungs > 0) & (ill.lungs == 0)
    assert np.median(ill.volume.array[fluid]) == pytest.approx(12, abs=15)
    for side in (1, 2):
        lost = fluid & (phantom.lungs == side)
        others = tuple(n for n in range(3) if n != axis)
        used = np.flatnonzero((phantom.lungs == side).any(axis=others))
        wet_lines = np.flatnonzero(lost.any(axis=others))
        assert wet_lines[end] == used[end]
        assert len(wet_lines) * 4.8 == pytest.approx(30, abs=6)


def test_where_a_lung_was_removed_there_is_fluid_and_the_other_stays(phantom):
    for side in (1, 2):
        one = generate_chest_ct(seed=0, variation=Variation(removed=side), **SMALL, **HEALTHY)
        assert not (one.lungs == side).any()
        np.testing.assert_array_equal(one.lungs == 3 - side, phantom.lungs == 3 - side)
        assert np.median(one.volume.array[phantom.lungs == side]) == pytest.approx(12, abs=15)


def test_a_child_is_smaller_in_every_direction(phantom):
    spacing = tuple(0.6 * mm for mm in SMALL["spacing"])
    child = generate_chest_ct(0, SMALL["size"], spacing, variation=Variation(scale=0.6))
    np.testing.assert_array_equal(child.lungs, phantom.lungs)
    assert lung_ml(child, 1) == pytest.approx(0.6**3 * lung_ml(phantom, 1))


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
        {"variation": Variation(wall=0)},
        {"variation": Variation(wall=200)},
        {"variation": Variation(field_of_view=0)},
        {"variation": Variation(scale=0.1)},
        {"variation": Variation(position="upright")},
        {"variation": Variation(consolidated=("left middle lobe",))},
    ],
)
def test_unusable_parameters_are_refused(wrong):
    with pytest.raises(ParameterError):
        generate_chest_ct(**(SMALL | wrong))
