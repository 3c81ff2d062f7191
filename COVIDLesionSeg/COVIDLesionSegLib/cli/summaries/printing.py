"""What all summaries print alike."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from ... import RESEARCH_USE_NOTICE

if TYPE_CHECKING:
    from ...engine.flags import Flag

MOST_FAILURES = 20
"""Named one by one."""


def summary_console() -> Console:
    """Standard output, without colours of Rich's own choice and without broken lines."""
    return Console(highlight=False, soft_wrap=True)


def print_flags(console: Console, flags: Iterable[Flag]) -> None:
    """Quality flags, one a line."""
    for flag in flags:
        console.print(f"  [yellow]{flag.level}[/yellow]: {escape(flag.message)}")


def print_files(console: Console, folder: Path, files: Iterable[tuple[str, str]]) -> None:
    """What was written and where, by name and content, and that it is for research."""
    for name, content in files:
        console.print(f"  {content:<25} {folder / name}", markup=False)
    console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")


def shell_word(text: str) -> str:
    """A word of a command that can be pasted into the shell of this system."""
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)
