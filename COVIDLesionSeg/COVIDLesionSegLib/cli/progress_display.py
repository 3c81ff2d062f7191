"""Progress on the terminal: a bar for people, JSON lines for machines, or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress


class Job(Protocol):
    """A long job of a command."""

    @property
    def out(self) -> Path:
        """Where its results go."""

    def run(self, report: ProgressCallback, cancel: CancelToken) -> list[str]:
        """Do it all, and give lines to tell the user."""


@contextmanager
def progress_display(json_lines: bool, quiet: bool) -> Iterator[ProgressCallback]:
    """Give the callback that shows progress the way the user asked for.

    JSON lines go to standard output, one ``{"stage", "fraction", "message"}`` per report. The bar
    goes to standard error, so that standard output stays clean for pipes.
    """
    if json_lines:
        yield lambda progress: print_json_line(asdict(progress))
    elif quiet:
        yield ignore_progress
    else:
        with _bar() as (bar, task):

            def show(progress: Progress) -> None:
                text = f"{escape(progress.stage)}  [dim]{escape(progress.message)}[/dim]"
                bar.update(task, completed=progress.fraction, description=text)

            yield show


def print_json_line(content: dict) -> None:
    """One object on one line of standard output, at once."""
    print(json.dumps(content, allow_nan=False), flush=True, file=sys.stdout)


def run_and_tell(job: Job, cancel: CancelToken, json_lines: bool, quiet: bool) -> None:
    """Run a job, showing its progress as above; then print its lines, or one JSON line of them."""
    with progress_display(json_lines, quiet) as report:
        lines = job.run(report, cancel)
    if json_lines:
        print_json_line({"done": str(job.out), "lines": lines})
    elif not quiet:
        print("\n".join(lines))


@contextmanager
def _bar() -> Iterator[tuple[ProgressBar, int]]:
    columns = (
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with ProgressBar(*columns, console=Console(stderr=True)) as bar:
        yield bar, bar.add_task("Starting", total=1.0)
