"""A model that a training makes: what its card is told, and what must hold before the training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..data.splits import learned_patients
from ..errors import InputError, ParameterError
from ..models.card import ModelCard, is_model_id
from ..models.catalogue import Catalogue, Model


@dataclass(frozen=True)
class NewModel:
    """What a new model's card says beside recipe, data and scores.

    Attributes:
        id: Becomes the name of two files.
        title: Its name for people.
        paper: Source of its network.
        licence: SPDX identifier of the weights, given by the data's licence.
        licence_note: What it means for the user, one sentence.
        command: The command that trains these weights.
        date: When they were trained, as YYYY-MM-DD; empty where a card is to be the same whenever
            it is written.
        parent: Card of the model whose weights the training starts with; None for random ones.
        notes: More notes; what is known of scores, storage and pseudo-labels the card says itself.
    """

    id: str
    title: str
    paper: str
    licence: str
    licence_note: str
    command: str
    date: str = ""
    parent: ModelCard | None = None
    notes: tuple[str, ...] = ()


def check_new_id(model_id: str, parent: Model, catalogue: Catalogue) -> None:
    """Make sure, before training, that a new model can be called ``model_id``.

    Args:
        model_id: Becomes the name of two files.
        parent: The model whose network is trained. A model that has weights may be trained anew
            under its own id.
        catalogue: All models.

    Raises:
        ParameterError: It is no file name, or another model's id.
    """
    # The model of a fold has its number behind the id.
    if not is_model_id(f"{model_id}-1000"):
        raise ParameterError(
            f"The new model cannot be called {model_id[:80]!r}: use at most 59 letters, digits, "
            "dots, hyphens and underscores, and begin with a letter or digit."
        )
    anew = model_id == parent.id and parent.card.weights is not None
    if not anew and any(model.id == model_id for model in catalogue.models):
        raise ParameterError(f"There is a model called {model_id} already: choose another id.")


def check_held_out(parent: ModelCard, patients: Collection[str]) -> None:
    """Make sure that a model was not trained on patients that are to evaluate what follows from it.

    Raises:
        InputError: It was; or its card does not record its training patients.
    """
    learned = parent.learned_from
    if learned is None:
        raise InputError(
            f"The card of model {parent.id} does not record which patients it learned from, so "
            "no patient is known to be held out from what is trained from it: start with random "
            "weights."
        )
    if shared := sorted(set(patients) & learned_patients(learned)):
        raise InputError(
            f"Model {parent.id} learned from {', '.join(shared)}, so they are not held out from "
            "what is trained from it: name other patients for validation."
        )
