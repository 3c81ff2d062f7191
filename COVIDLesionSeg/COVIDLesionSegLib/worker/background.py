"""A job in a worker process, as the panel and the console run it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..engine import errors
from ..engine.errors import Cancelled, CovidLesionSegError, DependencyError
from ..engine.progress import Progress, ProgressCallback
from .process import ChildProcess, WorkerProcess, unexpected_end

LAST_WAIT_SECONDS = 5.0

Result = TypeVar("Result")


class BackgroundJob(Generic[Result]):
    """A job in a worker process; who waits for it calls :meth:`poll`.

    Everything that the job needs for itself lies in one private temporary folder, which is gone
    when the job is over, however it ended.
    """

    def __init__(
        self,
        write_request: Callable[[Path], Path],
        load_result: Callable[[Path], Result],
        progress: ProgressCallback,
        *,
        start_process: Callable[[Path], WorkerProcess] = ChildProcess,
        temporary_path: str | None = None,
    ) -> None:
        """Start a new worker process and return at once.

        Args:
            write_request: Writes the request into the private folder and returns its path, see
                :func:`.request.save_request`.
            load_result: Reads the result, given the private folder, before that is removed.
            progress: Called with every report of the worker, during :meth:`poll`.
            start_process: Starts the worker on a request file.
            temporary_path: Where the private folder is made; the system's choice if None.

        Raises:
            OutputError: The temporary folder cannot be written.
            DependencyError: Slicer has no Python of its own.
            OSError: The worker cannot be started.
        """
        self._load_result = load_result
        self._progress = progress
        self._error: CovidLesionSegError | None = None
        self._spoke = False
        self._cancelled = False
        self._folder = tempfile.TemporaryDirectory(
            prefix="COVIDLesionSeg-", dir=temporary_path, ignore_cleanup_errors=True
        )
        try:
            self._process = start_process(write_request(self._path))
        except BaseException:
            self._folder.cleanup()
            raise

    def poll(self) -> Result | None:
        """Report the progress made since the last call.

        Returns:
            The result once the worker is done; None before.

        Raises:
            Cancelled: The worker has ended after :meth:`cancel`.
            CovidLesionSegError: What the job raised; or the worker ended unexpectedly.
        """
        # The exit code is asked for first: what was said before the end is then heard below.
        exit_code = self._process.exit_code()
        self._hear()
        if exit_code is None:
            return None
        try:
            return self._outcome(exit_code)
        finally:
            self._folder.cleanup()

    def cancel(self) -> None:
        """End the worker and all it started, without waiting: :meth:`poll` tells when it has."""
        self._cancelled = True
        self._process.kill()

    def close(self) -> None:
        """End the worker if it runs, wait until it is gone, and remove the folder."""
        self._process.kill()
        self._process.wait(LAST_WAIT_SECONDS)
        self._folder.cleanup()

    def _hear(self) -> None:
        for message in self._process.messages():
            if self._cancelled:  # perhaps by the progress callback
                return
            self._spoke = True
            if "error" in message:
                self._error = error_from(message)
            else:
                self._progress(Progress(**message))

    def _outcome(self, exit_code: int) -> Result:
        if self._cancelled:
            raise Cancelled
        if exit_code == 0:
            return self._load_result(self._path)
        printed = self._process.log().strip()
        if printed:
            logging.warning("The background process printed:\n%s", printed)
        raise self._error or CovidLesionSegError(unexpected_end(exit_code, self._spoke))

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)


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
