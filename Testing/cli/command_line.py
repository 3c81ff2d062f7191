"""Runs the command line, in a process of its own or in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "COVIDLesionSegLib.cli.main", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "200"}


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def ask(*arguments) -> subprocess.CompletedProcess:
    """As ``run``, in this process: what is answered at once without a job needs none of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        done = CliRunner().invoke(app, [str(word) for word in arguments])
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def refused(tmp_path: Path, *arguments) -> str:
    """The only line of a run that failed and wrote nothing."""
    finished = ask("segment", *arguments, "--out", tmp_path / "out", "--quiet")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1, finished.stderr
    assert not (tmp_path / "out").exists()
    return finished.stderr
