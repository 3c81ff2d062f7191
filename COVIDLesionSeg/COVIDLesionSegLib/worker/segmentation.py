"""The segmentation of one CT in a worker process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..engine.parameters import Parameters
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Volume
from ..jobs import SegmentVolumeOptions
from .given_ct import given_ct, write_ct_in_steps
from .job import Retry, WorkerJob

Result = TypeVar("Result")


def segment_in_background(
    volume: Steps[Volume],
    parameters: Parameters,
    load: Callable[[Path], Steps[Result]],
    *,
    surfaces_on: tuple[float, ...] = (),
    lungs: Steps[npt.NDArray[np.uint8]] | None = None,
    only_lungs: bool = False,
) -> WorkerJob[Result]:
    """The job ``segment_volume`` on a CT of the window.

    Where it crashes or runs out of memory, it is tried again with one patch at a time, and then on
    the CPU; a note among the flags of the result says so.

    Args:
        volume: Gives the CT, in steps.
        parameters: Everything else that decides the result.
        load: Reads the result from its folder, in steps, such as
            :func:`~COVIDLesionSegLib.engine.result.load_result_in_steps`.
        surfaces_on: Matrix of the surfaces that the worker makes, see
            :class:`~COVIDLesionSegLib.jobs.SegmentVolumeOptions`; none by default.
        lungs: Gives the lungs, which are then not looked for, in steps: shape (k, j, i), 1 right, 2
            left.
        only_lungs: Look for the lungs only.
    """

    options = SegmentVolumeOptions(
        volume=Path(),
        surfaces_on=surfaces_on,
        only_lungs=only_lungs,
        parameters=parameters,
    )

    def given(
        folder: Path, progress: ProgressCallback, options: SegmentVolumeOptions
    ) -> SegmentVolumeOptions:
        place, lungs_file = given_ct(folder, lungs is not None)
        return replace(options, volume=place, lungs_file=lungs_file)

    def prepare(folder: Path, progress: ProgressCallback) -> Steps[SegmentVolumeOptions]:
        yield from write_ct_in_steps(folder, volume, lungs)
        return given(folder, progress, options)

    return WorkerJob(
        "segment_volume",
        prepare,
        load,
        retries=tuple(
            Retry(f"Trying again with {how}", how, partial(given, options=smaller))
            for how, smaller in _smaller(options)
        ),
    )


def _smaller(options: SegmentVolumeOptions) -> Iterator[tuple[str, SegmentVolumeOptions]]:
    """What takes less memory, and then what needs no GPU: each with words for people."""
    parameters = replace(options.parameters, batch_size=1)
    how = "one patch at a time"
    if parameters != options.parameters:
        yield how, _after_crash(options, parameters, how)
    if parameters.device != "cpu" and (parameters.device != "auto" or _may_have_gpu()):
        parameters = replace(parameters, device="cpu")
        how = "one patch at a time on the CPU"
        yield how, _after_crash(options, parameters, how)


def _after_crash(
    options: SegmentVolumeOptions, parameters: Parameters, how: str
) -> SegmentVolumeOptions:
    note = f"The first attempt crashed or ran out of memory; this result was computed with {how}."
    return replace(options, parameters=parameters, note=note)


def _may_have_gpu() -> bool:
    """Whether this computer may have a GPU for PyTorch, which only the worker loads."""
    return sys.platform == "darwin" or shutil.which("nvidia-smi") is not None
