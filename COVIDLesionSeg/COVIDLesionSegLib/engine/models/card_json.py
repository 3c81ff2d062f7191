"""The JSON of a model's card: whoever wrote it, it is read only if every field is as it must be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from reprlib import repr as shown  # short, whatever a card holds
from typing import Any

from ..errors import ModelError
from ..files import write_bytes
from ..text import printable
from .calibration import Calibration, ReliabilityBin
from .card import WEIGHTS_ENDING, ModelCard, Score, Weights, is_model_id, is_web_address
from .json_file import read_json
from .preprocessing import Preprocessing

_FILE_NAME = re.compile(r"\w[^/\\:]{0,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def card_from_json(values: Any) -> ModelCard:
    """Build a card from parsed JSON, whoever wrote it.

    Raises:
        ModelError: A field is missing, unknown or of the wrong form; the weights are not
            safetensors, or their file's name could lead out of the folder.
    """
    if not isinstance(values, dict):
        raise ModelError("A model card is a JSON object, and this one is not.")
    name = values["id"] if is_model_id(values.get("id")) else "without an id"
    try:
        _check_fields(ModelCard, values)
        weights = values.get("weights")
        card = ModelCard(
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
        raise ModelError(f"The card of model {name} is incomplete or damaged: {error}.") from error
    return card


def read_cards(path: Path) -> list[ModelCard]:
    """Read a file of one card, or of a family of cards.

    A family is ``{"shared": {...}, "models": [{...}, ...]}``: each of its cards is what they share,
    and over that its own fields.

    Raises:
        ModelError: The file, or one of its cards, cannot be read or understood.
    """
    name = printable(path.name)
    try:
        content = read_json(path)
    except OSError as error:
        raise ModelError(f"The model card {name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ModelError(f"The model card {name} cannot be read: {error}.") from error
    try:
        return [card_from_json(values) for values in _cards(content)]
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``<id>.json``, complete or not at all; raises OutputError when that is impossible."""
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode(), folder / f"{card.id}.json")


class _UnknownFields(ValueError):
    """Fields that nothing reads, as in a card of a later version or with a slip of the pen."""


def _cards(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        raise ModelError("A model card is a JSON object, and this file holds none.")
    if "models" not in content:
        yield content
        return
    shared, models = content.get("shared", {}), content["models"]
    if set(content) - {"shared", "models"} or not isinstance(models, list):
        raise ModelError("A family of model cards has the fields 'shared' and 'models' only.")
    for values in models:
        if not isinstance(shared, dict) or not isinstance(values, dict):
            raise ModelError("The cards of a family, and what they share, are JSON objects.")
        yield {**shared, **values}


def _check_fields(kind: type[Any], values: Any) -> None:
    """Make sure that these are the fields of a dataclass."""
    if not isinstance(values, dict):
        raise TypeError(f"{shown(values)} is not a JSON object")
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        names = ", ".join(printable(name)[:40] for name in unknown)
        raise _UnknownFields(f"unknown fields: {names}")
    required = {
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
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
            f"the weights file {shown(file)} is not a {WEIGHTS_ENDING} file, and other formats, "
            "such as pickles, can run code when they are read"
        )
    plain = _FILE_NAME.fullmatch(file) and file == printable(file)
    _check(plain, "weights file", "a plain file name", file)
    _check(_SHA256.fullmatch(sha256), "weights sha256", "64 hexadecimal digits", sha256)
    url, size = values.get("url", ""), values.get("size")
    _check(url == "" or is_web_address(url), "weights url", "an http or https address", url)
    counted = size is None or (_is_whole(size) and size > 0)
    _check(counted, "weights size", "a number of bytes", size)
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
    for bin_ in _list(values["bins"], "calibration bins"):
        _check_fields(ReliabilityBin, bin_)
        _check(all(map(_is_number, bin_.values())), "calibration bin", "three numbers", bin_)
        bins.append(ReliabilityBin(**bin_))
    return Calibration(**{**values, "bins": tuple(bins)})


def _check_values(card: ModelCard) -> None:
    for name in ("title", "paper", "network"):
        _check(isinstance(getattr(card, name), str), name, "text", getattr(card, name))
    named = {"title": (card.title,), "classes": card.classes, "channels": card.channels}
    for name, texts in named.items():
        for text in texts:
            usable = text.strip() and text == printable(text)
            _check(usable, name, "text without control characters", text)
    for name in ("arguments", "training"):
        _check(isinstance(getattr(card, name), dict), name, "a JSON object", getattr(card, name))
    counted = _is_whole(card.parameters) and card.parameters >= 0
    _check(counted, "parameters", "a whole number", card.parameters)
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
        raise TypeError(f"{name} must be {kind}, not {shown(value)}")


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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
