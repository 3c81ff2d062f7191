"""From a trained network to a model of the catalogue: card, weights, and honest scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ..errors import ParameterError
from ..evaluation.card_scores import card_scores
from ..evaluation.scores import PatientScores, protocol_of
from ..models.card import ModelCard, Weights, is_model_id, write_card
from ..models.catalogue import Catalogue, Model
from ..models.weights import load_network, save_weights
from ..networks import count_parameters
from ..parameters import Parameters
from .data import TrainingData
from .evaluation import score_patients
from .fine_tuning import descent
from .labels import to_be_judged
from .recipe import Recipe
from .run_folder import fingerprint

_BFLOAT16_TOLERANCE = 0.002


_DECIDED = (
    "The validation patients decided which weights were kept or when training ended, so their "
    "scores flatter."
)
_NOBODY = "Nobody judged these weights: they learned from all patients there were."
_PSEUDO = (
    "These weights learned from pseudo-labels: the lesions of {patients} were computed, and no "
    "expert checked them."
)


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Attributes:
        card: Its card.
        patients: What it scored, by patient: those of validation, then those from outside.
    """

    card: ModelCard
    patients: dict[str, PatientScores]


@dataclass(frozen=True)
class Provenance:
    """What the user says about the weights.

    Attributes:
        licence: SPDX identifier, given by the data's licence.
        licence_note: What it means for the user, one sentence.
        command: The command that trains these weights.
    """

    licence: str
    licence_note: str
    command: str


def check_new_id(model_id: str, parent: Model, catalogue: Catalogue) -> None:
    """Make sure, before training, that a new model can be called ``model_id``.

    Args:
        model_id: Becomes the name of two files.
        parent: The model whose network is trained. A model that has weights may be trained anew
            under its own id.
        catalogue: Of all models there are.

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


def export_model(
    network: nn.Module,
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    *,
    model_id: str,
    title: str,
    paper: str,
    provenance: Provenance,
    decided: bool = False,
    parent: ModelCard | None = None,
    notes: Sequence[str] = (),
) -> Exported:
    """Write ``<model_id>.safetensors`` in half precision and ``<model_id>.json`` into ``folder``.

    The scores on the card are those of the written file, read back. They are measured in float32,
    and again in bfloat16, which the card allows where no patient's Dice moves by more than 0.002;
    where nobody judges, there are none.
    ``decided`` tells that the validation patients decided about these weights; ``parent`` is the
    card of the model whose weights the training began with. The card says by itself where labels
    were pseudo-labels; ``notes`` are more for it to say.

    Raises:
        OutputError: The folder cannot be written to.
    """
    file = f"{model_id}.safetensors"
    sha256 = save_weights(network, folder / file, torch.float16)
    card = ModelCard(
        id=model_id,
        title=title,
        paper=paper,
        network=recipe.network,
        # Dropout is for training alone, and a card describes the network that runs.
        arguments={k: v for k, v in recipe.network_arguments.items() if k != "dropout"},
        parameters=count_parameters(network),
        task=recipe.task,
        classes=recipe.classes,
        channels=recipe.channels,
        preprocessing=recipe.preprocessing,
        weights=Weights(file, sha256, provenance.licence, provenance.licence_note),
        training={
            **descent(parent, data.describe()),
            "data_fingerprint": fingerprint(data.training),
            "recipe": recipe.to_dict(),
            "command": provenance.command,
        },
    )
    pseudo = card.training["data"].get("pseudo_labels")
    written = load_network(Model(card, folder))
    measured: dict[str, PatientScores] = {}
    moved = 0.0
    for slices in (data.validation, data.outside):
        slices = [to_be_judged(item, recipe) for item in slices]
        patients = score_patients(written, card, slices)
        in_bfloat16 = score_patients(written, card, slices, "bfloat16")
        for patient, one in patients.items():
            dice, other = one.values["dice"], in_bfloat16[patient].values["dice"]
            moved = max(moved, abs((dice or 0.0) - (other or 0.0)))
        measured |= patients
    protocol = protocol_of(Parameters())
    card = replace(
        card,
        scores=tuple(
            score for name, one in measured.items() for score in card_scores(name, one, protocol)
        ),
        bfloat16=bool(measured) and moved <= _BFLOAT16_TOLERANCE,
        notes=(
            f"Under bfloat16 no patient's Dice moves by more than {moved:.4f}."
            if measured
            else _NOBODY,
            *((_DECIDED,) if decided else ()),
            *((_PSEUDO.format(patients=", ".join(pseudo)),) if pseudo else ()),
            *notes,
        ),
    )
    write_card(card, folder)
    return Exported(card, measured)
