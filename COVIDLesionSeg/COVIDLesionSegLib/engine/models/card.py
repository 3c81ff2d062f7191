"""The card of a model: all that is known about it, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ModelError
from .preprocessing import Preprocessing

TASKS = ("lesions", "lungs")


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
        task: What the network finds: ``"lesions"`` or ``"lungs"``.
        network: Name of the network for :func:`~..networks.build_network`.
        arguments: Its constructor arguments.
        parameters: Its number of trainable parameters.
        classes: Names of what it finds, background not counted: label n + 1 is ``classes[n]``.
        channels: Names of the network's output channels, in order; they hold all classes. One
            channel means a sigmoid, several a softmax. The classes themselves by default.
        preprocessing: From CT to network input.
        bfloat16: Its scores were measured not to move under bfloat16.
        weights: Trained weights, or None: the network can be trained, or run untrained on request.
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
    task: str = "lesions"
    channels: tuple[str, ...] = ()
    bfloat16: bool = False
    weights: Weights | None = None
    training: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id.strip() or "+" in self.id:
            raise ModelError(
                f"A model card has the id {self.id!r}, but it must be a name without '+', which "
                "joins the members of an ensemble."
            )
        if self.task not in TASKS:
            raise ModelError(
                f"The card of model {self.id} names the task {self.task!r}, but must name one of: "
                f"{', '.join(TASKS)}."
            )
        if not self.channels:
            object.__setattr__(self, "channels", self.classes)
        channels, classes = set(self.channels), set(self.classes)
        if not classes <= channels or len(channels) < len(self.channels):
            raise ModelError(
                f"The classes on the card of model {self.id} do not match its channels: every "
                "class is one of the channels, and no channel is named twice."
            )
        if not classes or (len(channels) > 1 and classes == channels):
            raise ModelError(
                f"The card of model {self.id} must name at least one class, and a background among "
                "its channels if there are several."
            )

    @property
    def class_channels(self) -> tuple[int, ...]:
        """The output channel of each class."""
        return tuple(self.channels.index(name) for name in self.classes)

    @property
    def learned_from(self) -> dict[str, int] | None:
        """Number of slices of every patient the weights learned from; None if not recorded."""
        return self.training.get("data", {}).get("training")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelCard:
        """Build a card from parsed JSON.

        Raises:
            ModelError: A field is missing, unknown or of the wrong form.
        """
        name = values.get("id", "without an id")
        known = {f.name for f in fields(cls)}
        if unknown := set(values) - known:
            raise ModelError(
                f"The card of model {name} has unknown fields: {', '.join(sorted(unknown))}."
            )
        try:
            weights = values.get("weights")
            return cls(
                **{
                    **values,
                    "classes": tuple(values["classes"]),
                    "channels": tuple(values.get("channels", ())),
                    "preprocessing": Preprocessing.from_dict(values["preprocessing"]),
                    "weights": Weights(**weights) if weights else None,
                    "scores": tuple(Score(**score) for score in values.get("scores", ())),
                    "notes": tuple(values.get("notes", ())),
                }
            )
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"The card of model {name} is incomplete or damaged: {error}."
            ) from error
