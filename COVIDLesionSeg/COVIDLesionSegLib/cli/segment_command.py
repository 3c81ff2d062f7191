"""``covid-lesion-seg segment``: one CT, the whole main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..engine.parameters import Parameters
from ..jobs.segmentation import run_job
from . import options
from .outcome import clear_outcome
from .progress_display import progress_display
from .summary import print_summary


def segment(
    ct: Annotated[
        Path, typer.Argument(metavar="CT", help="NIfTI, NRRD or MHA file, or DICOM folder.")
    ],
    out: options.OutOption,
    series: Annotated[
        str | None, typer.Option("--series", help="SeriesInstanceUID, where a folder has several.")
    ] = None,
    model: options.ModelOption = None,
    combination: options.CombinationOption = Parameters.combination,
    lungs: options.LungsOption = Parameters.lungs,
    device: options.DeviceOption = Parameters.device,
    precision: options.PrecisionOption = Parameters.precision,
    tiling: options.TilingOption = Parameters.tiling,
    threshold: options.ThresholdOption = Parameters.threshold,
    batch_size: options.BatchSizeOption = Parameters.batch_size,
    allow_untrained: options.AllowUntrainedOption = Parameters.allow_untrained,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Segment lungs and COVID-19 lesions in a chest CT, and measure the severity."""
    parameters = options.parameters_from(
        model=model,
        combination=combination,
        lungs=lungs,
        device=device,
        precision=precision,
        tiling=tiling,
        threshold=threshold,
        batch_size=batch_size,
        allow_untrained=allow_untrained,
    )
    with clear_outcome(debug) as cancel:
        with progress_display(json_progress, quiet) as report:
            from ..engine.volume import read_volume

            result = run_job(
                lambda staging: read_volume(ct, series), parameters, out, report, cancel, (ct,)
            )
        print_summary(result, out, json_progress, quiet)
