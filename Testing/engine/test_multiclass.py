"""Ground glass and consolidation apart, through the whole job, with networks of known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.result import save_result
from engine.crafted import GROUND_GLASS_AND_CONSOLIDATION, GreyLevels, make_card, write_model
from engine.saved_results import load_result

pytestmark = pytest.mark.slow

CHEST = {
    "seed": 3,
    "size": (96, 76, 12),
    "spacing": (3.4, 3.4, 20.0),
    "ground_glass": (0.2, 0.05),
    "consolidation": (0.04, 0.08),
}
WINDOW = (-1000.0, 0.0)
# Every axis of the grid oblique to every axis of the patient, swapped, and left-handed.
OBLIQUE = Rotation.from_euler("xyz", [17, -31, 98], degrees=True).as_matrix() @ np.diag([1, 1, -1])


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The user's models that tell ground glass from consolidation by HU alone."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(networks._NETWORKS, "GreyLevels", GreyLevels)

    def write(name, bounds=(0.4, 0.8), order=(0, 1, 2), **preprocessing):
        channels = [""] * 3
        for channel, at in zip(("background", *GROUND_GLASS_AND_CONSOLIDATION), order, strict=True):
            channels[at] = channel
        card = make_card(
            Preprocessing(WINDOW, **preprocessing),
            tuple(channels),
            id=name,
            network="GreyLevels",
            arguments={"order": order},
            classes=GROUND_GLASS_AND_CONSOLIDATION,
        )
        write_model(GreyLevels(bounds, order), card, tmp_path)

    return write


def by_hand(volume, result):
    """Labels by -600 and -200 HU alone, and where they are certain: not within 3 HU of either."""
    hu, lungs = volume.array, result.lungs > 0
    labels = np.where(hu > -200, 2, np.where(hu > -600, 1, 0)) * lungs
    return labels, (np.abs(hu + 600) > 3) & (np.abs(hu + 200) > 3)


@pytest.mark.parametrize(
    "orientation", ["LPS", "RAI", "PSR", OBLIQUE], ids=["LPS", "RAI", "PSR", "oblique"]
)
def test_each_voxel_of_the_lungs_gets_its_own_class_however_the_ct_is_stored(models, orientation):
    models("two", order=(2, 0, 1))
    volume = generate_chest_ct(**CHEST, orientation=orientation).volume
    result = segment(volume, Parameters(model="two", device="cpu", smallest_lesion_ml=0))
    expected, certain = by_hand(volume, result)
    assert result.classes == GROUND_GLASS_AND_CONSOLIDATION
    assert min(np.count_nonzero(expected == label) for label in (1, 2)) > 100
    np.testing.assert_array_equal(result.lesions[certain], expected[certain])

    ml = volume.geometry.voxel_volume_ml
    for label, side in ((1, "right lung"), (2, "left lung")):
        region = result.severity.region(side)
        for number, name in enumerate(result.classes, start=1):
            voxels = np.count_nonzero((result.lesions == number) & (result.lungs == label))
            assert region.lesion_class_ml[name] == pytest.approx(voxels * ml)
        assert sum(region.lesion_class_ml.values()) == pytest.approx(region.lesion_ml)
    axial = volume.order.to_axial(result.lesions)
    for slice_ in result.severity.slices:
        shares = [np.count_nonzero(axial[slice_.index] == n) for n in (1, 2)]
        areas = [slice_.lesion_class_mm2[name] for name in result.classes]
        assert areas == pytest.approx([share * 3.4**2 for share in shares])


def test_the_generated_lesions_are_found_as_what_they_are(models):
    models("two")
    phantom = generate_chest_ct(**CHEST)
    result = segment(phantom.volume, Parameters(model="two", device="cpu", smallest_lesion_ml=0))
    for label in (1, 2):
        truth = (phantom.lesions == label) & (result.lungs > 0)
        assert np.count_nonzero(result.lesions[truth] == label) > 0.6 * np.count_nonzero(truth)
    right, left = (result.severity.region(side) for side in ("right lung", "left lung"))
    ground_glass, consolidation = GROUND_GLASS_AND_CONSOLIDATION
    assert right.lesion_class_ml[ground_glass] > left.lesion_class_ml[ground_glass]
    assert right.lesion_class_ml[consolidation] < left.lesion_class_ml[consolidation]


def test_a_fixed_input_size_finds_the_same_classes_in_the_same_places(models):
    """The chest of 326 x 258 mm at 512 pixels, and back."""
    models("native")
    models("fixed", input_size=(512, 512), lung_mask=True)
    volume = generate_chest_ct(**CHEST, orientation="LIP").volume
    native, fixed = (
        segment(volume, Parameters(model=name, device="cpu", smallest_lesion_ml=0)).lesions
        for name in ("native", "fixed")
    )
    for label in (1, 2):
        ours, theirs = native == label, fixed == label
        assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.85
        centres = [np.argwhere(one).mean(axis=0) for one in (ours, theirs)]
        np.testing.assert_allclose(*centres, atol=0.5)


def test_three_networks_of_two_classes_vote_and_their_result_survives_its_files(models, tmp_path):
    """Lesion from 0.3, 0.4 and 0.5 of the window: two of three agree from 0.4."""
    for name, low in (("a", 0.3), ("b", 0.4), ("c", 0.5)):
        models(name, (low, 0.8))
    volume = generate_chest_ct(**CHEST, orientation=OBLIQUE).volume
    result = segment(volume, Parameters(model="a+b+c", device="cpu", smallest_lesion_ml=0))
    expected, certain = by_hand(volume, result)
    np.testing.assert_array_equal(result.lesions[certain], expected[certain])
    lungs, hu = result.lungs > 0, volume.array
    divided = (hu > -697) & (hu < -503) & lungs
    agreed = ((hu < -703) | (hu > -497)) & lungs
    np.testing.assert_allclose(result.disagreement[divided], 2 / 3, rtol=1e-6)
    assert divided.any() and not result.disagreement[agreed].any()
    assert not result.disagreement[~lungs].any()
    axial, labels = (volume.order.to_axial(a) for a in (result.disagreement, result.lesions))
    for slice_ in result.severity.slices:
        voted = (labels[slice_.index] > 0) | (axial[slice_.index] > 0)
        assert slice_.disagreement == pytest.approx(axial[slice_.index][voted].mean(), rel=1e-5)

    read = load_result(save_result(result, tmp_path / "result"))
    for name in ("lungs", "lesions", "probability", "disagreement"):
        np.testing.assert_array_equal(getattr(read, name), getattr(result, name))
    for name in ("geometry", "classes", "severity", "flags", "provenance"):
        assert getattr(read, name) == getattr(result, name)
