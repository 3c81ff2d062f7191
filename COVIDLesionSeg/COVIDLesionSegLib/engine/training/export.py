"""From a trained network to a model of the catalogue: card, weights, and honest scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ..evaluation.card_scores import card_scores
from ..evaluation.scores import protocol_of
from ..models.card import ModelCard, Score, Weights
from ..models.card_file import write_card
from ..models.catalogue import Model
from ..models.preprocessing import Preprocessing
from ..models.weights import load_network, save_weights
from ..networks import count_parameters
from ..parameters import Parameters
from .data import TrainingData
from .evaluation import score_patients
from .patches import PATCH
from .trainer import Recipe

_BFLOAT16_TOLERANCE = 0.002
_PIXEL_MM = (0.5, 1.0)  # of the CTs that slices usually come from, and what zoom makes of them


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
) -> ModelCard:
    """Write ``<model_id>.safetensors`` in half precision and ``<model_id>.json`` into ``folder``.

    The scores on the card are those of the written file, read back. They are measured in float32,
    and again in bfloat16, which the card allows where no patient's Dice moves by more than 0.002.

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
        classes=("lesion",),
        preprocessing=Preprocessing(
            recipe.window_hu, patch_size=(PATCH, PATCH), pixel_mm=_PIXEL_MM
        ),
        weights=Weights(file, sha256, provenance.licence, provenance.licence_note),
        training={
            "data": data.describe(),
            "recipe": recipe.to_dict(),
            "command": provenance.command,
        },
    )
    written = load_network(Model(card, folder))
    scores: list[Score] = []
    moved = 0.0
    for slices in (data.validation, data.outside):
        patients = score_patients(written, card, slices)
        in_bfloat16 = score_patients(written, card, slices, "bfloat16")
        for patient, one in patients.items():
            scores += card_scores(patient, one, protocol_of(Parameters()))
            dice, other = one.values["dice"], in_bfloat16[patient].values["dice"]
            moved = max(moved, abs((dice or 0.0) - (other or 0.0)))
    card = replace(
        card,
        scores=tuple(scores),
        bfloat16=moved <= _BFLOAT16_TOLERANCE,
        notes=(f"Under bfloat16 no patient's Dice moves by more than {moved:.4f}.",),
    )
    write_card(card, folder)
    return card
