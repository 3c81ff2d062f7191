"""A job as a private folder of files: what a worker process starts from, and what it leaves.

Needs nothing outside Slicer's own Python, which may have no other packages yet.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.errors import InputError
from ..engine.files import write_bytes

REQUEST_FILE = "request.json"
INPUT_FOLDER = "job-input"
"""What the parent hands over, such as a CT; the job's options name it."""
RESULT_FOLDER = "result"
PROGRESS_FILE = "progress.jsonl"
"""What the worker reports."""
LOG_FILE = "worker.log"
"""What else the worker prints."""
STOP_FILE = "stop"
"""Asks the worker to stop: unlike a signal, it gets through Slicer's launcher and on Windows."""


@dataclass(frozen=True)
class Request:
    """A job for a worker.

    Attributes:
        job: Name of the job, one of ``COVIDLesionSegLib.jobs.OPTIONS``.
        options: Its options as plain values.
        out: What it writes.
    """

    job: str
    options: dict[str, Any]
    out: Path


def save_request(folder: Path, job: str, options: dict[str, Any], out: Path | None = None) -> Path:
    """Write a request into an existing, private folder.

    Returns:
        The request file, the worker's only argument.

    Raises:
        OutputError: The folder cannot be written.
    """
    facts = {"job": job, "options": options, "out": str(out or folder / RESULT_FOLDER)}
    path = folder / REQUEST_FILE
    write_bytes(json.dumps(facts, indent=1).encode(), path)
    return path


def load_request(path: Path) -> Request:
    """Read what :func:`save_request` wrote.

    Raises:
        InputError: The file is no complete request.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Request(str(facts["job"]), dict(facts["options"]), Path(facts["out"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} is not a complete request.") from error


def remove_request(folder: Path) -> None:
    """Remove what a job writes into its private folder, and the folder itself if that empties it.

    A file of any other name stays, and with it the folder. What cannot be removed yet, because it
    is being written, stays too: call again.
    """
    for name in (REQUEST_FILE, PROGRESS_FILE, LOG_FILE, STOP_FILE):
        with suppress(OSError):
            (folder / name).unlink()
    partial = folder.glob(f".{RESULT_FOLDER}*")
    for content in (folder / INPUT_FOLDER, folder / RESULT_FOLDER, *partial):
        shutil.rmtree(content, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()
