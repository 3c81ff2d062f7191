"""The segmentation of one CT in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..engine.parameters import Parameters
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Volume
from ..engine.volume.exact import save_volume_in_steps
from ..jobs import SegmentVolumeOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, RESULT_FOLDER, save_request

Result = TypeVar("Result")


def segment_in_background(
    volume: Steps[Volume],
    parameters: Parameters,
    load: Callable[[Path], Steps[Result]],
    progress: ProgressCallback,
    *,
    surfaces_on: tuple[float, ...] = (),
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[Result]:
    """Hand a CT to a new worker process, which runs the job ``segment_volume``.

    Args:
        volume: Gives the CT, in steps.
        parameters: Everything else that decides the result.
        load: Reads the result from its folder, in steps, such as
            :func:`~COVIDLesionSegLib.engine.result.load_result_in_steps`.
        progress: Called with every report of the worker.
        surfaces_on: Matrix of the surfaces that the worker makes, see
            :class:`~COVIDLesionSegLib.jobs.SegmentVolumeOptions`; none by default.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Returns:
        The job, which does nothing until it is polled.

    Raises:
        OutputError: The temporary folder cannot be written.
    """

    def write_request(folder: Path) -> Steps[Path]:
        given = folder / INPUT_FOLDER
        given.mkdir()
        yield from save_volume_in_steps((yield from volume), given)
        options = SegmentVolumeOptions(volume=given, surfaces_on=surfaces_on, parameters=parameters)
        return save_request(folder, "segment_volume", options.to_dict())

    return BackgroundJob(
        write_request,
        lambda folder: load(folder / RESULT_FOLDER),
        progress,
        start_process=start_process,
        temporary_path=temporary_path,
    )
