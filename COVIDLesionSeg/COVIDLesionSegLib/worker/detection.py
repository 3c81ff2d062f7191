"""The lesions of one CT, found one by one in a worker process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..engine.detection.result import LesionDetection, load_detection_in_steps
from ..engine.parameters import Parameters
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Volume
from ..jobs import DetectVolumeOptions
from .given_ct import given_ct, write_ct_in_steps
from .job import WorkerJob


def detect_in_background(
    volume: Steps[Volume],
    lungs: Steps[npt.NDArray[np.uint8]],
    parameters: Parameters,
) -> WorkerJob[LesionDetection]:
    """The job ``detect_volume`` on a CT and lungs of the window.

    Args:
        volume: Gives the CT, in steps.
        lungs: Gives its lungs, in steps: shape (k, j, i), 1 right, 2 left.
        parameters: Their model is a detector.
    """

    def prepare(folder: Path, progress: ProgressCallback) -> Steps[DetectVolumeOptions]:
        yield from write_ct_in_steps(folder, volume, lungs)
        place, lungs_file = given_ct(folder, True)
        return DetectVolumeOptions(volume=place, lungs_file=lungs_file, parameters=parameters)

    return WorkerJob("detect_volume", prepare, load_detection_in_steps)
