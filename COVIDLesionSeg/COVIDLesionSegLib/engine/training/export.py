"""From a trained network to a model of the catalogue: card, weights, and honest scores."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ..files import write_bytes
from ..models.card import ModelCard, Score, Weights
from ..models.catalogue import Model
from ..models.preprocessing import Preprocessing
from ..models.weights import load_network, save_weights
from ..networks import count_parameters
from .data import TrainingData
from .evaluation import PatientScore, score_patients
from .trainer import Recipe

_BFLOAT16_TOLERANCE = 0.002
_VALIDATION = (
    "patient never learned from; pixels of all slices pooled, whole slices, p > 0.5, no lung mask"
)
_OUTSIDE = (
    "outside patient, image windowed by its publisher; pixels of all slices pooled, whole slices, "
    "p > 0.5, no lung mask"
)


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
        preprocessing=Preprocessing(recipe.window_hu),
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
    for slices, protocol in ((data.validation, _VALIDATION), (data.outside, _OUTSIDE)):
        patients = score_patients(written, card.preprocessing, slices)
        with torch.autocast("cpu", torch.bfloat16):
            in_bfloat16 = score_patients(written, card.preprocessing, slices)
        for patient, other in zip(patients, in_bfloat16, strict=True):
            scores += _card_scores(patient, protocol)
            moved = max(moved, abs(patient.dice - other.dice))
    card = replace(
        card,
        scores=tuple(scores),
        bfloat16=moved <= _BFLOAT16_TOLERANCE,
        notes=(f"Under bfloat16 no patient's Dice moves by more than {moved:.4f}.",),
    )
    write_card(card, folder)
    return card


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``<id>.json``; raises OutputError when it cannot be written."""
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode(), folder / f"{card.id}.json")


def _card_scores(score: PatientScore, protocol: str) -> list[Score]:
    values = {
        "Dice": score.dice,
        "precision": score.precision,
        "sensitivity": score.sensitivity,
    }
    data = f"{score.patient}, {score.slices} slices"
    return [
        Score(metric, round(value, 4), data, protocol)
        for metric, value in values.items()
        if value is not None
    ]
