"""Where the user's own models live."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import OutputError

USER_FOLDER_VARIABLE = "COVIDLESIONSEG_MODELS"


def user_folder() -> Path:
    """``$COVIDLESIONSEG_MODELS``, or a folder in the user's home."""
    chosen = os.environ.get(USER_FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "models"


def make_user_folder() -> None:
    """Make the folder where it is not there; raises OutputError where it cannot be made."""
    try:
        user_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder of your models cannot be made: {error.strerror}.") from error
