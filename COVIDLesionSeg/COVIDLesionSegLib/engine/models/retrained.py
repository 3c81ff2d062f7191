"""What a retraining gave, as the folder of its model holds it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .card import is_model_id
from .promotion import ParentScores, PromotionDecision

TRAINING_FOLDER, MODEL_FOLDER = "training", "model"
"""Within the folder of a retraining: what a training leaves, and what it gives."""
COMPARISON_CSV, COMPARISON_HTML = "comparison.csv", "comparison.html"
"""Beside the model."""
CURVE_CSV = "metrics.csv"
"""In the folder of the training: its learning curve."""
RETRAINING_JSON = "comparison.json"
FORMAT = "covid-lesion-seg-retraining"
VERSION = 1


@dataclass(frozen=True)
class Learned:
    """What a retrained model learned from, and what it was evaluated on.

    Attributes:
        accepted, corrected: Number of reviewed cases it learned from.
        predictions: Number of slices with confident predictions of the parent.
        held_out: Number of corrected cases it was evaluated on.
        left_out: Number of accepted cases of held-out patients, which were not used.
        steps: Optimiser steps.
        seed: Of everything random, and of the choice of held-out patients.
    """

    accepted: int
    corrected: int
    predictions: int
    held_out: int
    left_out: int
    steps: int
    seed: int


@dataclass(frozen=True)
class DifferencePicture:
    """A slice in which the two models differ.

    Attributes:
        file: Name of the PNG file in the model's folder.
        patient: Short identifier of the held-out patient.
        slice_index: Axial index, 0 at the inferior end.
        pixels: Number of pixels that only one of the models calls lesion.
    """

    file: str
    patient: str
    slice_index: int
    pixels: int


@dataclass(frozen=True)
class Retrained:
    """What a retraining gave.

    Attributes:
        model: Id of the new model.
        parent: Id of the model that was fine-tuned.
        learned: What it learned from.
        comparison: Of both on held-out patients; None where there were none.
        promotion: Whether the new model may become the default.
        protocol: How the comparison was measured; empty without one.
        pictures: Where the models differ, patient by patient.
    """

    model: str
    parent: str
    learned: Learned
    comparison: ParentScores | None
    promotion: PromotionDecision
    protocol: str = ""
    pictures: tuple[DifferencePicture, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "model": self.model,
            "parent": self.parent,
            "learned": asdict(self.learned),
            "protocol": self.protocol,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "promotion": asdict(self.promotion),
            "pictures": [asdict(picture) for picture in self.pictures],
        }


def load_retrained(folder: Path) -> Retrained:
    """Read what the job ``retrain`` wrote beside a model.

    Raises:
        InputError: The folder holds no complete retrained model.
    """
    try:
        values = json.loads((folder / RETRAINING_JSON).read_text(encoding="utf-8"))
        if values["format"] != FORMAT or not is_model_id(values["model"]):
            raise ValueError("not a retrained model")
        found = values["comparison"]
        return Retrained(
            values["model"],
            str(values["parent"]),
            Learned(**values["learned"]),
            None if found is None else ParentScores.from_dict(found),
            PromotionDecision(**values["promotion"]),
            str(values["protocol"]),
            tuple(DifferencePicture(**value) for value in values["pictures"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The folder {folder.name} holds no complete retrained model: train it again."
        ) from error
