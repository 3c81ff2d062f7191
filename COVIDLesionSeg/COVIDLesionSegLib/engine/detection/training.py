"""Training of a detector: what its slices need, its recipe, and the start from another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ..data.labelled import LabelledImage
from ..errors import InputError, ModelError, ParameterError
from ..models.card import ModelCard
from ..models.catalogue import Model
from ..models.weights import load_network
from ..networks import build_network
from ..training.recipe import Recipe
from ..training.recipes import make_recipe
from ..training.slice_classes import check_classified, slice_classes
from ..training.trainer import Method
from .dataset import DetectionDataset, DetectionValidation, grey_statistics
from .module import DetectionModule

FIXED_STATISTICS = "fixed_statistics"
"""The network's argument that changes its training alone."""
_LAST_LAYER = "classifier.4."


def check_detector_slices(slices: Sequence[LabelledImage], recipe: Recipe, role: str) -> None:
    """Make sure that slices have what a detector needs.

    Raises:
        InputError: None shows a lesion; or as :func:`~..training.slice_classes.check_classified`.
    """
    if slices and not any(item.has_lesion for item in slices):
        raise InputError(f"No {role} slice shows a lesion: add slices with lesions.")
    check_classified(slices, recipe, role)


DETECTION = Method(
    check=check_detector_slices,
    dataset=DetectionDataset,
    validation=DetectionValidation,
    module=DetectionModule,
)


def detector_recipe(
    card: ModelCard,
    slices: list[LabelledImage],
    classes: Sequence[str],
    *,
    fine_tune: bool = False,
    arguments: dict[str, Any] | None = None,
    input_size: int | None = None,
    **changed: Any,
) -> Recipe:
    """The recipe of a detector's card for these slices.

    Args:
        card: Card of a detector.
        slices: Training slices, whose global mean and standard deviation the network gets; when
            fine-tuning it keeps those it has.
        classes: Names of the classes of slices, the one without lesions first.
        fine_tune: Start from the card's weights.
        arguments: Further arguments of the network.
        input_size: Rows and columns of the network's input, when not fine-tuning.
        changed: Values of the recipe that differ; those of None do not.

    Raises:
        ModelError: The card is not of a detector.
        ParameterError: Something of the network would change though its weights are kept.
    """
    if not card.finds_instances:
        raise ModelError(f"Model {card.id} does not find lesions one by one: choose a detector.")
    if fine_tune and (set(arguments or ()) - {FIXED_STATISTICS} or input_size):
        raise ParameterError(
            "Fine-tuning keeps the network and its input size as they are: name neither."
        )
    recipe = make_recipe(card, fine_tune=fine_tune)
    changed = {name: value for name, value in changed.items() if value is not None}
    if "steps" in changed:
        changed["epochs"] = None
    own = {**recipe.network_arguments, **(arguments or {}), "slice_classes": tuple(classes)}
    prepared = recipe.preprocessing
    if input_size:
        prepared = replace(prepared, input_size=(input_size, input_size))
    recipe = replace(recipe, network_arguments=own, preprocessing=prepared, **changed)
    if not fine_tune:
        mean, std = grey_statistics(slices, recipe)
        recipe = replace(recipe, network_arguments={**own, "mean": mean, "std": std})
    return recipe


def start_from(parent: Model, recipe: Recipe) -> nn.Module:
    """The recipe's network with the weights of ``parent``.

    With another number of classes of slices its last layer is new, as in the paper's section 4.5.
    """
    weights = load_network(parent).state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = build_network(recipe.network, recipe.network_arguments)
    if tuple(parent.card.arguments["slice_classes"]) != slice_classes(recipe):
        own = network.state_dict()
        weights = {n: own[n] if n.startswith(_LAST_LAYER) else v for n, v in weights.items()}
    network.load_state_dict(weights)
    return network
