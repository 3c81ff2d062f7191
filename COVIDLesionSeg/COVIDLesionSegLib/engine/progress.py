"""Progress of a long job, and the way to cancel it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """One report of a long job.

    Attributes:
        stage: What is being done, for people: ``"Finding the lungs"``.
        fraction: Share of the whole job that is done, 0 to 1, never decreasing.
        message: A detail worth showing, or an empty string.
    """

    stage: str
    fraction: float
    message: str = ""


ProgressCallback = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """A callback for jobs that nobody watches."""


class CancelToken:
    """Set by whoever wants a job to stop, looked at by the job between its steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop at its next step."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` if the job was asked to stop."""
        if self.cancelled:
            raise Cancelled


def sub_progress(progress: ProgressCallback, start: float, end: float) -> ProgressCallback:
    """A callback for a part of a job: its 0 to 1 become ``[start, end]`` of the whole."""

    def within(said: Progress) -> None:
        fraction = start + (end - start) * min(max(said.fraction, 0.0), 1.0)
        progress(Progress(said.stage, fraction, said.message))

    return within


class StageClock:
    """How long the stages of a job took.

    Attributes:
        seconds: By stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within the block."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
