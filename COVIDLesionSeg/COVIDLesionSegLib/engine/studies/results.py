"""What a study found: the scores of each row, and how long it was trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..evaluation.counts import SliceCount
from ..files import write_bytes
from ..metrics.overlap import Confusion, Value, mean_and_sd
from . import Column, Printed, Study

ROW_JSON = "row.json"
_FAR_BELOW = 0.5
"""Share of the paper's epochs below which a row is marked."""


@dataclass(frozen=True)
class FoldResult:
    """One training of a row, and what it was scored on.

    Attributes:
        held_out: Patients that were scored.
        steps: Optimiser steps trained.
        epochs: The same in epochs; None where the folder of the training does not say.
    """

    held_out: tuple[str, ...]
    steps: int
    epochs: float | None


@dataclass(frozen=True)
class RowResult:
    """What became of a row.

    Attributes:
        id: Id of the row.
        asked: Everything that decided it; a row with the same is not trained again.
        scores: By :attr:`~.Column.ours`: value, and spread over slices or folds; 0 to 1, None where
            undefined.
        slices: Number of slices scored, of all folds.
        folds: Each training.
        paper_epochs: Epochs of the paper; None where its recipe counts steps.
        parameters: Trainable parameters of the network.
        stopped_early: Some training ended before its last step, as the recipe stops early.
        machine: Hardware that computed the scores.
        software: Versions.
        notes: What else to know, one sentence each.
    """

    id: str
    asked: dict[str, Any]
    scores: dict[str, tuple[Value, Value]]
    slices: int
    folds: tuple[FoldResult, ...]
    paper_epochs: int | None
    parameters: int
    stopped_early: bool
    machine: str
    software: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def epochs(self) -> Value:
        """Mean epochs trained over the folds; None where not known."""
        return mean_and_sd([fold.epochs for fold in self.folds])[0]

    @property
    def steps(self) -> int:
        """Steps of the longest training."""
        return max(fold.steps for fold in self.folds)

    @property
    def patients(self) -> list[str]:
        """Everyone who was scored, each once, sorted."""
        return sorted({name for fold in self.folds for name in fold.held_out})

    @property
    def far_below(self) -> bool:
        """Whether it was trained for less than half of the paper's epochs, by its user's choice."""
        if self.epochs is None or self.paper_epochs is None or self.stopped_early:
            return False
        return self.epochs < _FAR_BELOW * self.paper_epochs

    @property
    def length(self) -> str:
        """How long it was trained, for people."""
        mean = " on average" if len(self.folds) > 1 else ""
        steps = f"{self.steps} step{'s' if self.steps != 1 else ''}"
        if self.epochs is None or self.paper_epochs is None:
            return f"trained {steps}"
        early = ", stopped early" if self.stopped_early else ""
        told = f"trained {self.epochs:.3g} of the paper's {self.paper_epochs} epochs{mean}"
        return f"{told}{early} ({steps})"


def scores_of(
    columns: Sequence[Column], folds: Sequence[Sequence[SliceCount]]
) -> dict[str, tuple[Value, Value]]:
    """Our score for each column, by :attr:`~.Column.ours`, from the slices of every fold."""
    return {column.ours: _score(column, folds) for column in columns}


def _score(column: Column, folds: Sequence[Sequence[SliceCount]]) -> tuple[Value, Value]:
    if column.over == "pooled":
        every = sum((slice_.pixels for fold in folds for slice_ in fold), Confusion())
        return getattr(every, column.measure), None
    infected = [
        [getattr(slice_.pixels, column.measure) for slice_ in fold if slice_.infected]
        for fold in folds
    ]
    if column.over == "folds":
        return mean_and_sd([mean_and_sd(values)[0] for values in infected])
    return mean_and_sd([value for values in infected for value in values])


def write_row(result: RowResult, folder: Path) -> None:
    """Write ``row.json``; raises OutputError where that fails."""
    write_bytes((json.dumps(asdict(result), indent=2) + "\n").encode(), folder / ROW_JSON)


def read_row(folder: Path) -> RowResult | None:
    """What :func:`write_row` wrote; None where there is nothing, or nothing that can be read."""
    try:
        values = json.loads((folder / ROW_JSON).read_text(encoding="utf-8"))
        values["scores"] = {name: tuple(pair) for name, pair in values["scores"].items()}
        values["folds"] = tuple(
            FoldResult(**fold | {"held_out": tuple(fold["held_out"])}) for fold in values["folds"]
        )
        return RowResult(**values | {"notes": tuple(values["notes"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class TableComparison:
    """A figure of the paper beside ours, in the paper's unit.

    Attributes:
        printed, printed_spread: The paper's; None where there is none.
        ours, spread: Ours; None where the row was not run or the score is undefined.
        difference: Ours less the paper's; None where one is missing.
    """

    printed: Value
    printed_spread: Value
    ours: Value
    spread: Value
    difference: Value


def compare_with_paper(
    column: Column, printed: Printed, result: RowResult | None
) -> TableComparison:
    """One cell of the paper's table beside ours."""
    value, spread = result.scores[column.ours] if result else (None, None)
    scale = 100.0 if column.percent else 1.0
    ours, spread = (None if one is None else scale * one for one in (value, spread))
    difference = None if ours is None or printed[0] is None else ours - printed[0]
    return TableComparison(*printed, ours, spread, difference)


@dataclass(frozen=True)
class StudyResult:
    """A study, and the rows of it that were run.

    Attributes:
        study: The paper's table.
        results: By the row's id.
        settings: Values that the user set in the recipes of all rows, by dotted names, the steps
            among them; empty where the recipes are the paper's.
    """

    study: Study
    results: dict[str, RowResult]
    settings: dict[str, Any]
