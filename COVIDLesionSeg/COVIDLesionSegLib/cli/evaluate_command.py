"""``covid-lesion-seg evaluate``: models against what experts saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.parameters import Parameters
from ..engine.text import score_text
from ..report.result_files import EVALUATION_HTML, EVALUATION_JSON, SCORES_CSV
from . import options
from .outcome import clear_outcome
from .progress_display import print_json_line, progress_display

if TYPE_CHECKING:
    from ..engine.evaluation.run import Evaluation


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Slice folder (index.csv, img/, lesion/ and maybe lung/), or CSV file of CTs with "
            "the columns ct, mask (of lesion, on the CT's grid; empty where there is none) and "
            "maybe patient.",
        ),
    ],
    out: options.OutOption,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Model id, or several joined by + for an ensemble; repeatable."
        ),
    ] = None,
    patient: Annotated[
        list[str] | None, typer.Option("--patient", help="Only this patient; repeatable.")
    ] = None,
    lung_mask: Annotated[
        bool | None,
        typer.Option(
            "--lung-mask/--no-lung-mask",
            help="Drop what a model finds outside the lungs; by default for CTs, not for slices.",
        ),
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Let only those members of an ensemble answer a patient that never learned from "
            "them: the members of a cross-validation, judged together.",
        ),
    ] = False,
    write_card: Annotated[
        bool,
        typer.Option("--write-card", help="Write the scores onto the card of your own model."),
    ] = False,
    combination: options.CombinationOption = Parameters.combination,
    lungs: options.LungsOption = Parameters.lungs,
    device: options.DeviceOption = Parameters.device,
    precision: options.PrecisionOption = "float32",
    tiling: options.TilingOption = Parameters.tiling,
    threshold: options.ThresholdOption = Parameters.threshold,
    batch_size: options.BatchSizeOption = Parameters.batch_size,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Score models on slices or CTs that an expert annotated, side by side."""
    names = model or [Parameters().model]
    for name in names:
        parameters = options.parameters_from(
            model=name,
            combination=combination,
            lungs=lungs,
            device=device,
            precision=precision,
            tiling=tiling,
            threshold=threshold,
            batch_size=batch_size,
        )
    with clear_outcome(debug) as cancel:
        with progress_display(json_progress, quiet) as report:
            from ..jobs.evaluation import run_evaluation

            evaluation = run_evaluation(
                data,
                patient,
                names,
                parameters,
                out,
                report,
                cancel,
                lung_mask=lung_mask,
                held_out=held_out,
                write_cards=write_card,
            )
        _print_summary(evaluation, out, json_progress, quiet)


def _print_summary(evaluation: Evaluation, out: Path, json_lines: bool, quiet: bool) -> None:
    folder = out.expanduser().resolve()
    if json_lines:
        dice = {scores.model: scores.pooled["dice"] for scores in evaluation.models}
        print_json_line({"done": str(folder), "dice": dice})
    elif not quiet:
        console = Console(highlight=False, soft_wrap=True)
        console.print(escape(f"Protocol: {evaluation.protocol}"))
        for scores in evaluation.models:
            console.print(
                f"[bold]{escape(scores.model)}[/bold]  Dice {score_text(scores.pooled['dice'])} of "
                f"all {scores.slices} slices pooled; mean {score_text(scores.means['dice'])} and "
                f"sd {score_text(scores.sds['dice'])} of {len(scores.patients)} patients; "
                f"{scores.seconds_per_slice:.2g} s a slice"
            )
            for patient, one in scores.patients.items():
                learned = "  (learned from)" if one.learned_from else ""
                dice = score_text(one.values["dice"])
                console.print(escape(f"  {patient}  {dice}, {one.slices} slices{learned}"))
        console.print()
        for name, content in (
            (EVALUATION_HTML, "all scores, with pictures"),
            (SCORES_CSV, "scores as a table"),
            (EVALUATION_JSON, "scores for programs"),
        ):
            console.print(f"  {content:<26} {folder / name}", markup=False)
        console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")
