"""Lesions of a CT one by one: linked across slices, measured, found by either kind of model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from COVIDLesionSegLib.engine.detection import detect
from COVIDLesionSegLib.engine.detection.detector import SliceInstances, detect_slice
from COVIDLesionSegLib.engine.detection.lesion_table import tabulate
from COVIDLesionSegLib.engine.detection.linking import Linker
from COVIDLesionSegLib.engine.errors import Cancelled, ModelError
from COVIDLesionSegLib.engine.flags import is_untrained
from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.models.card import Score
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.networks.affinity import AffinityMaskRCNN, Detections
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import Geometry, Volume

SHAPE = (4, 20, 24)
AFFINITIES = np.zeros((8, 256), np.float32)


def slice_of(*found):
    """Instances (score, upper, left, lower, right) of one slice."""
    masks = np.zeros((len(found), *SHAPE[1:]), bool)
    for mask, (_, upper, left, lower, right) in zip(masks, found, strict=True):
        mask[upper:lower, left:right] = True
    scores = np.array([score for score, *_ in found], np.float32)
    return SliceInstances(scores, masks, np.array([0.2, 0.8], np.float32), AFFINITIES, False)


def linked(*slices, lungs=None, least_score=0.0):
    lungs = np.ones(SHAPE, np.uint8) if lungs is None else lungs
    linker = Linker(lungs.shape)
    for index, found in enumerate(slices):
        linker.add(index, found, lungs[index], least_score)
    return linker.finish()


def test_instances_that_share_half_of_the_smaller_are_one_lesion_with_the_best_score():
    numbers, scores = linked(
        slice_of((0.6, 0, 0, 4, 4)), slice_of((0.9, 2, 0, 6, 4)), slice_of((0.7, 2, 0, 4, 4))
    )
    assert scores == pytest.approx([0.9])
    assert [set(np.unique(one)) for one in numbers[:3]] == [{0, 1}] * 3
    assert not numbers[3].any()


def test_less_than_half_shared_or_a_slice_between_keeps_lesions_apart():
    numbers, scores = linked(slice_of((0.6, 0, 0, 4, 4)), slice_of((0.9, 3, 0, 7, 4)))
    assert len(scores) == 2 and numbers[0].max() != numbers[1].max()
    _, scores = linked(slice_of((0.6, 0, 0, 4, 4)), slice_of(), slice_of((0.9, 0, 0, 4, 4)))
    assert len(scores) == 2


def test_lesions_that_meet_in_a_slice_are_one():
    numbers, scores = linked(
        slice_of((0.8, 0, 0, 4, 4), (0.7, 0, 10, 4, 14)), slice_of((0.6, 0, 0, 4, 14))
    )
    assert scores == pytest.approx([0.8])
    assert set(np.unique(numbers)) == {0, 1}


def test_of_instances_on_the_same_place_the_surest_holds_and_repeats_are_left_out():
    numbers, scores = linked(slice_of((0.9, 0, 0, 4, 4), (0.8, 0, 0, 4, 5), (0.7, 2, 3, 8, 8)))
    assert len(scores) == 2
    assert np.count_nonzero(numbers == 1) == 16
    assert np.count_nonzero(numbers == 2) == 30 - 2


def test_scores_below_the_least_and_what_is_outside_the_lungs_are_left_out():
    lungs = np.ones(SHAPE, np.uint8)
    lungs[:, :, 12:] = 0
    numbers, scores = linked(
        slice_of((0.9, 0, 10, 4, 14), (0.4, 8, 0, 12, 4), (0.8, 8, 16, 12, 20)),
        lungs=lungs,
        least_score=0.5,
    )
    assert scores == pytest.approx([0.9])
    assert np.count_nonzero(numbers) == 8


def test_the_table_by_hand():
    """Two lesions; x runs to the left, y to posterior, z to superior; voxels 2 x 3 x 5 mm."""
    hu = np.full(SHAPE, -800, np.int16)
    numbers = np.zeros(SHAPE, np.int32)
    numbers[0, 0, 0] = 1
    numbers[1, 4:8, 2:6] = 2
    numbers[2, 4:6, 2:4] = 2
    hu[numbers == 2] = -400
    hu[2, 4, 2] = -380
    lungs = np.ones(SHAPE, np.uint8)
    lungs[:, 4:, :] = 2
    geometry = Geometry(SHAPE[::-1], (2.0, 3.0, 5.0), (10.0, 20.0, 30.0), tuple(np.eye(3).ravel()))
    labels, table = tabulate(numbers, [0.5, 0.9], lungs, Volume(hu, geometry))
    large, small = table
    assert (large.number, large.region, large.slices, large.largest_slice) == (
        1,
        "left lung",
        (1, 2),
        1,
    )
    assert large.lesion_ml == pytest.approx(20 * 0.03) and large.score == 0.9
    assert large.box_mm == (8.0, 12.0, 10.0)
    assert large.mean_hu == pytest.approx(-399.0)
    x, y, z = (16 * 3.5 + 4 * 2.5) / 20, (16 * 5.5 + 4 * 4.5) / 20, (16 * 1 + 4 * 2) / 20
    assert large.centre_lps_mm == pytest.approx((10 + 2 * x, 20 + 3 * y, 30 + 5 * z), abs=0.06)
    assert (small.number, small.region, small.lesion_ml) == (2, "right lung", pytest.approx(0.03))
    assert small.inside_lps_mm == (10.0, 20.0, 30.0)
    assert np.array_equal(labels == 1, numbers == 2) and labels.dtype == np.uint16
    _, kept = tabulate(numbers, [0.5, 0.9], lungs, Volume(hu, geometry), smallest_ml=0.1)
    assert [one.lesion_ml for one in kept] == pytest.approx([0.6])
    assert {one.lobe for one in table} == {None}
    lobes = np.zeros(SHAPE, np.uint8)
    lobes[1:, :, 3:] = 5
    lobes[1:, :, 5:] = 4
    _, (in_lobe, in_none) = tabulate(numbers, [0.5, 0.9], lungs, Volume(hu, geometry), lobes=lobes)
    # Of its 20 voxels 10 lie in the lower lobe, 4 in the upper one and 6 in none.
    assert (in_lobe.lobe, in_none.lobe) == (LOBES[4], None)


def test_the_place_to_look_at_lies_in_a_crescent_though_its_centroid_does_not():
    numbers = np.zeros(SHAPE, np.int32)
    numbers[1, 2:18, 2:18] = 1
    numbers[1, 4:18, 4:18] = 0
    geometry = Geometry(SHAPE[::-1], (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    volume = Volume(np.zeros(SHAPE, np.int16), geometry)
    _, (one,) = tabulate(numbers, [1.0], np.ones(SHAPE, np.uint8), volume)
    x, y, z = (int(mm) for mm in one.inside_lps_mm)
    assert numbers[z, y, x] == 1
    x, y, z = (round(mm) for mm in one.centre_lps_mm)
    assert numbers[z, y, x] == 0


def test_instances_of_a_slice_lie_on_its_own_pixels(monkeypatch):
    torch.manual_seed(0)
    network = AffinityMaskRCNN(slice_classes=("clean", "infected")).eval()
    box = torch.tensor([[16.0, 8.0, 48.0, 40.0], [0.0, 0.0, 8.0, 8.0]])
    found = Detections(
        boxes=box,
        scores=torch.tensor([0.9, 0.3]),
        masks=torch.ones(2, 28, 28),
        class_logits=torch.tensor([-1.0, 2.0]),
        affinities=torch.from_numpy(AFFINITIES),
        no_region=False,
    )
    monkeypatch.setattr(network, "detect", lambda image: [found])
    prepared = Preprocessing((-1024.0, 200.0), input_size=(64, 64))
    one = detect_slice(network, prepared, np.zeros((128, 128), np.float32), None, least_score=0.5)
    assert one.masks.shape == (1, 128, 128) and one.slice_class == 1
    rows, columns = (np.flatnonzero(one.masks[0].any(axis=axis)) for axis in (1, 0))
    assert abs(rows[0] - 16) <= 2 and abs(rows[-1] - 79) <= 2
    assert abs(columns[0] - 32) <= 2 and abs(columns[-1] - 95) <= 2


CHEST = {"seed": 5, "size": (88, 72, 14), "spacing": (3.8, 3.8, 18.0)}


@pytest.fixture(scope="module")
def chest():
    return generate_chest_ct(**CHEST)


@pytest.mark.slow
def test_a_model_that_segments_gives_its_connected_areas(chest):
    parameters = Parameters(device="cpu", smallest_lesion_ml=0.0)
    found = detect.find_lesions(chest.volume, parameters)
    result = segment(chest.volume, parameters)
    assert np.array_equal(found.labels > 0, (result.lesions > 0) & (result.lungs > 0))
    assert [lesion.lesion_ml for lesion in found.lesions] == pytest.approx(
        [lesion.lesion_ml for lesion in result.severity.lesions]
    )
    assert all(0.5 <= lesion.score <= 1 for lesion in found.lesions)
    assert found.slices == () and found.rule == detect.SEGMENTATION_RULE


@pytest.mark.slow
def test_a_detector_finds_the_truth_it_is_given(chest, monkeypatch):
    """With the true lesions as its answers: table, classes and label map follow the rule."""
    volume = chest.volume
    lungs = _lungs_of(volume) > 0
    truth = (volume.order.to_axial(chest.lesions) > 0) & lungs
    remaining = iter(np.flatnonzero(lungs.any(axis=(1, 2))))

    def answer(network, prepared, unit, lungs, pixel_mm, least_score):
        mask = truth[next(remaining)]
        masks = mask[None] if mask.any() else np.zeros((0, *mask.shape), bool)
        classes = np.array([0.1, 0.2, 0.9 if mask.any() else 0.0], np.float32)
        scores = np.full(len(masks), 0.8, np.float32)
        return SliceInstances(scores, masks, classes, AFFINITIES, False)

    monkeypatch.setattr(detect, "detect_slice", answer)
    parameters = Parameters(
        model="affinity-8", allow_untrained=True, device="cpu", smallest_lesion_ml=0.0
    )
    found = detect.find_lesions(volume, parameters)
    assert np.array_equal(volume.order.to_axial(found.labels) > 0, truth)
    assert {lesion.score for lesion in found.lesions} == {0.8}
    infected = {slice_.index for slice_ in found.slices if slice_.name == "COVID-19"}
    assert infected == set(np.flatnonzero(truth.any(axis=(1, 2))))
    assert found.rule == detect.DETECTOR_RULE
    assert is_untrained(found.flags)
    assert found.provenance["models"].keys() == {"affinity-8"}


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ({}, "it was never measured for 'normal'"),
        ({"normal": 0.9, "common pneumonia": 0.9}, "it was never measured for 'COVID-19'"),
        (
            {"normal": 0.9, "common pneumonia": 0.55, "COVID-19": 0.95},
            "it told 55 % of the held-out slices of 'common pneumonia'",
        ),
        (
            {"normal": 0.7, "COVID-19": 0.43},
            "it told 43 % of the held-out slices of 'COVID-19', and it was never measured for "
            "'common pneumonia' on held-out slices.",
        ),
        ({"normal": 0.9, "common pneumonia": 0.8, "COVID-19": 0.95}, None),
    ],
)
def test_a_detector_that_tells_the_class_of_too_few_slices_says_so(scores, why):
    card = load_catalogue().get("affinity-8").card
    known = tuple(Score(f"sensitivity, {name}", v, "p2", "protocol") for name, v in scores.items())
    flags = detect.class_flags(replace(card, scores=known))
    assert [flag.code for flag in flags] == ([] if why is None else ["slice-classes-weak"])
    assert all(why in flag.message for flag in flags)


def _lungs_of(volume):
    from COVIDLesionSegLib.engine.lungs import get_extractor

    return get_extractor().extract(volume.axial, volume.axial_spacing).labels


@pytest.mark.slow
def test_a_detector_neither_votes_nor_goes_on_when_cancelled(chest):
    with pytest.raises(ModelError, match="it cannot vote"):
        detect.detector_of(Parameters(model="affinity-8+amc-net"))
    assert detect.detector_of(Parameters(model="amc-net")) is None
    token = CancelToken()
    token.cancel()
    parameters = Parameters(model="affinity-8", allow_untrained=True, device="cpu")
    with pytest.raises(Cancelled):
        detect.find_lesions(chest.volume, parameters, cancel=token)
