"""What jobs on several CTs print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ... import RESEARCH_USE_NOTICE
from ...engine.followup import COMPARISON_HTML, COMPARISON_JSON, TREND_PICTURE, changes_file
from ...engine.text import counted, millilitres, percent
from ...report.result_files import COHORT_CSV, COHORT_HTML, LESION_CHANGES_CSV, VOLUMES_CSV
from ..progress_display import print_json_line
from .printing import MOST_FAILURES, print_files, print_flags, summary_console

if TYPE_CHECKING:
    from ...engine.followup.compare import Comparison
    from ...jobs.cohort import Cohort


def print_cohort(cohort: Cohort, folder: Path, json_lines: bool) -> None:
    """How many cases were done, why others failed, and where the table is."""
    done = len(cohort.cases) - len(cohort.failed)
    if json_lines:
        print_json_line(
            {
                "done": str(folder),
                "cases": len(cohort.cases),
                "finished": done,
                "failed": [case.case for case in cohort.failed],
                "left_out": len(cohort.left_out),
            }
        )
        return
    console = summary_console()
    failed = f", {len(cohort.failed)} failed" if cohort.failed else ""
    console.print(f"[bold]{done} of {counted(len(cohort.cases), 'case')} done[/bold]{failed}")
    if cohort.skipped:
        console.print(f"  {cohort.skipped} kept from an earlier run")
    for case in cohort.failed[:MOST_FAILURES]:
        why = case.error["message"] if case.error else ""
        console.print(
            f"  [red]failed[/red]  {escape(case.case)} ({escape(case.place)}): {escape(why)}"
        )
    if (more := len(cohort.failed) - MOST_FAILURES) > 0:
        console.print(f"  and {more} more, see {COHORT_CSV}")
    if cohort.left_out:
        console.print(f"  {len(cohort.left_out)} left out, see {COHORT_HTML}")
    console.print()
    console.print(f"Table   {escape(str(folder / COHORT_CSV))}", soft_wrap=True)
    console.print(f"Page    {escape(str(folder / COHORT_HTML))}", soft_wrap=True)
    console.print(RESEARCH_USE_NOTICE, style="dim")


def print_comparison(comparison: Comparison, folder: Path, json_lines: bool) -> None:
    """How the lesions changed from study to study, the quality flags and where the files are."""
    from ...engine.flags import UNTRAINED_MARK, is_untrained
    from ...report.comparison import lesion_counts

    counts = [lesion_counts(pair) for pair in comparison.pairs]
    untrained = any(is_untrained(study.flags) for study in comparison.studies)
    if json_lines:
        done = {"done": str(folder), "studies": len(comparison.studies), "lesions": counts}
        print_json_line({**done, "untrained": True} if untrained else done)
        return
    console = summary_console()
    if untrained:
        console.print(f"[bold red]{UNTRAINED_MARK}[/bold red]  random weights: not a result")
    for pair, kinds in zip(comparison.pairs, counts, strict=True):
        console.print(f"[bold]Study {pair.earlier} to study {pair.later}[/bold]")
        for region in pair.changes:
            lesion, relative = region.lesion_ml, region.lesion_ml.relative
            change = "n/a" if relative is None else f"{relative:+.0%}"
            console.print(
                f"  {region.region:<11} {millilitres(lesion.earlier)} to "
                f"{millilitres(lesion.later)} ml of lesion ({change}), "
                f"{percent(region.ratio.earlier)} to {percent(region.ratio.later)} infected"
            )
        lesions = "n/a" if kinds is None else ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        console.print(f"  lesions: {lesions}")
    print_flags(console, comparison.flags)
    console.print()
    segments = [
        (changes_file(pair.earlier, pair.later), f"lesions of {pair.earlier} and {pair.later}")
        for pair in comparison.pairs
    ]
    files = (
        (COMPARISON_HTML, "HTML report"),
        (TREND_PICTURE, "chart"),
        (COMPARISON_JSON, "report for programs"),
        (VOLUMES_CSV, "table of volumes"),
        (LESION_CHANGES_CSV, "table of lesions"),
    )
    written = [file for file in (*files, *segments) if (folder / file[0]).is_file()]
    print_files(console, folder, written)
