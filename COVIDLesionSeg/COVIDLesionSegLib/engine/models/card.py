"""The card of a model: all that is known about it, as data."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ModelError
from ..files import write_bytes
from ..text import printable
from .calibration import Calibration, ReliabilityBin
from .preprocessing import Preprocessing

SLICE_CLASSES = "slice-classes"
TASKS = ("lesions", "lungs", "instances", SLICE_CLASSES)
WEIGHTS_ENDING = ".safetensors"
LARGEST_BFLOAT16_CHANGE = 0.002
"""Dice of any patient that bfloat16 may move on a card that allows it."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE_NAME = re.compile(r"\w[^/\\:]{0,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
                f"A model card has the unsafe id {_shown(self.id)}: it must be a name without '+', "
                "spaces or other signs, of 1 to 64 letters, digits, dots, hyphens and underscores, "
                "a letter or digit first."
            )
        if self.task not in TASKS:
            raise ModelError(
                f"The card of model {self.id} names the task {_shown(self.task)}, but must name "
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

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelCard:
        """Build a card from parsed JSON, whoever wrote it.

        Raises:
            ModelError: A field is missing, unknown or of the wrong form; the weights are not
                safetensors, or their file's name could lead out of the folder.
        """
        if not isinstance(values, dict):
            raise ModelError("A model card is a JSON object, and this one is not.")
        name = values["id"] if is_model_id(values.get("id")) else "without an id"
        try:
            _check_fields(cls, values)
            weights = values.get("weights")
            card = cls(
                **{
                    **values,
                    "classes": _texts(values["classes"], "classes"),
                    "channels": _texts(values.get("channels", []), "channels"),
                    "preprocessing": Preprocessing.from_dict(values["preprocessing"]),
                    "weights": None if weights is None else _build_weights(weights),
                    "scores": tuple(map(_build_score, _list(values.get("scores", []), "scores"))),
                    "calibration": _build_calibration(values.get("calibration")),
                    "notes": _texts(values.get("notes", []), "notes"),
                }
            )
            _check_values(card)
        except _UnknownFields as error:
            raise ModelError(f"The card of model {name} has {error}.") from error
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"The card of model {name} is incomplete or damaged: {error}."
            ) from error
        return card


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


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``<id>.json``, complete or not at all; raises OutputError when that is impossible."""
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode(), folder / f"{card.id}.json")


class _UnknownFields(ValueError):
    """Fields that nothing reads, as in a card of a later version or with a slip of the pen."""


def _check_fields(kind: type[Any], values: Any) -> None:
    """Make sure that these are the fields of a dataclass."""
    if not isinstance(values, dict):
        raise TypeError(f"{_shown(values)} is not a JSON object")
    known = {one.name: one for one in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        names = ", ".join(printable(name)[:40] for name in unknown)
        raise _UnknownFields(f"unknown fields: {names}")
    required = {
        name
        for name, one in known.items()
        if one.default is MISSING and one.default_factory is MISSING
    }
    if missing := sorted(required - set(values)):
        raise ValueError(f"it has no {', no '.join(missing)}")


def _build_weights(values: Any) -> Weights:
    _check_fields(Weights, values)
    for name in ("file", "sha256", "licence", "licence_note"):
        _check(isinstance(values[name], str), f"weights {name}", "text", values[name])
    file, sha256 = values["file"], values["sha256"]
    if not file.endswith(WEIGHTS_ENDING):
        raise ValueError(
            f"the weights file {_shown(file)} is not a {WEIGHTS_ENDING} file, and other formats, "
            "such as pickles, can run code when they are read"
        )
    plain = _FILE_NAME.fullmatch(file) and file == printable(file)
    _check(plain, "weights file", "a plain file name", file)
    _check(_SHA256.fullmatch(sha256), "weights sha256", "64 hexadecimal digits", sha256)
    url, size = values.get("url", ""), values.get("size")
    _check(url == "" or is_web_address(url), "weights url", "an http or https address", url)
    whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
    _check(size is None or whole, "weights size", "a number of bytes", size)
    bits = values.get("bits")
    _check(bits is None or (bits == 8 and isinstance(bits, int)), "weights bits", "8", bits)
    return Weights(**values)


def _build_score(values: Any) -> Score:
    _check_fields(Score, values)
    for name in ("metric", "data", "protocol"):
        _check(isinstance(values[name], str), f"score {name}", "text", values[name])
    _check(_is_number(values["value"]), "score value", "a number", values["value"])
    return Score(**values)


def _build_calibration(values: Any) -> Calibration | None:
    if values is None:
        return None
    _check_fields(Calibration, values)
    for name in ("temperature", "bias", "error_before", "error_after"):
        _check(_is_number(values[name]), f"calibration {name}", "a number", values[name])
    temperature = values["temperature"]
    _check(0 < temperature < 1000, "calibration temperature", "a number above 0", temperature)
    _check(isinstance(values["data"], str), "calibration data", "text", values["data"])
    bins = []
    for one in _list(values["bins"], "calibration bins"):
        _check_fields(ReliabilityBin, one)
        _check(all(map(_is_number, one.values())), "calibration bin", "three numbers", one)
        bins.append(ReliabilityBin(**one))
    return Calibration(**{**values, "bins": tuple(bins)})


def _check_values(card: ModelCard) -> None:
    for name in ("title", "paper", "network"):
        value = getattr(card, name)
        _check(isinstance(value, str), name, "text", value)
    for name in ("title", "classes", "channels"):
        for text in [card.title] if name == "title" else getattr(card, name):
            usable = text.strip() and text == printable(text)
            _check(usable, name, "text without control characters", text)
    for name in ("arguments", "training"):
        _check(isinstance(getattr(card, name), dict), name, "a JSON object", getattr(card, name))
    whole = _is_number(card.parameters) and isinstance(card.parameters, int)
    _check(whole and card.parameters >= 0, "parameters", "a whole number", card.parameters)
    _check(isinstance(card.bfloat16, bool), "bfloat16", "true or false", card.bfloat16)
    data = card.training.get("data", {})
    _check(isinstance(data, dict), "training data", "a JSON object", data)
    for name in {"training", "validation", "outside", "pseudo_labels"} & set(data):
        counts = data[name]
        counted = isinstance(counts, dict) and all(isinstance(n, int) for n in counts.values())
        _check(counted, f"training data {name}", "a number of slices for each patient", counts)
    fingerprint = card.training.get("data_fingerprint", "")
    _check(isinstance(fingerprint, str), "training data_fingerprint", "text", fingerprint)


def _check(condition: object, name: str, kind: str, value: object) -> None:
    if not condition:
        raise TypeError(f"{name} must be {kind}, not {_shown(value)}")


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


def _list(value: Any, name: str) -> Sequence[Any]:
    _check(isinstance(value, (list, tuple)), name, "a list", value)
    items: Sequence[Any] = value
    return items


def _texts(value: Any, name: str) -> tuple[str, ...]:
    items = _list(value, name)
    _check(all(isinstance(item, str) for item in items), name, "a list of texts", value)
    return tuple(items)


def _is_number(value: object) -> bool:
    """Whether this is a number; Python counts bool among them."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """A stranger's value for an error message: short, and without control characters."""
    return printable(reprlib.repr(value))
