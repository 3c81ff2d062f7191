"""A reviewed case from a worker process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from ..engine.files import write_bytes
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Geometry
from ..jobs import RestoreCaseOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, RESULT_FOLDER, save_request

Result = TypeVar("Result")


def restore_in_background(
    case: Path,
    geometry: Geometry,
    surfaces_on: tuple[float, ...],
    load: Callable[[Path], Steps[Result]],
    progress: ProgressCallback,
    *,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[Result]:
    """Have a new worker process read a reviewed case with the job ``restore_case``.

    Args:
        case: Folder of the case.
        geometry: The CT's grid.
        surfaces_on: See :class:`~COVIDLesionSegLib.jobs.RestoreCaseOptions`.
        load: Reads the result from its folder, in steps.
        progress: Called with every report of the worker.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Raises:
        OutputError: The temporary folder cannot be written.
    """

    def write_request(folder: Path) -> Path:
        given = folder / INPUT_FOLDER
        given.mkdir()
        grid = given / "grid.json"
        write_bytes(json.dumps(asdict(geometry)).encode(), grid)
        options = RestoreCaseOptions(case=case, grid=grid, surfaces_on=surfaces_on)
        return save_request(folder, "restore_case", options.to_dict())

    return BackgroundJob(
        write_request,
        lambda folder: load(folder / RESULT_FOLDER),
        progress,
        start_process=start_process,
        temporary_path=temporary_path,
    )
