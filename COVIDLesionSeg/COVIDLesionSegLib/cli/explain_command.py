"""``covid-lesion-seg explain``: one slice inside a network, block by block."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..jobs.result_folder import output_folder
from ..report.result_files import (
    EXPLANATION_FORMAT,
    EXPLANATION_JSON,
    EXPLANATION_RESULT,
    EXPLANATION_VERSION,
    FEATURES_PICTURE,
)
from . import options
from .outcome import clear_outcome
from .progress_display import print_json_line, progress_display

if TYPE_CHECKING:
    from ..engine.explain.slice_explanation import SliceExplanation


def explain(
    ct: Annotated[
        Path, typer.Argument(metavar="CT", help="NIfTI, NRRD or MHA file, or DICOM folder.")
    ],
    out: options.OutOption,
    slice_index: Annotated[
        int | None,
        typer.Option(
            "--slice", help="From 0 at the inferior end; by default the one with the most lesion."
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option("--series", help="SeriesInstanceUID, where a folder has several.")
    ] = None,
    model: options.ModelOption = None,
    lungs: options.LungsOption = Parameters.lungs,
    device: options.DeviceOption = Parameters.device,
    precision: options.PrecisionOption = Parameters.precision,
    allow_untrained: options.AllowUntrainedOption = False,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Show a network's feature maps and attention maps for one slice, as a picture."""
    parameters = options.parameters_from(
        model=model,
        lungs=lungs,
        device=device,
        precision=precision,
        allow_untrained=allow_untrained,
    )
    with clear_outcome(debug) as cancel:
        with progress_display(json_progress, quiet) as report:
            explanation = _explain(ct, series, out, parameters, slice_index, report, cancel)
        folder = out.expanduser().resolve()
        if json_progress:
            print_json_line({"done": str(folder), "slice": explanation.index})
        elif not quiet:
            _print_for_people(explanation, folder)


def _explain(
    ct: Path,
    series: str | None,
    out: Path,
    parameters: Parameters,
    index: int | None,
    report: ProgressCallback,
    cancel: CancelToken,
) -> SliceExplanation:
    report(Progress("Starting", 0.0))
    with output_folder(out, (ct,), EXPLANATION_RESULT) as staging:
        from ..engine.inference.allocator import tune_allocator

        tune_allocator()
        from ..engine.explain.slice_explanation import explain_slice
        from ..engine.volume import read_volume
        from ..report.explanation import write_explanation_figure

        report(Progress("Reading the CT", 0.01))
        volume = read_volume(ct, series)
        explanation = explain_slice(volume, parameters, index, share_of(report, 0.05, 0.9), cancel)
        report(Progress("Drawing", 0.9))
        write_explanation_figure(explanation, staging / FEATURES_PICTURE)
        content = json.dumps(_facts(explanation, parameters), indent=2)
        (staging / EXPLANATION_JSON).write_text(content + "\n", encoding="utf-8")
        cancel.raise_if_cancelled()
    report(Progress("Done", 1.0))
    return explanation


def _facts(explanation: SliceExplanation, parameters: Parameters) -> dict[str, Any]:
    weights = explanation.model.card.weights
    return {
        "format": EXPLANATION_FORMAT,
        "version": EXPLANATION_VERSION,
        "research_use_notice": RESEARCH_USE_NOTICE,
        "software": __version__,
        "model": explanation.model.id,
        "weights_sha256": weights.sha256 if weights else None,
        "parameters": parameters.to_dict(),
        "slice": explanation.index,
        "blocks": [
            {"name": one.name, "shape": list(one.shape), "channels_shown": list(one.channels)}
            for one in explanation.blocks
        ],
        "attention_gates": [name for name, _ in explanation.attention],
        "flags": [asdict(flag) for flag in explanation.flags],
    }


def _print_for_people(explanation: SliceExplanation, folder: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]Slice {explanation.index}[/bold] through {escape(explanation.model.title)}: "
        f"{len(explanation.blocks)} blocks, {len(explanation.attention)} attention gates"
    )
    for flag in explanation.flags:
        console.print(f"  [yellow]{flag.level}[/yellow]: {escape(flag.message)}")
    console.print(f"  {folder / FEATURES_PICTURE}", markup=False)
    console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")
