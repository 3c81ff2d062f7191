"""Airways, organs and exchanged parts in the lungs of a generated chest: side and slices named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from COVIDLesionSegLib.engine.lungs.plausibility import check_lungs
from COVIDLesionSegLib.engine.phantom import Variation
from COVIDLesionSegLib.engine.phantom.anatomy import LOBAR_BRONCHI, MAIN_BRONCHI, TRACHEA
from COVIDLesionSegLib.engine.phantom.shapes import Grid
from engine.chests import SIDES, chest

HEALTHY = {"ground_glass": 0, "consolidation": 0}
DOMES = {1: (-62, -8), 2: (85, -5)}
"""The domes of right and left beside the heart, (x, y) in mm from the centre of the chest."""


@pytest.fixture(scope="module", params=["adult", "finer", "prone", "child"])
def phantom(request):
    return {
        "adult": lambda: chest(seed=1),
        "finer": lambda: chest(seed=3, size=(164, 128, 96), spacing=(2.0, 2.0, 3.0)),
        "prone": lambda: chest(Variation(position="prone"), seed=2, **HEALTHY),
        "child": lambda: chest(Variation(scale=0.6), seed=2, spacing=(1.8, 1.8, 3.0)),
    }[request.param]()


@pytest.fixture(scope="module")
def healthy():
    return chest(seed=5, **HEALTHY)


def grid_of(phantom):
    """In the atlas' own mm: a child's are larger."""
    spacing = phantom.volume.axial_spacing
    scale = spacing[2] * np.ptp(np.flatnonzero((phantom.lungs > 0).any(axis=(0, 1)))) / 255
    return Grid(phantom.lungs.shape, tuple(mm / max(scale, 0.5) for mm in spacing))


def lumen(phantom, tubes):
    """What the tubes hold of air, outside the lungs."""
    grid = grid_of(phantom)
    near = np.any([grid.tube(start, end, radius + 5) for start, end, radius in tubes], axis=0)
    return near & (phantom.volume.axial < -500) & (phantom.lungs == 0)


def flag_on(labels, phantom, code):
    """The one flag with this code on these lungs; None without any."""
    found = check_lungs(labels, phantom.volume.axial, phantom.volume.axial_spacing)
    flags = [flag for flag in found if flag.code == code]
    assert len(flags) < 2, flags
    return flags[0] if flags else None


def assert_named(flag, wrong, side=None, share=0.8):
    """The flag names the side and most of the slices with what is wrong, and few others."""
    assert flag is not None
    if side is not None:
        assert f"{SIDES[side]} lung" in flag.message
    area = np.count_nonzero(wrong, axis=(1, 2))
    named = np.isin(np.arange(len(area)), flag.slices)
    assert area[named].sum() > share * area.sum()
    far = ~ndimage.binary_dilation(area > 0, iterations=2)
    assert not (named & far).any()


def with_label(phantom, mask, label):
    labels = phantom.lungs.copy()
    labels[mask] = label
    return labels


@pytest.mark.parametrize(
    ("tubes", "side"),
    [(TRACHEA, 1), (TRACHEA, 2), (MAIN_BRONCHI[:1], 1), (MAIN_BRONCHI[1:], 2)],
    ids=["trachea right", "trachea left", "right main bronchus", "left main bronchus"],
)
def test_an_airway_that_is_called_lung_is_named(phantom, tubes, side):
    airway = lumen(phantom, tubes)
    labels = with_label(phantom, airway, side)
    assert_named(flag_on(labels, phantom, "lung-airways-included"), airway, side)


@pytest.mark.parametrize("side", SIDES)
def test_lung_that_was_lost_to_an_airway_is_named(phantom, side):
    grid = grid_of(phantom)
    start, end, _ = LOBAR_BRONCHI[2 * (side - 1)]
    lost = grid.tube(start, end, 14) & (phantom.lungs == side)
    labels = with_label(phantom, lost, 0)
    lost &= phantom.volume.axial < -600
    assert_named(flag_on(labels, phantom, "lung-aerated-left-out"), lost, side)


def dome(phantom, side, slices):
    """What lies so many slices under the lung about its dome."""
    grid = grid_of(phantom)
    x, y = DOMES[side]
    about = np.hypot(grid.x - x, grid.y - y)[0] < 35
    lung = phantom.lungs == side
    lowest = np.where(lung.any(axis=0) & about, lung.argmax(axis=0), 0)
    z = np.arange(len(lung))[:, None, None]
    return (z < lowest) & (z >= lowest - slices)


@pytest.mark.parametrize("side", SIDES)
def test_the_top_of_liver_and_of_stomach_and_spleen_in_a_lung_is_named(healthy, side):
    organ = dome(healthy, side, 3)
    flag = flag_on(with_label(healthy, organ, side), healthy, "lung-soft-tissue")
    assert_named(flag, organ, side)


@pytest.mark.parametrize("radius", [(70, 90, 120), (55, 75, 110)])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_outline_of_a_base_that_lies_a_slice_lower_is_no_organ(radius, shift):
    z, y, x = (np.arange(n) - (n - 1) / 2 + shift for n in (76, 136, 190))
    lungs = np.zeros((76, 136, 190), np.uint8)
    for side, centre in ((1, -80), (2, 80)):
        away = ((x * 2 - centre) / radius[0]) ** 2 + ((y[:, None] * 2) / radius[1]) ** 2
        lungs[away + ((z[:, None, None] * 4) / radius[2]) ** 2 < 1] = side
    hu = np.where(lungs > 0, -850, 40).astype(np.int16)
    lower = lungs.copy()
    lower[:-1] |= np.where(lungs[:-1] == 0, lungs[1:], 0)
    codes = {flag.code for flag in check_lungs(lower, hu, (4.0, 2.0, 2.0))}
    assert "lung-soft-tissue" not in codes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_top_of_the_liver_is_named_beside_lesions_too(seed):
    phantom = chest(seed=seed)
    organ = dome(phantom, 1, 3)
    flag = flag_on(with_label(phantom, organ, 1), phantom, "lung-soft-tissue")
    assert_named(flag, organ, 1)


def test_a_spleen_beside_the_base_is_named(healthy):
    spleen = grid_of(healthy).ellipsoid((84, 40, -112), (38, 32, 46)) & (healthy.lungs == 0)
    spleen &= healthy.volume.axial > 20
    spleen &= ndimage.binary_dilation(healthy.lungs == 2, iterations=6)
    flag = flag_on(with_label(healthy, spleen, 2), healthy, "lung-soft-tissue")
    assert_named(flag, spleen, 2)


def parts_of(lungs):
    """Parts that may be exchanged, by name."""
    z, y, x = np.indices(lungs.shape, sparse=True)
    used = [np.flatnonzero((lungs > 0).any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    z, y, x = (
        (index - one[0]) / (one[-1] - one[0]) for index, one in zip((z, y, x), used, strict=True)
    )
    return {
        "upper front of the right lung": (lungs == 1) & (z > 0.6) & (y < 0.5),
        "side of the right lung": (lungs == 1) & (x < 0.15) & (z > 0.4) & (z < 0.7),
        "back of the left base": (lungs == 2) & (z < 0.3) & (y > 0.6),
        "left apex": (lungs == 2) & (z > 0.9),
        "a run of slices": (lungs > 0) & (z > 0.5) & (z < 0.6),
    }


@pytest.mark.parametrize("part", parts_of(np.ones((2, 2, 2), np.uint8)))
def test_a_part_of_a_lung_that_bears_the_name_of_the_other_is_named(phantom, part):
    exchanged = parts_of(phantom.lungs)[part]
    labels = with_label(phantom, exchanged, 3 - phantom.lungs[exchanged])
    assert_named(flag_on(labels, phantom, "lung-sides-unclear"), exchanged)


def test_a_lung_that_reaches_across_the_midline_beside_a_small_one_is_its_own():
    labels = np.zeros((40, 40, 60), np.uint8)
    labels[5:25, 5:15, 5:12] = 1
    labels[5:25, 5:15, 30:50] = 2
    labels[8:22, 5:8, 18:30] = 2  # in front of the heart
    hu = np.where(labels > 0, -850, 40).astype(np.int16)
    codes = {flag.code for flag in check_lungs(labels, hu, (10.0, 10.0, 10.0))}
    assert "lung-sides-unclear" not in codes


NEW = {"lung-airways-included", "lung-aerated-left-out", "lung-soft-tissue", "lung-sides-unclear"}


@pytest.mark.parametrize(
    ("variation", "lesions"),
    [
        (None, {}),
        (None, {"ground_glass": 0.25, "consolidation": 0.12}),
        (None, HEALTHY),
        (Variation(position="prone"), HEALTHY),
        (Variation(position="left decubitus"), {}),
        (Variation(removed=1), {}),
        (Variation(removed=2), HEALTHY),
        (Variation(consolidated_rim=(12.0, 0.0)), {}),
        (Variation(effusion=(40.0, 60.0)), {}),
        (Variation(stomach_gas=-840, bowel_gas=-900), {}),
    ],
)
@pytest.mark.parametrize("seed", [4, 9])
def test_lungs_that_are_right_have_none_of_these_flags(variation, lesions, seed):
    phantom = chest(variation, size=(130, 112, 56), seed=seed, **lesions)
    found = check_lungs(phantom.lungs, phantom.volume.axial, phantom.volume.axial_spacing)
    assert not NEW & {flag.code for flag in found}
