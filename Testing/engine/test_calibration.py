"""Probabilities that hold: a temperature fitted on held-out pixels, and its reliability diagram."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from COVIDLesionSegLib.engine.data.training_data import TrainingData
from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.evaluation.calibration import (
    calibrate,
    calibration_error,
    fit,
    reliability,
)
from COVIDLesionSegLib.engine.evaluation.card_scores import score_patients
from COVIDLesionSegLib.engine.inference.predictor import Predictor
from COVIDLesionSegLib.engine.metrics.overlap import ProbabilityHistogram
from COVIDLesionSegLib.engine.models.calibration import Calibration, ReliabilityBin
from COVIDLesionSegLib.engine.models.card_json import card_from_json
from COVIDLesionSegLib.engine.models.catalogue import Model
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.parameters import Parameters
from engine.crafted import Pixelwise, make_card
from engine.training_slices import TinyNetwork, export_tiny, labelled, tiny_recipe

FITTED = Calibration(2.0, 0.5, 0.1, 0.01, (ReliabilityBin(0.05, 0.04, 100),), "p2, 4 slices")


def overconfident(temperature, bias=0.0, pixels=400_000):
    """Pixels whose truth follows the logits divided by ``temperature`` and moved by ``bias``."""
    rng = np.random.default_rng(5)
    logits = rng.normal(-1.0, 2.0, pixels)
    truth = rng.random(pixels) < expit(logits / temperature + bias)
    histogram = ProbabilityHistogram()
    histogram.add(expit(logits).astype(np.float32), truth)
    return histogram


@pytest.mark.parametrize(("temperature", "bias"), [(0.5, 0.0), (1.0, 0.7), (1.7, -1.0), (3.0, 0.0)])
def test_temperature_and_bias_that_the_truth_was_drawn_with_are_found(temperature, bias):
    found = fit(overconfident(temperature, bias))
    assert found == (pytest.approx(temperature, rel=0.03), pytest.approx(bias, abs=0.03))


def test_calibrated_probabilities_hold_and_the_others_did_not():
    found = calibrate(overconfident(3.0), "p2, 4 slices")
    assert found.error_before > 0.1 and found.error_after < 0.005
    assert found.data == "p2, 4 slices"
    for one in [one for one in found.bins if one.pixels > 1000]:
        assert one.frequency == pytest.approx(one.probability, abs=0.02)
    assert sum(one.pixels for one in found.bins) == 400_000


def test_the_error_is_the_mean_distance_from_the_diagonal():
    bins = (ReliabilityBin(0.2, 0.1, 300), ReliabilityBin(0.9, 1.0, 100))
    assert calibration_error(bins) == pytest.approx(0.1)
    assert calibration_error((ReliabilityBin(0.2, 0.1, 300), ReliabilityBin(0.5, 0.5, 100))) == (
        pytest.approx(0.075)
    )


def test_pixels_of_one_kind_calibrate_nothing():
    histogram = ProbabilityHistogram()
    histogram.add(np.float32([0.1, 0.9]), np.array([False, False]))
    assert fit(histogram) is None and calibrate(histogram, "p") is None
    assert len(reliability(histogram)) == 2


def test_a_predictor_divides_and_moves_logits_as_the_card_says():
    hu = np.linspace(-1000, 0, 32 * 32, dtype=np.float32).reshape(1, 32, 32)
    card = make_card(calibration=FITTED)
    parameters = Parameters(device="cpu", precision="float32")

    def predict(card):
        return Predictor.of_model(card, Pixelwise(), parameters, (0.75, 0.75))(hu)[0, 0]

    plain, calibrated = predict(replace(card, calibration=None)), predict(card)
    logits = torch.logit(torch.from_numpy(plain).double())
    np.testing.assert_allclose(calibrated, torch.sigmoid(logits / 2.0 + 0.5), atol=1e-5)
    assert np.count_nonzero(calibrated > 0.5) > np.count_nonzero(plain > 0.5)


def test_a_calibration_on_the_card_of_a_network_of_several_channels_is_refused():
    with pytest.raises(ModelError, match="networks of one channel"):
        make_card(channels=("background", "lesion"), calibration=FITTED)


def test_a_card_carries_it_through_json():
    card = make_card(calibration=FITTED)
    assert card_from_json(json.loads(json.dumps(asdict(card)))) == replace(
        card, channels=card.classes
    )
    assert card_from_json(json.loads(json.dumps(asdict(make_card())))).calibration is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0),
        ("temperature", "2"),
        ("bins", [{"probability": "a", "frequency": 0.1, "pixels": 3}]),
        ("bins", 3),
        ("data", None),
    ],
)
def test_a_strangers_card_with_a_damaged_calibration_is_refused(field, value):
    values = json.loads(json.dumps(asdict(make_card(calibration=FITTED))))
    values["calibration"][field] = value
    with pytest.raises(ModelError, match="calibration"):
        card_from_json(values)


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_scores_of_an_exported_model_are_those_that_its_card_gives_again(
    tiny_network, tmp_path, calibrated
):
    torch.manual_seed(1)
    network = TinyNetwork().eval()
    held_out = [labelled("p2", seed=seed) for seed in (3, 4)]
    data = TrainingData([labelled("p1")], held_out, [])
    card = export_tiny(network, data, "tiny", tiny_recipe(), tmp_path, calibrate=calibrated).card

    assert (card.calibration is not None) is calibrated
    written = load_network(Model(card, tmp_path))
    again = score_patients(written, card, held_out)["p2"].values["dice"]
    stated = {score.metric: score.value for score in card.scores}["Dice"]
    assert stated == pytest.approx(again, abs=1e-4)
    assert any("calibrated on the validation patients" in one for one in card.notes) is calibrated


def test_a_fold_is_scored_before_it_is_calibrated_on_the_patients_held_out(tiny_network, tmp_path):
    torch.manual_seed(1)
    network = TinyNetwork().eval()
    data = TrainingData([labelled("p1")], [labelled("p2", seed=seed) for seed in (3, 4)], [])
    plain, calibrated = (
        export_tiny(network, data, name, tiny_recipe(), tmp_path, calibrate=name == "calibrated")
        for name in ("plain", "calibrated")
    )
    assert calibrated.patients["p2"].values == plain.patients["p2"].values
    assert calibrated.card.scores != plain.card.scores


def test_a_model_that_goes_on_from_a_calibrated_one_keeps_its_calibration_without_its_diagram(
    tiny_network, tmp_path
):
    torch.manual_seed(1)
    network = TinyNetwork().eval()
    data = TrainingData([labelled("p1")], [labelled("p2", seed=3)], [])
    (tmp_path / "parent").mkdir()
    parent = export_tiny(
        network, data, "parent", tiny_recipe(), tmp_path / "parent", calibrate=True
    ).card
    child = export_tiny(network, data, "child", tiny_recipe(), tmp_path, parent=parent).card
    assert parent.calibration.bins
    assert child.calibration == replace(parent.calibration, bins=())
    assert child.scores == parent.scores  # of the same weights
