"""Progress: a bar on a terminal, lines in a log, JSON lines for machines, or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from ..engine.progress import Progress, ProgressCallback, ignore_progress


@contextmanager
def progress_display(json_lines: bool, quiet: bool) -> Iterator[ProgressCallback]:
    """Give the callback that shows progress the way the user asked for.

    JSON lines go to standard output, one ``{"stage", "fraction", "message"}`` per report. The bar
    goes to standard error, so that standard output stays clean for pipes. Where standard error is
    a file, it gets a line for each stage, and one with the message for each tenth of a long one.
    """
    if json_lines:
        yield lambda progress: print_json_line(
            asdict(progress) | {"fraction": round(progress.fraction, 4)}
        )
    elif quiet:
        yield ignore_progress
    elif not sys.stderr.isatty():
        yield _log_stages()
    else:
        with _bar() as (bar, task):

            def show(progress: Progress) -> None:
                text = f"{escape(progress.stage)}  [dim]{escape(progress.message)}[/dim]"
                bar.update(task, completed=progress.fraction, description=text)

            yield show


def print_json_line(content: dict[str, Any]) -> None:
    """One object on one line of standard output, at once."""
    print(json.dumps(content, allow_nan=False), flush=True, file=sys.stdout)


def _log_stages() -> ProgressCallback:
    last, tenth = "", 0

    def log(progress: Progress) -> None:
        nonlocal last, tenth
        further = progress.message and int(10 * progress.fraction) > tenth
        if progress.stage != last or further:
            message = f": {progress.message}" if progress.stage == last else ""
            last, tenth = progress.stage, int(10 * progress.fraction)
            text = f"{progress.fraction:4.0%}  {progress.stage}{message}"
            print(text, file=sys.stderr, flush=True)

    return log


@contextmanager
def _bar() -> Iterator[tuple[ProgressBar, TaskID]]:
    columns = (
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with ProgressBar(*columns, console=Console(stderr=True)) as bar:
        yield bar, bar.add_task("Starting", total=1.0)
