"""A result that was saved, read at once; the package itself reads in steps."""

from __future__ import annotations

from pathlib import Path

from COVIDLesionSegLib.engine.result import SegmentationResult, load_result_in_steps
from COVIDLesionSegLib.engine.steps import finish


def load_result(folder: Path) -> SegmentationResult:
    """What :func:`save_result` wrote."""
    return finish(load_result_in_steps(folder))
