"""The card of a model: all that is known about it, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ModelError
from .preprocessing import Preprocessing


@dataclass(frozen=True)
class Weights:
    """Trained weights of a model.

    Attributes:
        file: Name of the safetensors file, beside the card.
        sha256: Of that file, lower-case hexadecimal.
        licence: SPDX identifier; not the code's licence.
        licence_note: What the licence means for the user, one sentence.
    """

    file: str
    sha256: str
    licence: str
    licence_note: str


@dataclass(frozen=True)
class Score:
    """One measured score, never without the data and protocol beside it.

    Attributes:
        metric: For example ``"Dice"``.
        value: The score.
        data: Whose slices: data set and patient.
        protocol: How it was measured.
    """

    metric: str
    value: float
    data: str
    protocol: str


@dataclass(frozen=True)
class ModelCard:
    """One entry of the catalogue.

    Attributes:
        id: What the user selects.
        title: Name for people.
        paper: Citation of the paper that describes the network.
        network: Name of the network for :func:`~..networks.build_network`.
        arguments: Its constructor arguments.
        parameters: Its number of trainable parameters.
        classes: Names of the lesion classes, background not counted.
        preprocessing: From CT to network input.
        bfloat16: Its scores were measured not to move under bfloat16.
        weights: Trained weights, or None: the network can be trained but not run.
        training: Data, recipe, seed and command the weights came from.
        scores: Measured scores of these weights.
        notes: What a user should know, one sentence each.
    """

    id: str
    title: str
    paper: str
    network: str
    arguments: dict[str, Any]
    parameters: int
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    bfloat16: bool = False
    weights: Weights | None = None
    training: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelCard:
        """Build a card from parsed JSON.

        Raises:
            ModelError: A field is missing, unknown or of the wrong form.
        """
        known = {f.name for f in fields(cls)}
        if unknown := set(values) - known:
            raise ModelError(f"The model card has unknown fields: {', '.join(sorted(unknown))}.")
        try:
            weights = values.get("weights")
            return cls(
                **{
                    **values,
                    "classes": tuple(values["classes"]),
                    "preprocessing": Preprocessing.from_dict(values["preprocessing"]),
                    "weights": Weights(**weights) if weights else None,
                    "scores": tuple(Score(**score) for score in values.get("scores", ())),
                    "notes": tuple(values.get("notes", ())),
                }
            )
        except (KeyError, TypeError) as error:
            raise ModelError(f"The model card is incomplete or damaged: {error}.") from error
