"""A comparison of CTs that the window has, in a worker process."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from .job import WorkerJob
from .request import INPUT_FOLDER


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
    *,
    days: tuple[int, ...] = (),
    page: bool = False,
    out: Path | None = None,
) -> WorkerJob[ComparedStudies]:
    """The job ``compare`` on studies of the window, which are handed over in steps.

    Args:
        studies: The earliest first; each is read in steps when its turn comes.
        days: Of each study, where they are known.
        page: Also make the page and the chart, which need Jinja and Matplotlib.
        out: Folder of the comparison; a private one, gone with the job, by default.
    """

    def prepare(folder: Path, progress: ProgressCallback) -> Steps[CompareOptions]:
        places = []
        for number, steps in enumerate(studies, start=1):
            study = yield from steps
            places.append(folder / INPUT_FOLDER / str(number))
            places[-1].mkdir(parents=True)
            yield from save_study_in_steps(study, places[-1])
            del study
        return CompareOptions(studies=tuple(places), days=days, page=page)

    return WorkerJob("compare", prepare, _load, out)


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
