"""The main job of the command line: a CT in, a result folder out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from .result_folder import output_folder

_SEGMENTING, _WRITING = 0.05, 0.8
"""Shares of the whole job at which these stages start."""


def run_job(
    get_volume: Callable[[Path], Volume],
    parameters: Parameters,
    folder: Path,
    report: ProgressCallback,
    cancel: CancelToken,
    inputs: tuple[Path, ...] = (),
) -> SegmentationResult:
    """Segment one CT and publish the result folder, complete or not at all.

    What would stop the job at its end is looked for at its start: an output folder that cannot be
    written, and pictures that cannot be drawn.

    Args:
        get_volume: Reads or makes the CT; it may write files of its own into the folder it is
            given, and they are published with the result.
        parameters: What decides the result.
        folder: Where the result shall appear.
        report: Told at every step.
        cancel: Looked at between steps.
        inputs: Files or folders that must not lie inside ``folder``.

    Raises:
        CovidLesionSegError: In one sentence, what is wrong; ``folder`` is as it was.
        Cancelled: ``cancel`` was set; ``folder`` is as it was.
    """
    report(Progress("Starting", 0.0))
    with output_folder(folder, inputs) as staging:
        from ..headless.bootstrap import require_rendering

        require_rendering()
        cancel.raise_if_cancelled()
        report(Progress("Reading the CT", 0.01))
        volume = get_volume(staging)
        cancel.raise_if_cancelled()
        result = _segment(volume, parameters, report, cancel)
        _write(volume, result, staging, report, cancel)
    report(Progress("Done", 1.0))
    return result


def _segment(
    volume: Volume, parameters: Parameters, report: ProgressCallback, cancel: CancelToken
) -> SegmentationResult:
    from ..engine.inference.allocator import tune_allocator

    tune_allocator()
    from ..engine.pipeline import segment

    return segment(volume, parameters, share_of(report, _SEGMENTING, _WRITING), cancel)


def _write(
    volume: Volume,
    result: SegmentationResult,
    staging: Path,
    report: ProgressCallback,
    cancel: CancelToken,
) -> None:
    from ..report.segmentation import write_result_files

    write_result_files(volume, result, staging, share_of(report, _WRITING, 1.0), cancel)
