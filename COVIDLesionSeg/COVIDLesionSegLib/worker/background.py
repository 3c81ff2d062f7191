"""A job in a worker process, as the panel and the console run it."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..engine import errors
from ..engine.errors import Cancelled, CovidLesionSegError, DependencyError, OutputError
from ..engine.files import cannot_write
from ..engine.options import Options
from ..engine.progress import Progress, ProgressCallback, sub_progress
from ..engine.steps import Steps, Work, at_once
from .failure_log import keep_log
from .job import WorkerJob
from .process import ChildProcess, WorkerProcess, unexpected_end
from .request import RESULT_FOLDER, STOP_FILE, save_request

LAST_WAIT_SECONDS = 5.0
STEP_SECONDS = 0.02
"""About how long one :meth:`BackgroundJob.poll` works on what is handed over."""

_BUSY_SECONDS = 0.05
"""Processor time between two signs of life that shows that something is being computed."""

Result = TypeVar("Result")
Handed = TypeVar("Handed")


class BackgroundJob(Generic[Result]):
    """A job in a worker process; who waits for it calls :meth:`poll`.

    Everything that the job needs for itself lies in one private temporary folder, which is gone
    when the job is over, however it ended. What is handed to the worker and what it gives back are
    written and read in short steps, a few in each poll.

    Attributes:
        kept_log: What a worker printed that failed unexpectedly; None if none did.
    """

    def __init__(
        self,
        job: WorkerJob[Result],
        progress: ProgressCallback,
        *,
        start_process: Callable[[Path], WorkerProcess] = ChildProcess,
        temporary_path: str | None = None,
    ) -> None:
        """Make the private folder; the worker is started by :meth:`poll`.

        Args:
            job: The job.
            progress: Called with every report of the job, during :meth:`poll`.
            start_process: Starts the worker on a request file.
            temporary_path: Where the private folder is made; the system's choice if None.

        Raises:
            OutputError: The temporary folder cannot be written.
        """
        self._job = job
        self._prepare = job.prepare
        self._start_process = start_process
        self._progress = progress
        self._report: ProgressCallback = self._tell
        self._fraction = 0.0
        self._retries = list(job.retries)
        self._tried: list[str] = []
        self._error: CovidLesionSegError | None = None
        self._out_of_memory = False
        self._spoke = False
        self._cancelled = False
        self._end_at = math.inf
        self._heard = time.monotonic()
        self._processor_seconds = 0.0
        self.kept_log: Path | None = None
        try:
            self._folder = tempfile.TemporaryDirectory(
                prefix="COVIDLesionSeg-", dir=temporary_path, ignore_cleanup_errors=True
            )
        except OSError as error:
            raise cannot_write(Path(temporary_path or tempfile.gettempdir()), error) from error
        self._giving: Work[Options] | None = None
        self._process: WorkerProcess | None = None
        self._taking: Work[Result] | None = None

    @property
    def silent_seconds(self) -> float:
        """For how long nothing was heard of the worker, neither progress nor computing."""
        return 0.0 if self._process is None else time.monotonic() - self._heard

    @property
    def hurries(self) -> bool:
        """Whether the next :meth:`poll` has something to do already."""
        return self._process is None or self._taking is not None

    def poll(self) -> Result | None:
        """Go on: hand over, start the worker, report its progress, or take the result.

        Returns:
            The result once it is there; None before.

        Raises:
            Cancelled: The worker has stopped after :meth:`cancel`.
            CovidLesionSegError: What the job raised; or the worker could not be started, or ended
                unexpectedly.
        """
        try:
            result = self._go_on()
        except BaseException:
            self.close()
            raise
        if result is not None:
            self.close()
        return result

    def cancel(self) -> None:
        """End the worker and all it started, without waiting: :meth:`poll` tells when it has.

        A job that takes time to stop is asked to, and ended by :meth:`poll` if it does not. What it
        had done by then, or could not do, is told as if it had not been cancelled.
        """
        if self._cancelled:
            return
        self._cancelled = True
        if self._process is not None:
            if self._job.stop_seconds:
                with suppress(OSError):  # without the file it goes on, and is ended in time
                    (self._path / STOP_FILE).touch()
            self._end_at = time.monotonic() + self._job.stop_seconds
            self._end_if_late(self._process)

    def close(self) -> None:
        """End the worker if it runs, wait until it is gone, and remove the folder."""
        for work in (self._giving, self._taking):
            if work is not None:
                work.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait(LAST_WAIT_SECONDS)
        self._folder.cleanup()

    def _go_on(self) -> Result | None:
        if self._process is None:
            self._hand_over()
            return None
        # The exit code is asked for first: what was said before the end is then heard below.
        exit_code = self._process.exit_code()
        if self._taking is None:
            self._hear(self._process)
        if exit_code is None:
            self._end_if_late(self._process)
            return None
        if self._cancelled and not self._ended_by_itself(exit_code):
            raise Cancelled
        if exit_code != 0:
            failure = self._failure(self._process, exit_code)
            if self._cancelled or not self._try_again():
                raise failure
            return None
        if self._taking is None:
            self._taking = _work(self._job.load(self._job.out or self._path / RESULT_FOLDER))
        if self._taking.go_on(STEP_SECONDS):
            return self._taking.result
        return None

    def _ended_by_itself(self, exit_code: int) -> bool:
        """Whether a cancelled job that was asked to stop was done already, or failed."""
        failed = self._error is not None and not isinstance(self._error, Cancelled)
        return bool(self._job.stop_seconds) and (exit_code == 0 or failed)

    def _end_if_late(self, process: WorkerProcess) -> None:
        """End a cancelled worker whose time to stop by itself is over."""
        if time.monotonic() >= self._end_at:
            process.kill()
            self._end_at = math.inf

    def _hand_over(self) -> None:
        if self._cancelled:
            raise Cancelled
        if self._giving is None:
            told = sub_progress(self._report, 0.0, self._job.prepared)
            self._giving = _work(self._prepare(self._path, told))
        if not self._giving.go_on(STEP_SECONDS) or self._giving.result is None:
            return
        if self._cancelled:  # by the progress callback
            raise Cancelled
        self._report = sub_progress(self._report, self._job.prepared, 1.0)
        options = self._giving.result.to_dict()
        request = save_request(self._path, self._job.name, options, self._job.out)
        self._heard = time.monotonic()
        try:
            self._process = self._start_process(request)
        except OSError as error:
            raise OutputError(
                f"The background process could not be started ({error.strerror}): check the "
                "installation, and the free memory."
            ) from error

    def _hear(self, process: WorkerProcess) -> None:
        for message in process.messages():
            self._spoke = True
            if "alive" in message:
                if message["alive"] - self._processor_seconds > _BUSY_SECONDS:
                    self._processor_seconds = message["alive"]
                    self._heard = time.monotonic()
                continue
            self._heard = time.monotonic()
            if "error" in message:
                self._error = error_from(message)
                self._out_of_memory = message["error"] == MemoryError.__name__
            elif not self._cancelled:  # perhaps by the progress callback
                self._report(Progress(**message))

    def _failure(self, process: WorkerProcess, exit_code: int) -> CovidLesionSegError:
        printed = process.log().strip()
        if printed:
            logging.warning("The background process printed:\n%s", printed)
        crashed = self._error is None
        if crashed or self._out_of_memory or type(self._error) is CovidLesionSegError:
            ended = f"ended with exit code {exit_code}: {self._error or 'it did not say why'}"
            self.kept_log = keep_log(self._job.name, ended, printed, self._path)
        if not (crashed or self._out_of_memory):
            self._retries.clear()
        error = self._error or CovidLesionSegError(unexpected_end(exit_code, self._spoke))
        if self._tried and (crashed or self._out_of_memory):
            tried = " and then ".join(self._tried)
            return CovidLesionSegError(f"{error} It was tried again with {tried}, in vain.")
        return error

    def _try_again(self) -> bool:
        """Begin the next attempt, if there is one."""
        if not self._retries:
            return False
        retry = self._retries.pop(0)
        self._tried.append(retry.tried)
        if self._process is not None:
            self._process.kill()  # what it may have started
        for left in (self._path / RESULT_FOLDER, *self._path.glob(f".{RESULT_FOLDER}*")):
            shutil.rmtree(left, ignore_errors=True)
        self._process = self._giving = self._error = None
        self._out_of_memory = self._spoke = False
        self._processor_seconds = 0.0
        self._prepare = retry.prepare
        done = self._fraction
        self._report = sub_progress(self._tell, done, 1.0)
        self._tell(Progress(retry.announcement, done))
        return True

    def _tell(self, progress: Progress) -> None:
        self._fraction = progress.fraction
        self._progress(progress)

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)


def _work(handed: Steps[Handed] | Handed) -> Work[Handed]:
    return Work(handed if isinstance(handed, Generator) else at_once(handed))


def error_from(message: dict[str, Any]) -> CovidLesionSegError:
    """The error that a worker told, of the same class where it is one of this package's."""
    name, sentence = message["error"], message["message"]
    if name in ("ImportError", "ModuleNotFoundError"):
        return DependencyError(sentence)
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, CovidLesionSegError)):
        return CovidLesionSegError(sentence)
    error = kind(sentence)
    error.option = message.get("option")
    return error
