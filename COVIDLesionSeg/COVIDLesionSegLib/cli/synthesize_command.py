"""``covid-lesion-seg synthesize``: more slices to learn from, with lesions pasted into lungs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.parameters import Parameters
from ..report.result_files import SYNTHESIS_PICTURE
from . import options
from .outcome import clear_outcome
from .progress_display import print_json_line, progress_display

if TYPE_CHECKING:
    from ..engine.synthesis.synthesize import Synthesis


def synthesize(
    slices: Annotated[
        Path,
        typer.Option("--slices", help="Slice folder: index.csv, img/, lesion/ and lung/."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New slice folder for the synthetic slices.")
    ],
    amount: Annotated[
        float,
        typer.Option("--amount", help="Synthetic slices per infected slice; best in the paper: 1."),
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same gives the same slices.")] = 0,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            help="Patient that gives neither lesions nor lungs, as for validation; repeatable.",
        ),
    ] = None,
    healthy_ct: Annotated[
        list[Path] | None,
        typer.Option(
            "--healthy-ct",
            help="CT of somebody without lesions, who is not in the slice folder; repeatable. "
            "Slices without lesions of the slice folder serve, too.",
        ),
    ] = None,
    lungs: options.LungsOption = Parameters.lungs,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Paste lesions of infected slices into healthy lungs (COVID-Rate), for training."""
    parameters = options.parameters_from(lungs=lungs)
    with clear_outcome(debug) as cancel:
        with progress_display(json_progress, quiet) as report:
            from ..jobs.synthesis import run_synthesis

            synthesis = run_synthesis(
                slices,
                out,
                parameters,
                report,
                cancel,
                amount=amount,
                seed=seed,
                leave_out=leave_out or [],
                healthy_cts=healthy_ct or [],
            )
        _print_summary(synthesis, out.expanduser().resolve(), json_progress, quiet)


def _print_summary(synthesis: Synthesis, folder: Path, json_lines: bool, quiet: bool) -> None:
    made = len(synthesis.slices)
    if json_lines:
        print_json_line({"done": str(folder), "slices": made, "wanted": synthesis.wanted})
    elif not quiet:
        console = Console(highlight=False, soft_wrap=True)
        console.print(
            f"[bold]{made} synthetic slices[/bold] from {synthesis.infected} infected and "
            f"{synthesis.healthy} healthy ones; {synthesis.too_small} pairs left too little lesion"
        )
        if made < synthesis.wanted:
            console.print(
                f"  [yellow]warning[/yellow]: {synthesis.wanted} were asked for, but no pair is "
                "used twice: give more healthy slices."
            )
        console.print(escape(f"  examples  {folder / SYNTHESIS_PICTURE}"))
        console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")
