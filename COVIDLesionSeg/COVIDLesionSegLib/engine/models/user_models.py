"""The folder of the user's own models, and the model that is the default."""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError
from ..files import write_bytes
from ..parameters import DEFAULT_MODEL
from .card import is_model_id
from .json_file import read_json

USER_FOLDER_VARIABLE = "COVIDLESIONSEG_MODELS"


def user_folder() -> Path:
    """``$COVIDLESIONSEG_MODELS``, or a folder in the user's home."""
    chosen = os.environ.get(USER_FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "models"


def make_user_folder() -> None:
    """Make the folder if it is missing; raises OutputError if it cannot be made."""
    try:
        user_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder of your models cannot be made: {error.strerror}.") from error


def default_model() -> str:
    """Id of the model that is used where none is named: the one promoted last, or the starter.

    Reads a file: call it when a model is needed, not on import. Where the list of promotions is
    damaged, one sentence says so in the log, and the starter is the default.
    """
    try:
        promotions = read_promotions()
    except ModelError as error:
        warn_once(str(error))
        return DEFAULT_MODEL
    return promotions[-1]["model"] if promotions else DEFAULT_MODEL


@cache
def warn_once(sentence: str) -> None:
    """Log a warning about the user's models, each sentence once in a process.

    What does not log itself shows it on standard error.
    """
    logging.getLogger(__name__).warning("%s", sentence)


def read_promotions() -> list[dict[str, str]]:
    """Every promotion that was not rolled back, the earliest first: model, its weights, and when.

    Raises:
        ModelError: The list is damaged.
    """
    try:
        promotions = read_json(_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        raise _damaged() from error
    if not isinstance(promotions, list) or not all(map(_is_promotion, promotions)):
        raise _damaged()
    return promotions


def promote(model_id: str, weights_sha256: str) -> None:
    """Make this model the default.

    Raises:
        ModelError: The list of promotions is damaged.
        OutputError: It cannot be written.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    _write([*read_promotions(), {"model": model_id, "weights_sha256": weights_sha256, "at": now}])


def roll_back(model_id: str | None = None) -> str:
    """Undo the last promotion of a model; returns the id of the model that is the default then.

    Args:
        model_id: The model; by default the one promoted last. Where another was promoted after
            it, that stays the default.

    Raises:
        ModelError: The model, or any, was not promoted, or the list is damaged.
        OutputError: The list cannot be written.
    """
    promotions = read_promotions()
    if not promotions:
        raise ModelError(f"No model was promoted: {DEFAULT_MODEL} is the default already.")
    model_id = promotions[-1]["model"] if model_id is None else model_id
    places = [place for place, promotion in enumerate(promotions) if promotion["model"] == model_id]
    if not places:
        raise ModelError(
            f"{model_id} was not promoted: choose {promotions[-1]['model']}, which was made the "
            "default last."
        )
    del promotions[places[-1]]
    _write(promotions)
    return default_model()


def _is_promotion(value: Any) -> bool:
    return isinstance(value, dict) and is_model_id(value.get("model"))


def _damaged() -> ModelError:
    return ModelError(
        f"The list of promoted models cannot be read, so {DEFAULT_MODEL} is the default model: "
        f"remove {_file().name} from the folder of your models to begin a new list."
    )


def _write(promotions: list[dict[str, str]]) -> None:
    make_user_folder()
    write_bytes((json.dumps(promotions, indent=2) + "\n").encode(), _file())


def _file() -> Path:
    # Not *.json, which are cards.
    return user_folder() / "promotions.list"
