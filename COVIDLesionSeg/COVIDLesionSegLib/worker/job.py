"""A job for a worker process, as a value: who runs it makes a :class:`.BackgroundJob` of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ..engine.options import Options
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps

Result = TypeVar("Result")

Prepare = Callable[[Path, ProgressCallback], Steps[Options] | Options]
"""Writes what the job reads into its private folder, and gives the job's options; at once, or in
steps, of which it may report progress."""


@dataclass(frozen=True)
class Retry:
    """Another attempt, after a worker crashed or ran out of memory.

    Attributes:
        announcement: What is being done, for people.
        tried: How it was tried, for the sentence on a failure: ``"one patch at a time"``.
        prepare: As the one of :class:`WorkerJob`.
    """

    announcement: str
    tried: str
    prepare: Prepare


@dataclass(frozen=True, eq=False)
class WorkerJob(Generic[Result]):
    """What a worker process is asked for, and how its answer is read.

    Attributes:
        name: One of ``COVIDLesionSegLib.jobs.OPTIONS``.
        prepare: Called with the job's private folder just before the worker is started.
        load: Reads the result from what the job wrote, before the private folder is removed; at
            once, or in steps.
        out: What the job writes; something in its private folder, gone when it is over, if None.
        retries: What to try, one after the other, where the worker crashes or memory runs out.
        prepared: Progress when ``prepare`` is done, from 0 to 1.
        stop_seconds: How long a job that is cancelled may take to stop by itself, as one that
            writes a checkpoint then; it is ended at once if 0.
    """

    name: str
    prepare: Prepare
    load: Callable[[Path], Steps[Result] | Result]
    out: Path | None = None
    retries: tuple[Retry, ...] = ()
    prepared: float = 0.0
    stop_seconds: float = 0.0


def job_in_background(
    name: str,
    options: Options,
    load: Callable[[Path], Steps[Result] | Result],
    out: Path | None = None,
) -> WorkerJob[Result]:
    """A job that needs nothing but its options; see :class:`WorkerJob`."""
    return WorkerJob(name, lambda folder, progress: options, load, out)
