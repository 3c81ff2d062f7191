"""``covid-lesion-seg demo``: the whole main job on a generated chest CT; needs nothing else."""

from __future__ import annotations

from pathlib import Path

from ..engine.parameters import Parameters
from ..engine.volume import Volume
from ..jobs.segmentation import run_job
from ..report.result_files import GENERATED_CT
from . import options
from .outcome import clear_outcome
from .progress_display import progress_display
from .summary import print_summary

_SIZE = (432, 336, 56)
_SPACING_MM = (0.75, 0.75, 5.0)


def demo(
    out: options.OutOption = Path("covid-lesion-seg-demo"),
    model: options.ModelOption = None,
    allow_untrained: options.AllowUntrainedOption = Parameters.allow_untrained,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Run the whole main job on a generated chest CT; nothing else is needed."""
    parameters = options.parameters_from(model=model, allow_untrained=allow_untrained)
    with clear_outcome(debug) as cancel:
        with progress_display(json_progress, quiet) as report:
            result = run_job(_generate, parameters, out, report, cancel)
        print_summary(result, out, json_progress, quiet)


def _generate(staging: Path) -> Volume:
    from ..engine.phantom import generate_chest_ct
    from ..engine.volume.writing import write_volume

    volume = generate_chest_ct(size=_SIZE, spacing=_SPACING_MM).volume
    write_volume(volume.array, volume.geometry, staging / GENERATED_CT)
    return volume
