"""The lesions of one CT, found one by one in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..engine.detection.result import LesionDetection, load_detection_in_steps
from ..engine.parameters import Parameters
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Volume
from ..jobs import DetectVolumeOptions
from .background import BackgroundJob
from .given_ct import given_ct, write_ct_in_steps
from .process import ChildProcess, WorkerProcess
from .request import RESULT_FOLDER, save_request

JOB = "detect_volume"


def detect_in_background(
    volume: Steps[Volume],
    lungs: Steps[npt.NDArray[np.uint8]],
    parameters: Parameters,
    progress: ProgressCallback,
    *,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[LesionDetection]:
    """Hand a CT and its lungs to a new worker process, which runs the job ``detect_volume``.

    Args:
        volume: Gives the CT, in steps.
        lungs: Gives its lungs, in steps: shape (k, j, i), 1 right, 2 left.
        parameters: Their model is a detector.
        progress: Called with every report of the worker.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Raises:
        OutputError: The temporary folder cannot be written.
    """

    def write(folder: Path) -> Steps[Path]:
        yield from write_ct_in_steps(folder, volume, lungs)
        place, lungs_file = given_ct(folder, True)
        options = DetectVolumeOptions(volume=place, lungs_file=lungs_file, parameters=parameters)
        return save_request(folder, JOB, options.to_dict())

    return BackgroundJob(
        write,
        lambda folder: load_detection_in_steps(folder / RESULT_FOLDER),
        progress,
        name=JOB,
        start_process=start_process,
        temporary_path=temporary_path,
    )
