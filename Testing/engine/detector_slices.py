"""Generated slices for detectors: bright blobs in lung, and networks small enough for tests."""

from __future__ import annotations

import numpy as np
import torch

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.detection.training import detector_recipe
from COVIDLesionSegLib.engine.models.card import ModelCard, Weights
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue, read_models
from COVIDLesionSegLib.engine.models.weights import save_weights
from COVIDLesionSegLib.engine.networks import build_network, count_parameters

CLASSES = ("clean", "infected")


def blobs(patient="p1", lesions=2, seed=0, shape=(96, 96)):
    """Lung with that many round lesions, each 300 HU above it, 9 to 15 pixels wide."""
    rng = np.random.default_rng(seed)
    image = rng.normal(-850, 20, shape).astype(np.float32)
    lesion = np.zeros(shape, bool)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for _ in range(lesions):
        row, column = rng.uniform(0.15, 0.85, 2) * shape
        lesion |= (rows - row) ** 2 + (columns - column) ** 2 < rng.uniform(4.5, 7.5) ** 2
    image[lesion] += 500
    return LabelledImage(f"{patient}_{seed}", patient, image, False, lesion, np.ones(shape, bool))


def some(patient="p1", number=4, seed=0):
    """Slices of one patient, every other one with lesions."""
    return [blobs(patient, 2 * (n % 2), seed + n) for n in range(number)]


def tiny_detector(slices, input_size=64, classes=CLASSES, **values):
    """A recipe of ``affinity-8`` for small slices."""
    card = load_catalogue().get("affinity-8").card
    values = {"steps": 2, "learning_rate": 1e-3} | values
    return detector_recipe(card, slices, classes, input_size=input_size, **values)


def save_detector(folder, recipe, seed=0, dtype=torch.float16, **card):
    """The model ``mine`` of the recipe's network with random weights, as files in ``folder``."""
    torch.manual_seed(seed)
    network = build_network(recipe.network, recipe.network_arguments)
    sha256 = save_weights(network, folder / "mine.safetensors", dtype)
    facts = ModelCard(
        id="mine",
        title="Mine",
        paper="-",
        network=recipe.network,
        arguments=recipe.network_arguments,
        parameters=count_parameters(network),
        classes=recipe.classes,
        preprocessing=recipe.preprocessing,
        task="instances",
        weights=Weights("mine.safetensors", sha256, "CC0-1.0", "A test."),
        **card,
    )
    write_card(facts, folder)
    return read_models(folder / "mine.json")[0]
