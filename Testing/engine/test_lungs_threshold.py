"""The threshold lung extractor, on generated chests with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    InputError,
    LungsNotFoundError,
    ParameterError,
)
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.lungs.sides import remove_remnant, right_and_left
from COVIDLesionSegLib.engine.lungs.working_grid import WorkingGrid
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken

pytestmark = pytest.mark.slow

GRID = {"size": (144, 112, 56), "spacing": (2.3, 2.3, 5.0)}
COARSE = {"size": (96, 75, 28), "spacing": (3.45, 3.45, 10.0)}


def extract(volume, **kwargs):
    """Labels on the stored grid, and the flags' codes."""
    result = get_extractor(Parameters(lungs="threshold")).extract(
        volume.axial, volume.axial_spacing, **kwargs
    )
    return volume.on_grid(result.labels), {flag.code for flag in result.flags}


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@pytest.fixture(scope="module")
def ill():
    phantom = generate_chest_ct(seed=1, ground_glass=0.2, consolidation=(0.03, 0.02), **GRID)
    return phantom, *extract(phantom.volume)


def test_each_lung_matches_the_truth(ill):
    phantom, labels, flags = ill
    for side in (1, 2):
        assert dice(labels == side, phantom.lungs == side) > 0.95
    assert not flags


def share_inside(labels, mask):
    return np.count_nonzero(labels[mask]) / np.count_nonzero(mask)


def test_ground_glass_stays_inside_the_lung(ill):
    phantom, labels, _ = ill
    assert share_inside(labels, phantom.lesions == 1) > 0.97


def test_more_than_half_of_airless_consolidation_at_the_wall_stays_inside(ill):
    phantom, labels, _ = ill
    assert share_inside(labels, phantom.lesions == 2) > 0.5


def test_right_is_never_left(ill):
    phantom, labels, _ = ill
    assert np.count_nonzero((labels == 1) & (phantom.lungs == 2)) == 0
    assert np.count_nonzero((labels == 2) & (phantom.lungs == 1)) == 0


def test_trachea_stomach_gas_and_outside_air_are_not_lung(ill):
    phantom, labels, _ = ill
    hu = phantom.volume.array
    air = (hu < -930) & (phantom.lungs == 0)
    assert np.count_nonzero(labels[air]) < 0.003 * np.count_nonzero(labels)
    # The stomach's gas lies below the left dome, in front.
    z, y, x = np.nonzero(air[:14, 30:75, 75:120])
    assert len(z) > 300
    assert not labels[z, y + 30, x + 75].any()


@pytest.mark.parametrize(("mm", "slices"), [(8.0, 38), (10.0, 27)])
def test_stomach_gas_is_not_lung_in_thick_slices_and_a_bulla_is(mm, slices):
    phantom = generate_chest_ct(seed=0, size=(128, 96, slices), spacing=(2.6, 2.6, mm))
    hu = phantom.volume.array.copy()
    z, y, x = (np.indices(hu.shape).T * (mm, 2.6, 2.6)).T
    lowest = np.flatnonzero((phantom.lungs == 1).sum(axis=(1, 2)) > 500)[0]
    depth = ndimage.distance_transform_edt(phantom.lungs[lowest] == 1)
    centre = np.array([lowest, *np.unravel_index(depth.argmax(), depth.shape)]) * (mm, 2.6, 2.6)
    bulla = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < 18.0**2
    hu[bulla & (phantom.lungs == 1)] = -975
    labels, _ = extract(type(phantom.volume)(hu, phantom.volume.geometry))
    for side in (1, 2):
        truth = np.count_nonzero(phantom.lungs == side)
        assert np.count_nonzero(labels == side) == pytest.approx(truth, rel=0.03)
    assert labels[bulla & (phantom.lungs == 1)].all()


@pytest.fixture(scope="module")
def coarse():
    """Labels of a small CT."""
    return extract(generate_chest_ct(seed=1, **COARSE).volume)[0]


@pytest.mark.parametrize("orientation", ["RAS", "SPL", "ASR", "PIR"])
def test_the_input_orientation_does_not_matter(coarse, orientation):
    stored = generate_chest_ct(seed=1, orientation=orientation, **COARSE)
    result, _ = extract(stored.volume)
    assert {*np.unique(coarse)} == {0, 1, 2}
    np.testing.assert_array_equal(stored.volume.order.to_axial(result), coarse)


@pytest.mark.parametrize("seed", [2, 3])
def test_lungs_merged_across_the_midline_are_parted(seed):
    phantom = generate_chest_ct(seed=seed, **GRID)
    hu = phantom.volume.array.copy()
    midline = slice(68, 77)
    bridge = (slice(24, 42), slice(26, 40), midline)
    assert not phantom.lungs[bridge].all()
    hu[bridge] = -850
    labels, _ = extract(type(phantom.volume)(hu, phantom.volume.geometry))
    for side in (1, 2):
        assert dice(labels == side, phantom.lungs == side) > 0.93


def test_fine_and_coarse_grids_agree():
    fine = generate_chest_ct(seed=4, size=(280, 230, 60), spacing=(1.2, 1.2, 4.5))
    labels, _ = extract(fine.volume)
    for side in (1, 2):
        assert dice(labels == side, fine.lungs == side) > 0.96


def test_very_thin_slices_give_the_lungs_of_thicker_ones(ill):
    """Thirteen of 0.4 mm for each of 5.2 mm; the airways are sought on every other one."""
    phantom, _, _ = ill
    thick = phantom.volume
    geometry = replace(thick.geometry, spacing=(2.3, 2.3, 0.4), size=(144, 112, 13 * 56))
    labels, _ = extract(type(thick)(np.repeat(thick.array, 13, axis=0), geometry))
    squeezed = replace(thick.geometry, spacing=(2.3, 2.3, 5.2))
    expected, _ = extract(type(thick)(thick.array, squeezed))
    assert dice(labels > 0, np.repeat(expected, 13, axis=0) > 0) > 0.97
    assert (labels == np.repeat(expected, 13, axis=0)).mean() > 0.97


def test_padding_outside_the_field_of_view_does_not_matter(ill):
    phantom, labels, _ = ill
    hu = phantom.volume.array.copy()
    hu[:, :8], hu[:, -8:] = -2048, -2048
    result, _ = extract(type(phantom.volume)(hu, phantom.volume.geometry))
    assert dice(result > 0, labels > 0) > 0.999


def test_a_collapsed_lung_is_flagged_missing_and_the_other_keeps_its_side():
    phantom = generate_chest_ct(seed=1, **GRID)
    for side in (1, 2):
        hu = np.where(phantom.lungs == side, 20, phantom.volume.array).astype(np.int16)
        labels, flags = extract(type(phantom.volume)(hu, phantom.volume.geometry))
        assert "lung-missing" in flags
        other = 3 - side
        assert dice(labels == other, phantom.lungs == other) > 0.92
        assert np.count_nonzero(labels == side) == 0


def blocks(*boxes):
    """Boxes of lung, each (z, y, x) from and to, on a grid of 4 mm; and the grid."""
    air = np.zeros((40, 40, 80), bool)
    for (z0, z1), (y0, y1), (x0, x1) in boxes:
        air[z0:z1, y0:y1, x0:x1] = True
    return air, WorkingGrid.of(air.shape, (4.0, 4.0, 4.0))


RIGHT, LEFT = ((5, 35), (5, 35), (5, 35)), ((5, 35), (5, 35), (45, 75))


@pytest.mark.parametrize("midline", [10.0, 40.0, 70.0])
def test_two_lungs_side_by_side_are_right_and_left_wherever_the_midline_is(midline):
    air, grid = blocks(RIGHT, LEFT)
    sides = right_and_left(air, midline, grid)
    assert (sides[:, :, :40] == air[:, :, :40]).all()
    assert (sides[:, :, 40:] == 2 * air[:, :, 40:]).all()


@pytest.mark.parametrize("x", [(2, 12), (46, 56), (68, 78)])
def test_a_piece_apart_takes_the_side_on_which_it_lies(x):
    air, grid = blocks(((5, 25), (5, 35), (5, 35)), ((5, 25), (5, 35), (45, 75)))
    air[30:36, 10:20, slice(*x)] = True
    sides = right_and_left(air, 70.0, grid)
    assert set(np.unique(sides[30:36, 10:20, slice(*x)])) == {1 if x[0] < 40 else 2}


def test_a_lobe_of_the_left_lung_that_hangs_on_the_right_one_is_left():
    """Parted from its own lung, and joined to the other by a thin bridge, as is the left lung."""
    air, grid = blocks(RIGHT, ((5, 20), (5, 35), (45, 75)), ((22, 35), (5, 35), (45, 75)))
    air[10:14, 18:22, 35:45] = air[26:30, 18:22, 35:45] = True
    sides = right_and_left(air, 40.0, grid)
    assert (sides[:, :, :35] == air[:, :, :35]).all()
    assert (sides[:, :, 45:] == 2 * air[:, :, 45:]).all()


@pytest.mark.parametrize(("remnant", "kept"), [(1, 0), (49, 0), (50, 50)])
def test_a_remnant_of_a_lung_is_no_lung(remnant, kept):
    for side in (1, 2):
        labels = np.full((1, 1, 1000 + remnant), 3 - side, np.uint8)
        labels[..., :remnant] = side
        remove_remnant(labels)
        assert np.count_nonzero(labels == side) == kept
        assert np.count_nonzero(labels == 3 - side) == 1000


def test_the_bases_alone_are_refused_with_how_much_lung_there_is():
    phantom = generate_chest_ct(seed=1, **COARSE)
    ends = (
        np.cumsum((phantom.lungs == 1).sum(axis=(1, 2))) * phantom.volume.geometry.voxel_volume_ml
    )
    bases = phantom.volume.array[: np.searchsorted(ends, 100.0)]
    with pytest.raises(LungsNotFoundError, match="has only [0-9]+ ml, and at least 150 ml"):
        get_extractor(Parameters(lungs="threshold")).extract(bases, phantom.volume.axial_spacing)


def test_lungs_cut_off_by_the_scan_are_flagged():
    phantom = generate_chest_ct(seed=1, **GRID)
    axial = phantom.volume.array[20:]
    flags = get_extractor().extract(axial, phantom.volume.axial_spacing).flags
    assert [flag.code for flag in flags if flag.code == "lungs-cut-off"]
    assert "inferior" in next(flag for flag in flags if flag.code == "lungs-cut-off").message


def brain(shape=(40, 110, 110)):
    """Skull, brain, and air in sinuses and mastoids."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    radius = np.hypot((y - 55) / 45, (x - 55) / 36) + 0 * z
    hu = np.full(shape, -1000, np.int16)
    hu[radius < 1], hu[radius < 0.96], hu[radius < 0.88] = 40, 900, 35
    for cy, cx in ((18, 42), (18, 68), (25, 55), (62, 30), (62, 80)):
        hu[(z < 14) & (np.hypot(y - cy, x - cx) < 7)] = -960
    return hu, (4.0, 2.0, 2.0)


def abdomen():
    """The part of the generated patient below the lungs: liver, and a stomach full of gas."""
    phantom = generate_chest_ct(seed=1, size=(144, 112, 70), spacing=(2.3, 2.3, 5.0))
    below = np.flatnonzero(phantom.lungs.any(axis=(1, 2)))[0] - 1
    hu = phantom.volume.array[:below].copy()
    hu[2:, 40:70, 85:118] = -990
    return hu, phantom.volume.axial_spacing


@pytest.mark.parametrize(
    "make",
    [
        brain,
        abdomen,
        lambda: (np.full((20, 64, 64), -1000, np.int16), (5.0, 4.0, 4.0)),
        lambda: (np.full((20, 64, 64), 40, np.int16), (5.0, 4.0, 4.0)),
    ],
    ids=["brain", "abdomen", "air", "tissue"],
)
def test_a_ct_without_lungs_is_refused(make):
    with pytest.raises(LungsNotFoundError):
        get_extractor().extract(*make())


def test_a_single_slice_is_refused():
    with pytest.raises(InputError):
        get_extractor().extract(np.zeros((1, 64, 64), np.int16), (5.0, 1.0, 1.0))


def test_progress_rises_to_the_end_and_cancel_stops(ill):
    phantom, _, _ = ill
    seen = []
    token = CancelToken()

    def watch(progress):
        seen.append(progress.fraction)
        if progress.fraction >= 0.45 and stop:
            token.cancel()

    stop = False
    extract(phantom.volume, progress=watch, cancel=token)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    stop, seen[:] = True, []
    with pytest.raises(Cancelled):
        extract(phantom.volume, progress=watch, cancel=token)
    assert seen[-1] < 1.0


def test_an_unknown_method_is_refused_by_name():
    with pytest.raises(ParameterError, match="magic"):
        get_extractor(Parameters(lungs="magic"))


def test_the_input_is_not_changed(ill):
    phantom, _, _ = ill
    before = phantom.volume.array.copy()
    extract(phantom.volume)
    np.testing.assert_array_equal(phantom.volume.array, before)
