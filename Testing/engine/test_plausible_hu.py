"""Values that cannot be HU are said, and no CT in HU is suspected."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import read_volume
from COVIDLesionSegLib.engine.volume.checks import check_chest_ct
from COVIDLesionSegLib.engine.volume.plausible_hu import implausible_hu, input_flag


@cache
def phantom(seed=0):
    return generate_chest_ct(size=(96, 75, 28), spacing=(3.45, 3.45, 10.0), seed=seed)


CHANGES = {
    "halved": (lambda hu: hu / 2, "air around the patient has -500"),
    "+300": (lambda hu: hu + 300, "air around the patient has -7"),
    "+200": (lambda hu: hu + 200, "air around the patient has -8"),
    "-100": (lambda hu: hu - 100, "air around the patient has -11"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_rescaling_is_a_warning_with_the_measured_value(change):
    volume = phantom().volume
    function, found = CHANGES[change]
    wrong = replace(volume, array=function(volume.array.astype(np.float32)))
    (warning,) = check_chest_ct(wrong).warnings
    assert found in warning
    assert input_flag(warning).code == "hu-implausible"
    assert input_flag(warning).level == "warning"
    assert input_flag("Another.").code == "input"


def test_checking_again_says_it_once():
    volume = phantom().volume
    once = check_chest_ct(replace(volume, array=volume.array + np.int16(300)))
    assert check_chest_ct(once).warnings == once.warnings


def test_without_air_around_soft_tissue_tells():
    hu = phantom().volume.axial[:, 25:55, 25:70]
    assert not implausible_hu(hu)
    (warning,) = implausible_hu(hu + np.int16(200))
    assert "soft tissue has 2" in warning


@pytest.mark.parametrize("padding", [-3024, -2000, -1024, 0])
def test_a_round_field_of_view_or_lungs_cut_out_raise_no_doubt(padding):
    hu = phantom(3).volume.axial
    y, x = np.indices(hu.shape[1:])
    outside = np.hypot(y - 37, x - 48) > 36
    assert not implausible_hu(np.where(outside, padding, hu))
    lungs = phantom(3).volume.order.to_axial(phantom(3).lungs) > 0
    assert not implausible_hu(np.where(lungs, hu, padding))


@pytest.mark.parametrize("seed", range(3))
def test_a_generated_chest_and_crops_of_it_raise_no_doubt(seed):
    hu = phantom(seed).volume.axial
    for part in (hu, hu[:, 20:55, 20:75], hu[:, :, :48], hu[:8], hu[-8:]):
        assert not implausible_hu(part)
    assert not implausible_hu(np.clip(hu, -1000, 400))


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["LIDC-IDRI-0001.nii.gz", "covid_ct_md_P001"])
def test_a_real_ct_and_crops_of_it_raise_no_doubt(data_folder, name):
    hu = read_volume(data_folder / name).axial
    z, y, x = hu.shape
    for part in (hu, hu[:, y // 3 : -y // 3, x // 5 : 2 * x // 5], hu[: z // 5], hu[-z // 5 :]):
        assert not implausible_hu(part)
