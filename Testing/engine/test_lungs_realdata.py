"""The threshold lung extractor on real chests."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from engine.real_patients import as_volume, lungs_of, read_case

pytestmark = pytest.mark.realdata


CONTROL = pytest.param("control", marks=pytest.mark.slow)
THICK = pytest.param("thick", marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def covid(data_folder):
    volume = read_case(data_folder, "covid")
    facts = json.loads((data_folder / "covid_ct_md_P001" / "labels.json").read_text())
    return volume, *lungs_of(volume), facts


@pytest.fixture(scope="module")
def control(data_folder):
    volume = read_case(data_folder, "control")
    return volume, *lungs_of(volume)


@pytest.fixture(scope="module")
def thick(data_folder):
    """Another control, 3.75 mm from slice to slice."""
    name = "LIDC-IDRI-0002-every-third.nii.gz"
    volume = as_volume(sitk.ReadImage(str(data_folder / name)))
    return volume, *lungs_of(volume)


@pytest.mark.parametrize("chest", ["covid", CONTROL, THICK])
def test_lungs_are_plausible_and_on_their_sides(chest, request):
    _, result, ml, *_ = request.getfixturevalue(chest)
    assert 1000 < ml[1] < 4000
    assert 1000 < ml[2] < 4000
    right, left = (np.nonzero(result.labels == side)[2].mean() for side in (1, 2))
    assert right < left
    assert all(flag.level == "note" for flag in result.flags)


@pytest.mark.parametrize("chest", ["covid", CONTROL])
def test_no_gas_and_no_outside_air(chest, request):
    volume, result, *_ = request.getfixturevalue(chest)
    # Lung tissue is never as dark as air over a whole neighbourhood of 1 cm.
    box = volume.axial[:, ::4, ::4] < -985
    share = np.count_nonzero(box & (result.labels[:, ::4, ::4] > 0)) / np.count_nonzero(box)
    assert share < 0.002


def test_dense_lesions_at_the_back_of_the_lower_lobes_are_inside(covid):
    volume, result, _, facts = covid
    # Along the posterior chest wall the lung's outline must be as convex with the lesion as it is
    # without: pockets of soft tissue between the lung and its hull are lost lesion.
    from skimage.morphology import convex_hull_image

    for z in facts["lobes"]["RLL"][20:40:5]:
        lung = result.labels[z] == 1
        rows = np.nonzero(lung.any(axis=1))[0]
        back = slice(int(np.quantile(rows, 0.75)), rows[-1] + 1)
        columns = slice(0, int(np.nonzero(lung)[1].mean()))
        missing = convex_hull_image(lung)[back, columns] & ~lung[back, columns]
        dense = np.count_nonzero(missing & (volume.axial[z][back, columns] > -500))
        assert dense < 0.1 * np.count_nonzero(lung[back, columns])
