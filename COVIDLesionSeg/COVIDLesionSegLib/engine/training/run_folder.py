"""The folder of a training: it belongs to one recipe and one set of data."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.labelled import LabelledImage, fingerprint_of_slices
from ..errors import InputError, OutputError
from ..files import write_bytes
from ..models.retrained import CURVE_CSV
from .checkpoints import LAST
from .recipe import Recipe

TRAINING_JSON = "training.json"


def prepare_run_folder(
    folder: Path,
    recipe: Recipe,
    training: list[LabelledImage],
    validation: list[LabelledImage],
    resume: bool,
    start: Mapping[str, Tensor] | None = None,
    steps_per_epoch: int | None = None,
) -> Path | None:
    """Make the folder of this training, or make sure that it is the folder of this training.

    Args:
        folder: Created if absent.
        recipe, training, validation: As for :func:`~.trainer.fit`.
        resume: The folder may hold this training already.
        start: Weights that the training starts with; None for random ones.
        steps_per_epoch: Written beside them.

    Returns:
        The checkpoint to resume from; None to start.

    Raises:
        OutputError: The folder cannot be written to, or holds a training that is not to be resumed.
        InputError: The folder to resume holds the training of another recipe or other data.
    """
    own = {
        "recipe": json.loads(json.dumps(recipe.to_dict())),
        "training": fingerprint_of_slices(training),
        "validation": fingerprint_of_slices(validation),
        "start": None if start is None else _fingerprint_of_weights(start),
        "steps_per_epoch": steps_per_epoch,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path, checkpoint = folder / TRAINING_JSON, folder / LAST
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except OSError as error:
        raise OutputError(
            f"The folder for training {folder.name} cannot be used: {error.strerror}."
        ) from error
    except ValueError as error:
        raise InputError(f"{TRAINING_JSON} is damaged: choose another folder.") from error
    if not resume:
        check_no_training(folder)
    if found is not None:
        _check_same(found, own)
    else:
        write_bytes((json.dumps(own, indent=2) + "\n").encode(), path)
    return checkpoint if checkpoint.is_file() else None


@dataclass(frozen=True)
class Length:
    """How long a training was.

    Attributes:
        steps: Optimiser steps.
        epochs: Times that all samples were seen; None where the folder does not say.
    """

    steps: int
    epochs: float | None


def trained_length(folder: Path) -> Length:
    """How long the training in this folder was so far; 0 steps before its learning curve begins.

    Raises:
        InputError: Its files are damaged.
    """
    try:
        known = json.loads((folder / TRAINING_JSON).read_text(encoding="utf-8"))
        with (folder / CURVE_CSV).open(newline="", encoding="utf-8") as file:
            steps = max((int(row["step"]) for row in csv.DictReader(file)), default=0)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"The training in {folder.name} cannot be read: train it anew.") from error
    per_epoch = known.get("steps_per_epoch")
    return Length(steps, steps / per_epoch if per_epoch else None)


def check_no_training(folder: Path) -> None:
    """Raise OutputError if the folder holds a training."""
    if (folder / TRAINING_JSON).is_file():
        raise OutputError(
            "The folder holds a training already: resume it, or choose another folder."
        )


def _check_same(found: dict[str, Any], own: dict[str, Any]) -> None:
    # Values that an earlier version did not know were what they are by default.
    recipe = json.loads(json.dumps(Recipe().to_dict()))
    for name, value in found.get("recipe", {}).items():
        nested = name in ("augmentation", "members") and isinstance(value, dict)
        recipe[name] = recipe[name] | value if nested else value
    if other := [name for name, value in own["recipe"].items() if recipe[name] != value]:
        raise InputError(
            "The folder holds the training of another recipe, which differs in "
            f"{', '.join(other)}: resume with the same recipe, or choose another folder."
        )
    for role in ("training", "validation"):
        if found.get(role) != own[role]:
            raise InputError(
                f"The folder holds a training on other {role} slices: resume with the same data, "
                "or choose another folder."
            )
    if found.get("start") != own["start"]:
        raise InputError(
            "The folder holds a training that began with other weights: resume with the same, or "
            "choose another folder."
        )


def _fingerprint_of_weights(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
