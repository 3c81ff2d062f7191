"""One segmentation in the background: from Apply to a result, an error, or a cancellation."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

import qt

from ..engine.errors import CovidLesionSegError
from ..engine.parameters import Parameters
from ..engine.progress import Progress
from ..engine.result import SegmentationResult, load_result
from ..engine.volume import Volume
from ..engine.volume.exact import save_volume
from ..jobs import SegmentVolumeOptions
from ..worker.process import ChildProcess, WorkerProcess, unexpected_end
from ..worker.request import INPUT_FOLDER, RESULT_FOLDER, save_request

POLL_INTERVAL_MS = 100
LAST_WAIT_SECONDS = 5.0


class RunState(Enum):
    """Where a run is; every change is made by :class:`SegmentationRun`."""

    IDLE = auto()
    RUNNING = auto()
    CANCELLING = auto()


class SegmentationRun:
    """At most one worker process at a time, heard on a timer so that the window stays live.

    Everything of a run lies in one private temporary folder, which is gone when the run is over,
    however it ended.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None],
        on_result: Callable[[SegmentationResult], None],
        on_error: Callable[[str], None],
        on_cancelled: Callable[[str], None],
        start_process: Callable[[Path], WorkerProcess] = ChildProcess,
        temporary_path: str | None = None,
    ) -> None:
        """Exactly one of ``on_result``, ``on_error`` and ``on_cancelled`` ends each run.

        Args:
            on_progress: Hears every report of the worker.
            on_result: Gets the result, on the CT's grid.
            on_error: Gets one sentence for people.
            on_cancelled: Gets the reason given to :meth:`cancel`.
            start_process: Starts the worker on a request file.
            temporary_path: Where the private folder is made; the system's choice if None.
        """
        self._on_progress = on_progress
        self._on_result = on_result
        self._on_error = on_error
        self._on_cancelled = on_cancelled
        self._start_process = start_process
        self._temporary_path = temporary_path
        self._process: WorkerProcess | None = None
        self._folder: tempfile.TemporaryDirectory | None = None
        self._reason = ""
        self._error = ""
        self._spoke = False
        self.state = RunState.IDLE
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self._poll)

    def start(self, volume: Volume, parameters: Parameters) -> None:
        """Hand the CT to a new worker process and return at once.

        Raises:
            RuntimeError: A run is in progress.
            OutputError: The temporary folder cannot be written.
            DependencyError: Slicer has no Python of its own.
            OSError: The worker cannot be started.
        """
        if self.state is not RunState.IDLE:
            raise RuntimeError("A segmentation is already running.")
        self._error = ""
        self._spoke = False
        self._folder = tempfile.TemporaryDirectory(
            prefix="COVIDLesionSeg-", dir=self._temporary_path, ignore_cleanup_errors=True
        )
        try:
            self._process = self._start_process(_write_request(volume, parameters, self._path))
        except Exception:
            self._clean_up()
            raise
        self.state = RunState.RUNNING
        self._timer.start()

    def cancel(self, reason: str) -> None:
        """End the worker and all it started; ``on_cancelled(reason)`` follows once it is gone."""
        if self.state is not RunState.RUNNING:
            return
        self.state = RunState.CANCELLING
        self._reason = reason
        self._process.kill()

    def stop_now(self) -> None:
        """End the run and clean up before returning, without callbacks: Slicer is closing."""
        if self.state is RunState.IDLE:
            return
        self._process.kill()
        self._process.wait(LAST_WAIT_SECONDS)
        self._clean_up()

    def _poll(self) -> None:
        # The exit code is asked for first: what was said before the end is then heard below.
        exit_code = self._process.exit_code()
        if self.state is RunState.RUNNING:
            self._hear()
        if exit_code is None or self.state is RunState.IDLE:
            return
        if self.state is RunState.CANCELLING:
            self._clean_up()
            self._on_cancelled(self._reason)
        else:
            self._finish(exit_code)

    def _hear(self) -> None:
        for message in self._process.messages():
            self._spoke = True
            if "error" in message:
                self._error = message["message"]
            elif self.state is RunState.RUNNING:
                self._on_progress(Progress(**message))

    def _finish(self, exit_code: int) -> None:
        result, error = None, self._error
        if exit_code == 0:
            try:
                result = load_result(self._path / RESULT_FOLDER)
            except CovidLesionSegError as unreadable:
                error = str(unreadable)
        else:
            logging.warning("The segmentation process printed:\n%s", self._process.log())
            error = error or unexpected_end(exit_code, self._spoke)
        self._clean_up()
        if result is not None:
            self._on_result(result)
        else:
            self._on_error(error)

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)

    def _clean_up(self) -> None:
        self._timer.stop()
        self._process = None
        self._folder.cleanup()
        self._folder = None
        self.state = RunState.IDLE


def _write_request(volume: Volume, parameters: Parameters, folder: Path) -> Path:
    given = folder / INPUT_FOLDER
    given.mkdir()
    save_volume(volume, given)
    options = SegmentVolumeOptions(volume=given, parameters=parameters)
    return save_request(folder, "segment_volume", options.to_dict())
