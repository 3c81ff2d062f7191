"""The card of a model: all that is known about it, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from reprlib import repr as shown  # short, whatever a card holds
from typing import Any
from urllib.parse import urlsplit

from ..errors import ModelError
from ..labels import BOTH_LUNGS, CLASSES, LESION, LUNG_LABELS
from ..text import printable
from .calibration import Calibration
from .preprocessing import Preprocessing

SLICE_CLASSES = "slice-classes"
TASKS = ("lesions", "lungs", "instances", SLICE_CLASSES)
WEIGHTS_ENDING = ".safetensors"
LARGEST_BFLOAT16_CHANGE = 0.002
"""Dice of any patient that bfloat16 may move on a card that allows it."""
BFLOAT16_NOTE = "Under bfloat16 no patient's Dice moves by more than {change:.4f}."
"""Note of a card, of the patients of its scores."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Weights:
    """Trained weights of a model.

    Attributes:
        file: Name of the safetensors file, beside the card.
        sha256: Of that file, lower-case hexadecimal.
        licence: SPDX identifier; not the code's licence.
        licence_note: What the licence means for the user, one sentence.
        url: Where the file can be downloaded if it does not come with the card; "" if nowhere.
        size: Bytes of the file, None if not stated.
        bits: 8 where large kernels are stored in 8 bits, with a scale for each output channel;
            None where everything is stored as floats.
    """

    file: str
    sha256: str
    licence: str
    licence_note: str
    url: str = ""
    size: int | None = None
    bits: int | None = None

    @property
    def host(self) -> str:
        """The computer that the file is downloaded from; "" if it is not."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Score:
    """One measured score, never without the data and protocol beside it.

    Attributes:
        metric: For example ``"Dice"``.
        value: The score.
        data: Whose slices: data set and patient, then the number of slices.
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
        id: What the user selects: 1 to 64 letters, digits, dots, hyphens and underscores, a letter
            or digit first. It names files, and ``+`` joins the members of an ensemble.
        title: Name for people.
        paper: Citation of the paper that describes the network.
        task: What the network finds: ``"lesions"``, ``"lungs"``; ``"slice-classes"``: the class of
            every slice, whose names are its argument ``slice_classes``, the one without lesions
            first; or ``"instances"``: lesions one by one, and those classes.
        network: Name of the network for :func:`~..networks.build_network`.
        arguments: Its constructor arguments.
        parameters: Its number of trainable parameters.
        classes: Names of what it finds, background not counted: label n + 1 is ``classes[n]``.
        channels: Names of the network's output channels, in order; they hold all classes. One
            channel means a sigmoid, several a softmax. The classes themselves by default.
        preprocessing: From CT to network input.
        bfloat16: Its scores were measured not to change under bfloat16.
        weights: Trained weights, or None: the network can be trained, or run untrained on request.
        training: Data, recipe, seed and command the weights came from.
        scores: Measured scores of these weights.
        calibration: Of the probabilities; None where they are as the network gives them.
        notes: What a user should know, one sentence each.

    Raises:
        ModelError: Id, task, classes or channels are not as described.
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
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_model_id(self.id):
            raise ModelError(
                f"A model card has the unsafe id {shown(self.id)}: it must be a name without '+', "
                "spaces or other signs, of 1 to 64 letters, digits, dots, hyphens and underscores, "
                "a letter or digit first."
            )
        if self.task not in TASKS:
            raise ModelError(
                f"The card of model {self.id} names the task {shown(self.task)}, but must name "
                f"one of: {', '.join(TASKS)}."
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
        taken = {LESION, *CLASSES} if self.task == "lungs" else {*LUNG_LABELS, BOTH_LUNGS, "lung"}
        if wrong := [name for name in self.classes if name in taken]:
            finds = "lungs" if self.task == "lungs" else "lesions"
            raise ModelError(
                f"The card of model {self.id}, which finds {finds}, must not name a class "
                f"{shown(wrong[0])}: set its task or its classes right."
            )
        if self.tells_slice_classes and not _names_classes(self.arguments):
            raise ModelError(
                f"The card of model {self.id}, which tells the class of a slice, must name the "
                "classes of slices among its arguments (slice_classes)."
            )
        if self.calibration and len(channels) > 1:
            raise ModelError(
                f"The card of model {self.id} has a calibration, which is for networks of one "
                "channel: take it out."
            )

    @property
    def class_channels(self) -> tuple[int, ...]:
        """The output channel of each class."""
        return tuple(self.channels.index(name) for name in self.classes)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the network gives one value each for: its channels, or classes of slices."""
        return tuple(self.arguments["slice_classes"]) if self.tells_slice_classes else self.channels

    @property
    def finds_instances(self) -> bool:
        """Whether the network finds lesions one by one."""
        return self.task == "instances"

    @property
    def tells_slice_classes(self) -> bool:
        """Whether the network tells the class of a whole slice, with or without lesions."""
        return self.task in (SLICE_CLASSES, "instances")

    @property
    def trained_weights(self) -> Weights:
        """The weights; raises ModelError if there are none."""
        if self.weights is None:
            raise ModelError(f"Model {self.id} has no trained weights yet: train it first.")
        return self.weights

    @property
    def learned_from(self) -> dict[str, int] | None:
        """Number of training slices by patient; None if not recorded."""
        patients: dict[str, int] | None = self.training.get("data", {}).get("training")
        return patients


def is_model_id(value: object) -> bool:
    """Whether this can be the id of a model, see :attr:`ModelCard.id`."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_web_address(url: object) -> bool:
    """Whether this is an http or https address with a host, and without a password in it."""
    if not isinstance(url, str) or url != printable(url) or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _names_classes(arguments: object) -> bool:
    """Whether a network's arguments name classes of slices."""
    names = arguments.get("slice_classes") if isinstance(arguments, dict) else None
    return (
        isinstance(names, (list, tuple))
        and len(names) > 1
        and all(
            isinstance(name, str) and name.strip() and name == printable(name) for name in names
        )
    )
