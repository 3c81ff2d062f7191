"""The interpreter of background processes: Slicer's own, or the one that SLICER_PYTHON names."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from functools import lru_cache
from pathlib import Path
from unittest import mock

from COVIDLesionSegLib.panel.preparing import dependencies

SLICERS_OWN = ("PYTHONHOME", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Environment variables that Slicer's launcher sets, with which no other interpreter works."""
FILE_NAME = "PythonSlicer"
"""What the software looks for on the path."""


def missing_packages() -> list[str]:
    """Names of the packages of every run that the interpreter of background processes lacks."""
    return [] if _other() else dependencies.missing_packages()


def use(case: unittest.TestCase) -> None:
    """Let this test's background processes use the interpreter that SLICER_PYTHON names, if any."""
    other = _other()
    if not other:
        return
    path = os.pathsep.join([_launcher_folder(other), os.environ.get("PATH", "")])
    # Slicer's Python may lack what the other has: nothing is to be installed into it.
    for patch in (
        mock.patch.dict(os.environ, {"PATH": path}),
        mock.patch(
            "COVIDLesionSegLib.panel.preparing.dependencies.missing_requirements", return_value=[]
        ),
    ):
        patch.start()
        case.addCleanup(patch.stop)


def _other() -> str | None:
    return os.environ.get("SLICER_PYTHON") or None


@lru_cache
def _launcher_folder(interpreter: str) -> str:
    """A folder with a launcher of ``interpreter`` under the name of Slicer's own."""
    if sys.platform == "win32":
        raise RuntimeError("SLICER_PYTHON is not supported on Windows: install into Slicer's own.")
    folder = Path(tempfile.mkdtemp(prefix="worker-python-"))
    unset = " ".join(f"-u {name}" for name in SLICERS_OWN)
    launcher = folder / FILE_NAME
    # Slicer's own folders on PYTHONPATH stay behind the module's, which the software puts first.
    launcher.write_text(
        f'#!/bin/sh\nexec env {unset} PYTHONPATH="${{PYTHONPATH%%:*}}" "{interpreter}" "$@"\n'
    )
    launcher.chmod(0o755)
    subprocess.run([str(launcher), "-c", "import torch, monai"], check=True)
    return str(folder)
