"""The recipes of the papers, as data: one JSON file each.

``networks`` maps each network that a recipe trains to constructor arguments that hold for training
alone; together with ``task`` it decides which recipe a model's card gets. ``values`` are the fields
of :class:`~..recipe.Recipe`; a recipe without a ``preprocessing`` of its own takes the card's.
``notes`` tell where a paper is silent.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...models.card import ModelCard
from ...models.preprocessing import Preprocessing
from ..augmentation import Augmentation
from ..recipe import Recipe

FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str) -> dict[str, Any]:
    """The content of one recipe's file: paper, task, networks, values, notes."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def make_recipe(card: ModelCard, steps: int | None = None) -> Recipe:
    """The recipe that trains the network of ``card``, for ``steps`` steps where given.

    Raises:
        ModelError: No recipe trains this network for this task.
    """
    for name in recipe_names():
        content = read_recipe(name)
        if content["task"] == card.task and card.network in content["networks"]:
            break
    else:
        raise ModelError(
            f"No recipe trains the network {card.network} of model {card.id} to find {card.task}: "
            "choose another network."
        )
    values = content["values"] | {
        "network": card.network,
        "network_arguments": content["networks"][card.network] | card.arguments,
        "task": card.task,
        "classes": card.classes,
        "channels": card.channels,
        "preprocessing": (
            Preprocessing.from_dict(content["values"]["preprocessing"])
            if "preprocessing" in content["values"]
            else card.preprocessing
        ),
        "augmentation": Augmentation.from_dict(content["values"]["augmentation"]),
    }
    recipe = Recipe(**values)
    return recipe if steps is None else replace(recipe, steps=steps, epochs=None)
