"""The options of a study of a paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import ParameterError
from ...engine.options import Options, option
from ...engine.studies import study_names
from . import shared


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Options):
    """A comparison of a paper, the labelled data, and for how long each row is trained."""

    study: str = option(
        f"The comparison: {', '.join(study_names())}.",
        positional=True,
        metavar="NAME",
        choices=study_names(),
    )
    data: Path = option(
        "Slice folder: index.csv, img/, lesion/ and maybe lung/; or CSV file with the columns ct, "
        "mask, patient.",
        positional=True,
        metavar="DATA",
        shown_as="DATA",
    )
    rows: tuple[str, ...] = option(
        "Only this row of the paper's table, by its id in study.csv; repeatable.", (), flag="row"
    )
    network: str | None = option(
        "Model whose network, and its recipe, take the place of the paper's: a faster one compares "
        "losses or learning rates in less time. Not where the rows are networks.",
        None,
    )
    folds: str | None = option(
        "How patients are held out, as for train: lopo, a number, 60/10/30, or 60/10/30x10 for ten "
        "such splits; by default as in the paper.",
        None,
    )
    validate: tuple[str, ...] = option(
        "Patient to score on, instead of folds; repeatable. Where the recipe selects on "
        "validation, scores are optimistic then.",
        (),
    )
    steps: int | None = shared.steps("as long as in the paper")
    settings: tuple[str, ...] = shared.settings("of all rows' recipes")
    device: str = shared.device()
    workers: int = shared.workers()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folds and self.validate:
            raise ParameterError("Name folds, or patients to score on (validate), not both.")
