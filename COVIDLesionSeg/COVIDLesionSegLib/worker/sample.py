"""The sample CT from a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..engine.progress import ProgressCallback
from ..engine.volume import Volume
from ..engine.volume.exact import load_volume
from ..jobs import SampleCtOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import RESULT_FOLDER, save_request


def sample_ct_in_background(
    options: SampleCtOptions,
    progress: ProgressCallback,
    *,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[Volume]:
    """Have a new worker process generate the sample CT with the job ``sample_ct``.

    Args and errors: as for :func:`.segmentation.segment_in_background`.
    """
    return BackgroundJob(
        lambda folder: save_request(folder, "sample_ct", options.to_dict()),
        lambda folder: load_volume(folder / RESULT_FOLDER),
        progress,
        start_process=start_process,
        temporary_path=temporary_path,
    )
