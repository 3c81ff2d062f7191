"""Which model is used where none is named, and which ones were before it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

from ..errors import ModelError
from ..files import write_bytes
from .user_folder import make_user_folder, user_folder

STARTER = "amc-net"
"""The model that ships with the software."""


def default_model() -> str:
    """Id of the model that was promoted last, or of the one that ships with the software.

    The latter, too, where the list of promotions is damaged; the catalogue names that problem.
    """
    try:
        promotions = read_promotions()
    except ModelError:
        return STARTER
    return promotions[-1]["model"] if promotions else STARTER


def read_promotions() -> list[dict[str, str]]:
    """Every promotion that was not rolled back, the earliest first: model, its weights, and when.

    Raises:
        ModelError: The list is damaged.
    """
    try:
        promotions = json.loads(_file().read_text(encoding="utf-8"))
        if not all(isinstance(one["model"], str) for one in promotions):
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"The list of promoted models cannot be read: remove {_file().name} from the folder of "
            "your models to begin a new one."
        ) from error
    return promotions


def promote(model_id: str, weights_sha256: str) -> None:
    """Use this model from now on where none is named.

    Raises:
        ModelError: The list of promotions is damaged.
        OutputError: It cannot be written.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    _write([*read_promotions(), {"model": model_id, "weights_sha256": weights_sha256, "at": now}])


def roll_back() -> str:
    """Take the last promotion back; returns the id of the model that is used again.

    Raises:
        ModelError: No model was promoted, or the list is damaged.
        OutputError: The list cannot be written.
    """
    promotions = read_promotions()
    if not promotions:
        raise ModelError("No model was promoted, so there is no promotion to take back.")
    _write(promotions[:-1])
    return default_model()


def _write(promotions: list[dict[str, str]]) -> None:
    make_user_folder()
    write_bytes((json.dumps(promotions, indent=2) + "\n").encode(), _file())


def _file() -> Path:
    # Not *.json, which are cards.
    return user_folder() / "promotions.list"
