"""What a finished job says on standard output."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.result import SegmentationResult
from ..engine.wording import millilitres, percent
from .progress_display import print_json_line
from .result_names import INFECTION_PICTURE, REPORT_HTML, REPORT_JSON, SCENE, SLICES_PICTURE


def print_summary(result: SegmentationResult, out: Path, json_lines: bool, quiet: bool) -> None:
    """Print the severity, the flags and where the files are; one JSON line for machines."""
    folder = out.expanduser().resolve()
    if json_lines:
        severity = result.severity
        print_json_line(
            {"done": str(folder), "category": severity.category, "ratio": severity.ratio}
        )
    elif not quiet:
        _print_for_people(result, folder)


def _print_for_people(result: SegmentationResult, folder: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    headline = result.severity.rules[0]
    category = headline.category or "n/a"
    console.print(
        f"[bold]Severity {category}[/bold]  {percent(headline.ratio)} · {escape(headline.title)}"
    )
    for region in result.severity.regions:
        console.print(
            f"  {region.region:<11} {percent(region.ratio):>8} infected, "
            f"{millilitres(region.lesion_ml)} of {millilitres(region.lung_ml)} ml"
        )
    for flag in result.flags:
        console.print(f"  [yellow]{flag.level}[/yellow]: {escape(flag.message)}")
    console.print()
    for name, content in (
        (SLICES_PICTURE, "slices with overlay"),
        (INFECTION_PICTURE, "3D infection model"),
        (REPORT_HTML, "report for people"),
        (REPORT_JSON, "report for programs"),
        (SCENE, "scene for 3D Slicer"),
    ):
        console.print(f"  {content:<20} {folder / name}", markup=False)
    console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")
