"""The background process of one run: start it, hear it, end it with everything it started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Protocol

from ..engine.errors import DependencyError
from .process_tree import MARK_VARIABLE, end_tree
from .request import LOG_FILE, PROGRESS_FILE

WORKER_MODULE = "COVIDLesionSegLib.worker.main"
_MODULE_FOLDER = Path(__file__).resolve().parents[2]


class WorkerProcess(Protocol):
    """What a run needs of its process; tests may supply another."""

    def messages(self) -> list[dict[str, Any]]:
        """The JSON objects told since the last call."""

    def exit_code(self) -> int | None:
        """None while it runs; negative is the number of the signal that ended it."""

    def kill(self) -> None:
        """End it and everything it started, at once; return without waiting."""

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, at most ``seconds``."""

    def log(self) -> str:
        """What it printed besides messages."""


class ChildProcess:
    """A worker in a child of Slicer's Python.

    The worker speaks into a file in the run's private folder, which the panel reads at its own
    pace: no pipe to fill up, no thread that would need Slicer's interpreter lock.
    """

    def __init__(self, request: Path, module: str | None = None) -> None:
        """Start the worker on ``request``, a file in the run's private folder.

        Args:
            request: Its only argument, besides this process as its parent.
            module: What it runs.

        Raises:
            DependencyError: Slicer has no interpreter of its own.
            OSError: The interpreter cannot be started.
        """
        self._log = request.with_name(LOG_FILE)
        self._spoken = request.with_name(PROGRESS_FILE)
        self._position = 0
        self._mark = uuid.uuid4().hex
        parent = ["--parent", str(os.getpid())]
        with self._spoken.open("wb") as spoken, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [python_executable(), "-m", module or WORKER_MODULE, str(request), *parent],
                stdin=subprocess.DEVNULL,
                stdout=spoken,
                stderr=log,
                env={**_environment(), MARK_VARIABLE: self._mark},
                **_own_group(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def messages(self) -> list[dict[str, Any]]:
        """The JSON objects told since the last call; lines that are none are left out."""
        with self._spoken.open("rb") as spoken:
            spoken.seek(self._position)
            heard = spoken.read()
        complete = heard[: heard.rfind(b"\n") + 1]
        self._position += len(complete)
        return [message for line in complete.splitlines() if (message := _parse(line))]

    def exit_code(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        # PythonSlicer is a launcher: the interpreter is already its child, so that ending one
        # process would leave the other computing.
        end_tree(self.pid if self._process.poll() is None else None, self._mark)

    def wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def log(self) -> str:
        """What the worker and its libraries printed, for the error log; never shown to people."""
        return self._log.read_text(encoding="utf-8", errors="replace")


def python_executable() -> str:
    """Slicer's own interpreter, or the one that runs this code where there is no Slicer.

    Raises:
        DependencyError: Slicer's interpreter is missing inside the Slicer application, where
            ``sys.executable`` may be the application itself.
    """
    found = shutil.which("PythonSlicer")
    if found:
        return found
    slicer = sys.modules.get("slicer")
    if getattr(getattr(slicer, "app", None), "slicerHome", None):
        raise DependencyError("Slicer's own Python (PythonSlicer) is missing: reinstall 3D Slicer.")
    return sys.executable


def unexpected_end(exit_code: int, spoke: bool) -> str:
    """One sentence on a worker that ended without saying why.

    Args:
        exit_code: Exit code of the process that was started.
        spoke: Whether the worker had begun. It says why before it ends with 1 itself, so a silent
            1 is a launcher's word for a worker that was killed.
    """
    if exit_code in (-9, 137) or (exit_code == 1 and spoke):
        return (
            "The system stopped the background process, most likely because memory ran out: close "
            "other programs, or crop the CT to the chest."
        )
    return (
        f"The background process crashed (exit code {exit_code}): choose the device CPU and try "
        "again; the log has the details."
    )


def _environment() -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(_MODULE_FOLDER), *([inherited] if inherited else [])])
    return {**os.environ, "PYTHONPATH": path}


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
