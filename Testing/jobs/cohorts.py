"""Small generated cohorts."""

from __future__ import annotations

from pathlib import Path

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.progress import ignore_progress

PARAMETERS = Parameters(device="cpu")


def run(cts: Path, out: Path, progress=ignore_progress, **options):
    """``batch`` on a folder of CTs."""
    chosen = jobs.BatchOptions(sources=(cts,), parameters=PARAMETERS, **options)
    return jobs.batch(chosen, out, progress=progress)
