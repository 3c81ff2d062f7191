"""The segmentation of one CT in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..engine.parameters import Parameters
from ..engine.progress import ProgressCallback
from ..engine.result import SegmentationResult, load_result
from ..engine.volume import Volume
from ..engine.volume.exact import save_volume
from ..jobs import SegmentVolumeOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, RESULT_FOLDER, save_request


def segment_in_background(
    volume: Volume,
    parameters: Parameters,
    progress: ProgressCallback,
    *,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[SegmentationResult]:
    """Hand the CT to a new worker process, which runs the job ``segment_volume``.

    Args:
        volume: The CT.
        parameters: Everything else that decides the result.
        progress: Called with every report of the worker.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Returns:
        The job, whose result lies on the CT's grid.

    Raises:
        OutputError: The temporary folder cannot be written.
        DependencyError: Slicer has no Python of its own.
        OSError: The worker cannot be started.
    """

    def write_request(folder: Path) -> Path:
        given = folder / INPUT_FOLDER
        given.mkdir()
        save_volume(volume, given)
        options = SegmentVolumeOptions(volume=given, parameters=parameters)
        return save_request(folder, "segment_volume", options.to_dict())

    return BackgroundJob(
        write_request,
        lambda folder: load_result(folder / RESULT_FOLDER),
        progress,
        start_process=start_process,
        temporary_path=temporary_path,
    )
