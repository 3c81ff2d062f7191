"""What workers printed before they failed: the last few logs, kept without anything of a patient.

A worker knows a CT by a folder with a random name, so its log names no patient.
"""

from __future__ import annotations

import logging
import os
import platform
import uuid
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from .. import __version__
from ..engine.errors import OutputError
from ..engine.files import write_bytes

FOLDER_VARIABLE = "COVIDLESIONSEG_LOGS"
KEPT = 5
_MOST_CHARACTERS = 200_000


def log_folder() -> Path:
    """``$COVIDLESIONSEG_LOGS``, or a folder in the user's home."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "logs"


def keep_log(job: str, ended: str, printed: str, private_folder: Path) -> Path | None:
    """Keep what a worker printed; only the last :data:`KEPT` logs stay.

    Args:
        job: Name of its job.
        ended: How it ended.
        printed: All that it printed.
        private_folder: Of the job; the log does not name it, nor the user's home.

    Returns:
        The log, or None if it cannot be written.
    """
    printed = printed[-_MOST_CHARACTERS:]
    for place, name in ((private_folder, "<job>"), (Path.home(), "~")):
        if place != place.parent:
            printed = printed.replace(str(place), name)
    now = datetime.now()
    text = "\n".join(
        [
            f"COVIDLesionSeg {__version__}, Python {platform.python_version()}, "
            f"{platform.platform()}",
            f"{now:%Y-%m-%d %H:%M:%S}  job {job}",
            ended,
            "",
            printed.strip() or "It printed nothing.",
            "",
        ]
    )
    folder = log_folder()
    path = folder / f"{now:%Y-%m-%d-%H-%M-%S-%f}-{uuid.uuid4().hex[:6]}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(text.encode("utf-8", "replace"), path)
    except (OSError, OutputError) as error:
        logging.warning("The log of a failed process is not kept: %s", error)
        return None
    for old in sorted(folder.glob("*.log"))[:-KEPT]:
        with suppress(OSError):
            old.unlink()
    return path
