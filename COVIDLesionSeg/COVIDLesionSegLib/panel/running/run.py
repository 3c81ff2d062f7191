"""One job in the background: from its start to a result, an error, or a cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Generic, TypeVar

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import Cancelled, CovidLesionSegError, in_one_sentence
from ...engine.progress import Progress
from ...worker.background import BackgroundJob
from ...worker.job import WorkerJob
from ...worker.process import ChildProcess, WorkerProcess

POLL_INTERVAL_MS = 100
HURRY_INTERVAL_MS = 10
"""Between two steps of handing over: Slicer's window gets its turn in between."""

Result = TypeVar("Result")


class RunState(Enum):
    """Where a run is; every change is made by :class:`Run`."""

    IDLE = auto()
    RUNNING = auto()
    CANCELLING = auto()


@dataclass
class _Active(Generic[Result]):
    """The run in progress."""

    job: BackgroundJob[Result]
    cancel_reason: str | None = None
    result: Result | None = None
    arrived: bool = False


class Run(Generic[Result]):
    """At most one worker process at a time, polled on a timer so that the window stays live.

    Attributes:
        start_process: Starts the worker on a request file; tests may supply another.
        kept_log: What a worker of the last run printed that failed unexpectedly; else None.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None],
        on_result: Callable[[Result], None],
        on_error: Callable[[str], None],
        on_cancelled: Callable[[str], None],
        on_arrival: Callable[[Result], None] | None = None,
    ) -> None:
        """Exactly one of ``on_result``, ``on_error`` and ``on_cancelled`` ends each run.

        Args:
            on_progress: Hears every report of the worker.
            on_result: Gets the result.
            on_error: Gets one sentence for people.
            on_cancelled: Gets the reason given to :meth:`cancel`.
            on_arrival: Gets the result first, while the run still goes on and can be cancelled, in
                a turn of the event loop before that of ``on_result``; what it raises ends the run.
        """
        self._on_arrival = on_arrival
        self._on_progress = on_progress
        self._on_result = on_result
        self._on_error = on_error
        self._on_cancelled = on_cancelled
        self.start_process: Callable[[Path], WorkerProcess] = ChildProcess
        self._active: _Active[Result] | None = None
        self.kept_log: Path | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self._poll)

    @property
    def silent_seconds(self) -> float:
        """For how long nothing was heard of the worker, neither progress nor computing."""
        return 0.0 if self._active is None else self._active.job.silent_seconds

    @property
    def state(self) -> RunState:
        if self._active is None:
            return RunState.IDLE
        return RunState.RUNNING if self._active.cancel_reason is None else RunState.CANCELLING

    def start(self, job: WorkerJob[Result]) -> None:
        """Begin a job and return at once; its worker process is started soon.

        Raises:
            RuntimeError: A run is in progress.
            OutputError: The temporary folder cannot be written.
        """
        if self._active is not None:
            raise RuntimeError("A run is in progress already.")
        self.kept_log = None
        background_job = BackgroundJob(
            job,
            self._on_progress,
            start_process=self.start_process,
            temporary_path=slicer.app.temporaryPath,
        )
        self._active = _Active(background_job)
        self._timer.setInterval(HURRY_INTERVAL_MS)
        self._timer.start()

    def cancel(self, reason: str) -> None:
        """End the run, see :meth:`~...worker.background.BackgroundJob.cancel`.

        ``on_cancelled(reason)`` follows once the worker and all it started are gone.
        """
        if self._active is not None and self._active.cancel_reason is None:
            self._active.cancel_reason = reason
            self._active.job.cancel()

    def stop_now(self) -> None:
        """End the run and clean up before returning, without callbacks: Slicer is closing."""
        if self._active is not None:
            self._active.job.close()
            self._end()

    def _poll(self) -> None:
        active = self._active
        if active is None:
            return
        try:
            if active.result is None:
                active.result = active.job.poll()
                if active.result is not None:
                    active.cancel_reason = None  # it was done before it could stop
            elif active.cancel_reason is not None:
                raise Cancelled
            elif self._on_arrival is not None and not active.arrived:
                active.arrived = True
                self._on_arrival(active.result)
            else:
                self._end()
                self._on_result(active.result)
                return
        except Cancelled as cancelled:
            self._end()
            self._on_cancelled(active.cancel_reason or str(cancelled))
        except CovidLesionSegError as error:
            if self._active is None:
                raise
            self._end()
            self._on_error(str(error))
        except Exception as error:
            if self._active is None:  # raised by who got the result
                raise
            self._end()
            self._on_error(in_one_sentence(error))
            raise
        else:
            hurries = active.result is not None or active.job.hurries
            self._timer.setInterval(HURRY_INTERVAL_MS if hurries else POLL_INTERVAL_MS)

    def _end(self) -> None:
        self._timer.stop()
        if self._active is not None:
            self.kept_log = self._active.job.kept_log
        self._active = None


def end_of_console(error: BaseException | None) -> tuple[str, bool]:
    """What to say of a segmentation of the console that is over, and whether it is a warning."""
    if error is None:
        return _("The segmentation of the Python console is done."), False
    if isinstance(error, (Cancelled, KeyboardInterrupt)):
        return _(
            "The segmentation of the Python console was cancelled: nothing was changed."
        ), False
    return _("The segmentation of the Python console failed: {reason}").format(
        reason=in_one_sentence(error)
    ), True
