"""A comparison of CTs that the window has, in a worker process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError
from ..engine.followup import COMPARISON_JSON, TREND_PICTURE, changes_file
from ..engine.followup.study import Study
from ..engine.followup.study_folder import save_study_in_steps
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..engine.volume import read_array
from ..jobs import CompareOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, RESULT_FOLDER, save_request

JOB = "compare"


@dataclass(frozen=True, eq=False)
class ComparedStudies:
    """What a comparison gave.

    Attributes:
        facts: The content of ``comparison.json``.
        changes: Of each pair of studies its label map, uint8 (k, j, i), on the grid of the later
            CT: see ``CHANGE_STYLES`` of the engine's labels; None where lesions were not matched.
        chart: Lesions over the studies, PNG; None where the page was not asked for.
    """

    facts: dict[str, Any]
    changes: tuple[npt.NDArray[np.uint8] | None, ...]
    chart: bytes | None


def compare_in_background(
    studies: Sequence[Steps[Study]],
    progress: ProgressCallback,
    *,
    days: tuple[int, ...] = (),
    page: bool = False,
    out: Path | None = None,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[ComparedStudies]:
    """Write studies in steps, and have a new worker process compare them.

    Args:
        studies: The earliest first; each is read in steps when its turn comes.
        progress: Called with every report of the worker.
        days: Of each study, where they are known.
        page: Also make the page and the chart, which need Jinja and Matplotlib.
        out: Folder of the comparison; a private one, gone with the job, by default.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Raises:
        OutputError: The temporary folder cannot be written.
    """

    def write_request(folder: Path) -> Steps[Path]:
        places = []
        for number, steps in enumerate(studies, start=1):
            study = yield from steps
            places.append(folder / INPUT_FOLDER / str(number))
            places[-1].mkdir(parents=True)
            yield from save_study_in_steps(study, places[-1])
            del study
        options = CompareOptions(studies=tuple(places), days=days, page=page)
        return save_request(folder, JOB, options.to_dict(), out)

    return BackgroundJob(
        write_request,
        lambda folder: _load(out or folder / RESULT_FOLDER),
        progress,
        name=JOB,
        start_process=start_process,
        temporary_path=temporary_path,
    )


def _load(folder: Path) -> ComparedStudies:
    try:
        facts = json.loads((folder / COMPARISON_JSON).read_text("utf-8"))
        changes = [
            None
            if pair["lesions"] is None
            else read_array(folder / changes_file(pair["earlier"], pair["later"]))[0]
            for pair in facts["pairs"]
        ]
        picture = folder / TREND_PICTURE
        chart = picture.read_bytes() if picture.is_file() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("The comparison was lost: compare again.") from error
    return ComparedStudies(facts, tuple(changes), chart)
