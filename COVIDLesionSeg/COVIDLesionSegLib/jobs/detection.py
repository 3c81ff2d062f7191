"""A CT in; its lesions one by one out."""

from __future__ import annotations

from pathlib import Path

from ..engine.detection.detect import detector_of, find_lesions
from ..engine.detection.result import LesionDetection, save_detection
from ..engine.inference.allocator import tune_allocator
from ..engine.models.choice import check_choice, check_others
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..engine.severity.lobes_file import read_lobes
from ..engine.volume import read_array, read_volume
from ..engine.volume.exact import load_volume
from ..report.detection import write_detection
from ..report.result_files import LESIONS_RESULT
from .options import DetectOptions, DetectVolumeOptions
from .result_folder import result_folder

_FINDING, _WRITING = 0.05, 0.95
"""Fractions of the whole job at which these stages start."""


def detect(
    options: DetectOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> LesionDetection:
    """Find the lesions of a CT one by one, and write table, label map, picture and report.

    Args:
        options: The CT and the model.
        out: Result folder: absent, empty, or an earlier result of this job, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Starting", 0.0))
    tune_allocator()
    inputs = tuple(filter(None, (options.ct, options.lobes_file)))
    with result_folder(Path(out), inputs, LESIONS_RESULT) as staging:
        segmented = detector_of(options.parameters) is None
        (check_choice if segmented else check_others)(options.parameters)
        progress(Progress("Reading the CT", 0.01))
        volume = read_volume(options.ct, options.series)
        lobes = None
        if options.lobes_file is not None:
            lobes = read_lobes(options.lobes_file, options.lobe_labels, volume.geometry)
        cancel.raise_if_cancelled()
        found = find_lesions(
            volume,
            options.parameters,
            options.least_score,
            sub_progress(progress, _FINDING, _WRITING),
            cancel,
            lobes,
        )
        progress(Progress("Writing the report", _WRITING))
        write_detection(volume, found, staging)
    progress(Progress("Done", 1.0))
    return found


def detect_volume(
    options: DetectVolumeOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> LesionDetection:
    """Find the lesions of a CT of another process one by one, and write them for it to read.

    Args:
        options: Where :func:`~COVIDLesionSegLib.engine.volume.exact.save_volume` wrote the CT, its
            lungs, and the model.
        out: A new folder for :func:`~COVIDLesionSegLib.engine.detection.result.save_detection`.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: As for :func:`detect`; there is no ``out``.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    volume = load_volume(options.volume)
    lungs = None if options.lungs_file is None else read_array(options.lungs_file)[0]
    tune_allocator()
    found = find_lesions(
        volume,
        options.parameters,
        progress=sub_progress(progress, 0.0, _WRITING),
        cancel=cancel,
        lungs=lungs,
    )
    save_detection(found, Path(out))
    progress(Progress("Handing over the result", 1.0))
    return found
