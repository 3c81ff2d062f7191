"""A reviewed case from a worker process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from ..engine.files import write_bytes
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import Geometry
from ..jobs import RestoreCaseOptions
from .job import WorkerJob
from .request import INPUT_FOLDER

Result = TypeVar("Result")


def restore_in_background(
    case: Path,
    geometry: Geometry,
    surfaces_on: tuple[float, ...],
    load: Callable[[Path], Steps[Result]],
) -> WorkerJob[Result]:
    """The job ``restore_case``, which reads a reviewed case.

    Args:
        case: Folder of the case.
        geometry: The CT's grid.
        surfaces_on: See :class:`~COVIDLesionSegLib.jobs.RestoreCaseOptions`.
        load: Reads the result from its folder, in steps.
    """

    def prepare(folder: Path, progress: ProgressCallback) -> RestoreCaseOptions:
        given = folder / INPUT_FOLDER
        given.mkdir()
        grid = given / "grid.json"
        write_bytes(json.dumps(asdict(geometry)).encode(), grid)
        return RestoreCaseOptions(case=case, grid=grid, surfaces_on=surfaces_on)

    return WorkerJob("restore_case", prepare, load)
