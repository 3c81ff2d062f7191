"""The papers' comparisons, as data: which networks, losses and rates they set side by side.

One JSON file in ``definitions`` for each. ``settings`` of a row are those of ``train --set``, on
the recipe of its network, or the recipe that it or the study names. ``printed`` holds the paper's
figures of a row in the order of ``columns``: a number, a number and its spread, or null where the
paper has none or our copy of it cannot be read, as ``notes`` then say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ParameterError
from ..text import near_names

FOLDER = Path(__file__).parent / "definitions"


@dataclass(frozen=True)
class Column:
    """One column of a paper's table, and the score of ours that is set beside it.

    Attributes:
        title: As the paper calls it.
        measure: Property of :class:`~..metrics.overlap.Confusion`.
        over: How ours is taken: mean and standard deviation over the infected ``"slices"`` of all
            folds; over ``"folds"`` of the mean of a fold's infected slices; or of all pixels of all
            folds ``"pooled"``.
        data: The paper's data set, where its columns differ in it; else empty.
        percent: The paper prints percent.
    """

    title: str
    measure: str
    over: str
    data: str = ""
    percent: bool = False

    @property
    def ours(self) -> str:
        """Name of our score: several columns of a table may have the same."""
        return f"{self.measure} over {self.over}" if self.over != "pooled" else self.measure


Printed = tuple[float | None, float | None]
"""A paper's figure and its spread, as printed; None where there is none."""


@dataclass(frozen=True)
class StudyRow:
    """One row of a paper's table.

    Attributes:
        id: Short name, of files too.
        title: As the paper calls it.
        printed: The paper's figures, one for each column.
        network: Model of the catalogue whose network is trained.
        recipe: Name of its recipe; None for the network's own.
        settings: Values of the recipe that this row sets, by dotted names.
        not_run: Why this software trains no such row; empty where it does.
    """

    id: str
    title: str
    printed: tuple[Printed, ...]
    network: str = ""
    recipe: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    not_run: str = ""


@dataclass(frozen=True)
class Study:
    """One comparison of a paper.

    Attributes:
        name: Name of the study.
        title: What it compares.
        paper: Its authors and identifier.
        table: Where the paper prints it.
        folds: How patients are held out unless the user says otherwise, as for ``train --folds``.
        spread: What stands behind the paper's ±; empty where it prints none.
        columns, rows: Columns and rows of the table.
        notes: What differs from the paper, and what cannot be read.
    """

    name: str
    title: str
    paper: str
    table: str
    folds: str
    spread: str
    columns: tuple[Column, ...]
    rows: tuple[StudyRow, ...]
    notes: tuple[str, ...]

    def row(self, row_id: str) -> StudyRow:
        """The row of this id; raises ParameterError where there is none, or it cannot be run."""
        for row in self.rows:
            if row.id == row_id:
                if row.not_run:
                    raise ParameterError(f"The row {row_id} is not run: {row.not_run}")
                return row
        runnable = [row.id for row in self.rows if not row.not_run]
        raise ParameterError(
            f"The study {self.name} has no row {row_id!r}: {near_names(row_id, runnable)}",
            option="rows",
        )

    def with_network(self, model: str) -> Study:
        """The same comparison of another network, trained by its own recipe.

        Args:
            model: Of the catalogue; its network takes the place of the paper's.

        Raises:
            ParameterError: The study compares networks.
        """
        if len({row.network for row in self.rows if row.network}) > 1:
            raise ParameterError(
                f"The rows of {self.name} differ in their networks, so no other one can take their "
                "place: leave it out.",
                option="network",
            )
        rows = tuple(
            replace(row, network=model, recipe=None) if row.network else row for row in self.rows
        )
        note = f"All rows have the network and the recipe of {model}, in place of the paper's."
        return replace(self, rows=rows, notes=(note, *self.notes))


def study_names() -> tuple[str, ...]:
    """Names of all studies, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def read_study(name: str) -> Study:
    """The study of this name; raises ParameterError where there is none."""
    if name not in study_names():
        raise ParameterError(f"There is no study {name!r}: {near_names(name, study_names())}")
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    shared = {key: content.pop(key) for key in ("network", "recipe") if key in content}
    columns = tuple(Column(**values) for values in content.pop("columns"))
    rows = tuple(_row(shared | values) for values in content.pop("rows"))
    return Study(
        name=name, columns=columns, rows=rows, notes=tuple(content.pop("notes")), **content
    )


def _row(values: dict[str, Any]) -> StudyRow:
    printed = tuple(
        (value[0], value[1]) if isinstance(value, list) else (value, None)
        for value in values["printed"]
    )
    return StudyRow(**values | {"printed": printed})
