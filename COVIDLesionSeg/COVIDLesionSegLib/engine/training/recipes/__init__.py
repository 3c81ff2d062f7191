"""The recipes of the papers, as data: one JSON file each.

``networks`` maps each network that a recipe trains to constructor arguments that hold for training
alone; together with ``task``, and with whether the model is trained on patches, it selects the
recipe of a model's card. ``several_channels`` tells recipes of one network apart whose losses take
one channel, or several. A recipe with ``by_name`` is used only where it is asked for by its name.
``values`` are the fields of :class:`~..recipe.Recipe`; a recipe without a ``preprocessing`` of its
own takes the card's, and members' dropout is left out of networks that have none. ``fine_tune``
are those that differ, beside :data:`FINE_TUNE`, where training starts from a model's weights; it
keeps the card's ``preprocessing``. Random windows that do not lie around the card's are left out.
``notes`` tell where a paper is silent.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ModelError, ParameterError
from ...models.card import ModelCard
from ...models.preprocessing import Preprocessing
from ...networks import has_dropout
from ..augmentation import Augmentation
from ..members import Members
from ..recipe import Recipe

FOLDER = Path(__file__).parent

FINE_TUNE: dict[str, Any] = {
    "steps": 250,
    "epochs": None,
    "schedule": "cosine",
    "schedule_steps": None,
    "average_decay": 0.99,
    "average_warm_up": False,
    "early_stop": None,
    "plateau": None,
    "keep": "last",
    "start": "random",
}
"""Where training starts from a model's weights; none of it is a paper's.

Weights, and the statistics of batch normalisation with them, are averaged, and without warm-up, so
that a training of a few steps stays near its start. Nothing is selected on validation, so that its
patients may be used to evaluate the model before and after.
"""


def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str) -> dict[str, Any]:
    """The content of one recipe's file: paper, task, networks, values, notes."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def make_recipe(
    card: ModelCard, steps: int | None = None, fine_tune: bool = False, name: str | None = None
) -> Recipe:
    """The recipe that trains the network of ``card``.

    Args:
        card: Of the model whose network is trained.
        steps: Optimiser steps; the recipe's own length where None.
        fine_tune: Start from the model's weights.
        name: Of the recipe, where the network has several; None for its own.

    Raises:
        ModelError: No recipe trains this network for this task.
        ParameterError: The recipe ``name`` does not.
    """
    content = _recipe_for(card) if name is None else _recipe_named(name, card)
    values = content["values"]
    dropout = {} if has_dropout(card.network) else {"dropout": None}
    preprocessing = card.preprocessing
    if "preprocessing" in values and not fine_tune:
        preprocessing = Preprocessing.from_dict(values["preprocessing"])
    augmentation = Augmentation.from_dict(values["augmentation"])
    if not augmentation.fits_window(preprocessing.window_hu):  # of a model of another window
        augmentation = replace(augmentation, window_low_hu=None, window_high_hu=None)
    values = values | {
        "network": card.network,
        "network_arguments": content["networks"][card.network] | card.arguments,
        "task": card.task,
        "classes": card.classes,
        "channels": card.channels,
        "preprocessing": preprocessing,
        "augmentation": augmentation,
        "members": Members(**_pairs(values.get("members", {}) | dropout)),
    }
    if fine_tune:
        values |= FINE_TUNE | content["fine_tune"]
    recipe = Recipe(**values)
    return recipe if steps is None else replace(recipe, steps=steps, epochs=None)


def _recipe_for(card: ModelCard) -> dict[str, Any]:
    for name in recipe_names():
        content = read_recipe(name)
        if _trains(content, card) and not content.get("by_name"):
            return content
    raise ModelError(
        f"No recipe trains the network {card.network} of model {card.id} to find {card.task}: "
        "choose another network."
    )


def _recipe_named(name: str, card: ModelCard) -> dict[str, Any]:
    content = read_recipe(name)
    if _trains(content, card):
        return content
    fitting = [other for other in recipe_names() if _trains(read_recipe(other), card)]
    raise ParameterError(
        f"The recipe {name} does not train the network {card.network} of model {card.id}; "
        f"these do: {', '.join(fitting) or 'none'}.",
        option="recipe",
    )


def _pairs(values: dict[str, Any]) -> dict[str, Any]:
    """Values of JSON with tuples for lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _trains(content: dict[str, Any], card: ModelCard) -> bool:
    from_patches = content["values"]["sampling"] == "patches"
    several = len(card.channels) > 1
    return (
        content["task"] == card.task
        and card.network in content["networks"]
        and from_patches == (card.preprocessing.patch_size is not None)
        and content.get("several_channels", several) == several
    )
