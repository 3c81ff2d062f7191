"""The capsule classifier: layers by hand, training, and slices that are not segmented."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ParameterError
from COVIDLesionSegLib.engine.evaluation.slice_classes import evaluate_slice_classes
from COVIDLesionSegLib.engine.losses import build_loss
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue, read_models
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.capsule import CapsuleLayer, squash
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.training.recipe_settings import choose_recipe
from COVIDLesionSegLib.engine.training.slice_classes import (
    CLASSIFICATION,
    ClassifiedDataset,
    check_classified,
)
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.detector_slices import CLASSES, blobs, some

TINY = (
    ("network_arguments.features", [4, 8]),
    ("network_arguments.capsules", 4),
    ("network_arguments.capsule_size", 4),
    ("preprocessing.input_size", [32, 32]),
    ("batch_size", 4),
    ("augmentation", None),
)


def tiny(**values):
    card = load_catalogue().get("capsule-classifier").card
    return choose_recipe(card, settings=[*TINY, *values.items()])


def test_the_networks_parts_have_the_sizes_of_covid_fact_and_five_convolutions():
    card = load_catalogue().get("capsule-classifier").card
    network = build_network(card.network, card.arguments)
    kernels = [one[0].weight for one in network.convolutions]
    assert [tuple(kernel.shape[:2]) for kernel in kernels] == [
        *((64, 1), (64, 64), (64, 64), (128, 64), (128, 128))
    ]
    assert [tuple(one.weight.shape) for one in network.capsules] == [
        *((128, 32 * 16), (16, 32 * 16), (16, 2 * 16))
    ]
    convolutions = sum(9 * a * b + b for b, a in ((k.shape[0], k.shape[1]) for k in kernels))
    assert count_parameters(network) == convolutions + 2 * 448 + 128 * 512 + 16 * 512 + 16 * 32
    assert card.outputs == CLASSES and card.weights is None


def test_squash_keeps_the_direction_and_bounds_the_length():
    found = squash(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[3.0, 4.0], [0.0, 0.0]]) / 5 * 25 / 26)


def test_routing_follows_procedure_1_of_sabour_by_hand():
    layer = CapsuleLayer(2, 2, 1, routings=2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1.0], [2.0, 0.5]]))
    below = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    votes = np.array([[1.0, -1.0], [2.0, 0.5]])  # from each capsule below to each above

    def length(value):
        return value * abs(value) / (1 + value**2)

    first = length(0.5 * votes.sum(axis=0))
    agreement = np.exp(votes * first)
    shares = agreement / agreement.sum(axis=1, keepdims=True)
    expected = length((shares * votes).sum(axis=0))
    np.testing.assert_allclose(layer(below)[0, :, 0].detach(), expected, rtol=1e-5)


def test_the_margin_loss_by_hand():
    lengths = torch.tensor([[0.95, 0.3], [0.6, 0.05]])
    # Slice 1 is of class 0: only its other capsule is 0.2 too long. Slice 2 is of class 1.
    expected = (0.5 * 0.2**2 + (0.85**2 + 0.5 * 0.5**2)) / 2
    assert build_loss("MarginLoss", {})(lengths, torch.tensor([0, 1])).item() == pytest.approx(
        expected
    )
    assert build_loss("MarginLoss", {"down": 0})(lengths, torch.tensor([0, 0])) > 0


def test_lengths_are_probabilities_at_any_even_size_and_learn_from_the_start():
    recipe = tiny()
    torch.manual_seed(0)
    network = build_network(recipe.network, recipe.network_arguments)
    for size in ((32, 32), (48, 64)):
        found = network(torch.rand(3, 1, *size))
        assert found.shape == (3, 2) and ((found > 0.01) & (found < 1)).all()
    build_loss("MarginLoss", {})(found, torch.tensor([0, 1, 1])).backward()
    assert all(one.grad.abs().max() > 1e-4 for one in network.capsules.parameters())


def test_an_epoch_holds_both_classes_as_often_and_images_hold_the_lungs_only():
    slices = [*some(number=4), *(blobs("p2", 3, 20 + n) for n in range(6))]
    lungs = np.zeros_like(slices[0].lungs)
    lungs[20:60, 10:80] = True
    slices = [replace(item, lungs=lungs) for item in slices]
    dataset = ClassifiedDataset(slices, tiny())
    samples = [dataset[(0, place)] for place in range(len(dataset))]
    numbers = [int(number) for _, number in samples]
    assert len(numbers) == len(slices) and numbers.count(0) == numbers.count(1)
    image = samples[0][0]
    assert image.shape == (1, 32, 32) and image.min() == 0 and image.max() > 0.5
    assert (image[0, :, 0] == 0).all()  # the margin around the lungs is air


@pytest.mark.slow
def test_it_learns_to_tell_slices_and_a_stopped_training_goes_on_the_same(tmp_path):
    slices, held_out = some(number=12), some("p2", 6, 50)
    recipe = tiny(steps=40, learning_rate=0.003, validation_steps=20, checkpoint_steps=10)
    options = {"validation": held_out, "method": CLASSIFICATION}
    network = fit(recipe, slices, tmp_path / "whole", **options)
    token = CancelToken()

    def cancel(progress):
        if progress.message.startswith("step 15 "):
            token.cancel()

    with pytest.raises(Cancelled):
        fit(recipe, slices, tmp_path / "parts", token, progress=cancel, **options)
    resumed = fit(recipe, slices, tmp_path / "parts", resume=True, **options).state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in network.state_dict().items())
    card = replace(
        load_catalogue().get("capsule-classifier").card, preprocessing=recipe.preprocessing
    )
    found = evaluate_slice_classes(network, card, held_out)
    assert found.patients["p2"].values == {
        "sensitivity": 1.0,
        "specificity": 1.0,
        "missed_lesion": 0.0,
    }
    assert [score.metric for score in found.scores] == [
        *("slice sensitivity", "slice specificity", "share of lesion missed")
    ]


@pytest.mark.parametrize(
    ("slices", "role", "message"),
    [
        ([], "training", "There are no training slices"),
        ([blobs(lesions=1)], "training", "No training slice is of the class clean"),
        ([*some(), replace(blobs(), windowed=True)], "training", "learns from slices in HU"),
        ([replace(blobs(), lungs=None)], "training", "have no mask of the lungs"),
        ([replace(blobs(), pseudo=True)], "validation", "has pseudo-labels, which nobody checked"),
    ],
)
def test_slices_that_it_cannot_learn_from_are_refused(slices, role, message):
    with pytest.raises(InputError, match=message):
        check_classified(slices, tiny(), role)


def options(place, **values):
    settings = tuple(f"{name}={json.dumps(value)}" for name, value in TINY)
    return jobs.TrainOptions(
        **{
            "model_id": "mine",
            "licence": "CC0-1.0",
            "licence_note": "A test.",
            "slices": (place,),
            "validate": ("p2",),
            "network": "capsule-classifier",
            "settings": settings,
            "steps": 2,
        }
        | values
    )


@pytest.mark.slow
def test_the_job_train_writes_card_and_weights_with_scores_of_the_held_out_patient(tmp_path):
    write_slice_folder([*some(number=4), *some("p2", 4, 50)], tmp_path / "slices")
    trained = jobs.train(options(tmp_path / "slices"), tmp_path / "new")
    (model,) = read_models(tmp_path / "new" / "mine.json")
    card = model.card
    assert card.id == trained.card.id and card.task == "slice-classes" and card.outputs == CLASSES
    assert tuple(card.arguments["features"]) == (4, 8)
    assert card.training["recipe"]["steps"] == 2
    assert load_network(model)(torch.zeros(1, 1, 32, 32)).shape == (1, 2)
    scores = {score.metric: score for score in card.scores}
    assert {"slice sensitivity", "slice specificity"} < set(scores)
    assert all("p2, 4 slices" in score.data for score in card.scores)
    for refused in ({"calibrate": True}, {"eight_bit": True}, {"folds": "lopo", "validate": ()}):
        with pytest.raises(ParameterError, match="tells the classes of slices, for which there"):
            jobs.train(options(tmp_path / "slices", **refused), tmp_path / "other")
