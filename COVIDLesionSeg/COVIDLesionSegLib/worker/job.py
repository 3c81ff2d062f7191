"""Any job that needs nothing but its options, in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..engine.options import Options
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import RESULT_FOLDER, save_request

Result = TypeVar("Result")


def job_in_background(
    job: str,
    options: Options,
    load: Callable[[Path], Steps[Result] | Result],
    progress: ProgressCallback,
    *,
    out: Path | None = None,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[Result]:
    """Have a new worker process run a job, which is started by the first polls.

    Args:
        job: Its name, one of ``COVIDLesionSegLib.jobs.OPTIONS``.
        options: Its options.
        load: Reads the result from what the job wrote; at once, or in steps.
        progress: Called with every report of the worker.
        out: What the job writes; something in its private folder by default, gone when it is over.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Raises:
        OutputError: The temporary folder cannot be written. That a worker cannot be started,
            :meth:`.background.BackgroundJob.poll` raises.
    """
    return BackgroundJob(
        lambda folder: save_request(folder, job, options.to_dict(), out),
        lambda folder: load(out or folder / RESULT_FOLDER),
        progress,
        start_process=start_process,
        temporary_path=temporary_path,
    )
