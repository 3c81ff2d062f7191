"""What a finished job says on standard output."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.remarks import UNTRAINED_MARK, is_untrained
from ..engine.result import SegmentationResult
from ..engine.severity import RegionSeverity
from ..engine.text import millilitres, percent
from ..report.result_files import (
    DISAGREEMENT,
    INFECTION_PICTURE,
    REPORT_HTML,
    REPORT_JSON,
    SCENE,
    SLICES_PICTURE,
)
from .progress_display import print_json_line


def print_summary(result: SegmentationResult, out: Path, json_lines: bool, quiet: bool) -> None:
    """Print the severity, the flags and where the files are; one JSON line for machines."""
    folder = out.expanduser().resolve()
    if json_lines:
        severity = result.severity
        line = {"done": str(folder), "category": severity.category, "ratio": severity.ratio}
        if is_untrained(result.flags):
            line["untrained"] = True
        print_json_line(line)
    elif not quiet:
        _print_for_people(result, folder)


def _print_for_people(result: SegmentationResult, folder: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    severity = result.severity
    headline = severity.rules[0]
    category = headline.category or "n/a"
    if is_untrained(result.flags):
        console.print(f"[bold red]{UNTRAINED_MARK}[/bold red]  random weights: not a result")
    console.print(
        f"[bold]Severity {category}[/bold]  {percent(headline.ratio)} · {escape(headline.title)}"
    )
    for region in severity.regions:
        console.print(
            f"  {region.region:<11} {percent(region.ratio):>8} infected, "
            f"{millilitres(region.lesion_ml)} of {millilitres(region.lung_ml)} ml{_parts(region)}"
        )
    for flag in result.flags:
        console.print(f"  [yellow]{flag.level}[/yellow]: {escape(flag.message)}")
    console.print()
    disagreement = [(DISAGREEMENT, "ensemble disagreement")]
    for name, content in (
        (SLICES_PICTURE, "slices with overlay"),
        (INFECTION_PICTURE, "3D infection model"),
        (REPORT_HTML, "report for people"),
        (REPORT_JSON, "report for programs"),
        (SCENE, "scene for 3D Slicer"),
        *(disagreement if result.disagreement is not None else []),
    ):
        console.print(f"  {content:<21} {folder / name}", markup=False)
    console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")


def _parts(region: RegionSeverity) -> str:
    """The volume of each lesion class, where there are several."""
    if len(region.lesion_class_ml) < 2:
        return ""
    parts = (f"{escape(name)} {millilitres(ml)}" for name, ml in region.lesion_class_ml.items())
    return f" ({', '.join(parts)})"
