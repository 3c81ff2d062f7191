"""``study.csv``, ``study.html`` and ``study.json``: a paper's table beside ours."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine.studies import Column, StudyRow
from ..engine.studies.results import RowResult, StudyResult, TableComparison, compare_with_paper
from .html_page import write_page
from .json_file import head, write_json
from .result_files import (
    ROW_FOLDER,
    STUDY_CSV,
    STUDY_FORMAT,
    STUDY_HTML,
    STUDY_JSON,
    STUDY_VERSION,
)
from .tables import UNDEFINED, write_table

STUDY_FILES = frozenset({STUDY_CSV, STUDY_HTML, STUDY_JSON, ROW_FOLDER})
"""All files and folders in that of a study."""
_OVER = {
    "slices": "mean ± standard deviation over the infected slices of all held-out patients",
    "folds": (
        "mean ± standard deviation over folds, of the mean over each fold's infected held-out "
        "slices"
    ),
    "pooled": "all pixels of all held-out slices together",
}


def write_study(found: StudyResult, folder: Path) -> None:
    """Write table, page and numbers; rows that were not run are ``n/a``.

    Raises:
        OutputError: A file cannot be written.
    """
    _write_csv(found, folder / STUDY_CSV)
    study = asdict(found.study)
    content = {
        **head(STUDY_FORMAT, STUDY_VERSION),
        "study": study,
        "settings": found.settings,
        "results": {name: asdict(result) for name, result in found.results.items()},
    }
    write_json(content, folder / STUDY_JSON)
    write_page(
        "study_template.html",
        folder / STUDY_HTML,
        study=found.study,
        ours=ours_titles(found),
        rows=[_row(row, found) for row in found.study.rows],
        over=[_OVER[over] for over in dict.fromkeys(column.over for column in found.study.columns)],
        not_comparable=[result for result in found.results.values() if result.far_below],
        notes=_notes(found),
        machines=sorted({result.machine for result in found.results.values()}),
        software=next((result.software for result in found.results.values()), {}),
        held_out=_held_out(found),
        settings=[f"{name}={json.dumps(value)}" for name, value in found.settings.items()],
    )


def _write_csv(found: StudyResult, path: Path) -> None:
    """One line for each row and column of the paper's table, in the paper's unit."""
    write_table(
        [
            *("row", "title", "column", "data_set", "paper", "paper_spread", "ours", "ours_spread"),
            *("difference", "over", "slices", "patients", "folds", "steps", "epochs"),
            *("paper_epochs", "far_below_the_paper", "machine"),
        ],
        [
            [
                *(row.id, row.title, column.title, column.data or UNDEFINED),
                *(cell.printed, cell.printed_spread, cell.ours, cell.spread, cell.difference),
                column.over,
                *_facts(found.results.get(row.id)),
            ]
            for row in found.study.rows
            for column, cell in _cells(row, found)
        ],
        path,
    )


def _facts(result: RowResult | None) -> list[object]:
    if result is None:
        return [None] * 8
    return [
        *(result.slices, len(result.patients), len(result.folds), result.steps, result.epochs),
        *(result.paper_epochs, "yes" if result.far_below else "no", result.machine),
    ]


def _cells(row: StudyRow, found: StudyResult) -> list[tuple[Column, TableComparison]]:
    result = found.results.get(row.id)
    return [
        (column, compare_with_paper(column, printed, result))
        for column, printed in zip(found.study.columns, row.printed, strict=True)
    ]


def ours_titles(found: StudyResult) -> dict[str, str]:
    """Title of each of our scores, by its name; several columns of the paper may share one."""
    return {column.ours: column.title for column in found.study.columns}


def ours_texts(row: StudyRow, found: StudyResult) -> dict[str, str]:
    """Our scores of a row for people, by their names."""
    return {
        column.ours: _text(cell.ours, cell.spread, column) for column, cell in _cells(row, found)
    }


def _row(row: StudyRow, found: StudyResult) -> dict[str, Any]:
    result = found.results.get(row.id)
    return {
        "title": row.title,
        "not_run": row.not_run,
        "result": result,
        "ours": ours_texts(row, found),
        "paper": [
            (_text(cell.printed, cell.printed_spread, column), _difference(cell, column))
            for column, cell in _cells(row, found)
        ],
    }


def _text(value: float | None, spread: float | None, column: Column) -> str:
    if value is None:
        return UNDEFINED
    digits = 2 if column.percent else 4
    return f"{value:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def _difference(cell: TableComparison, column: Column) -> str:
    if cell.difference is None:
        return UNDEFINED
    return f"{cell.difference:+.{2 if column.percent else 4}f}".replace("-", "−")


def _notes(found: StudyResult) -> list[str]:
    of_rows = (note for result in found.results.values() for note in result.notes)
    return list(dict.fromkeys((*of_rows, *found.study.notes)))


def _held_out(found: StudyResult) -> list[str]:
    """The held-out patients of each fold; those of any row, as all rows have the same."""
    for result in found.results.values():
        return [", ".join(fold.held_out) for fold in result.folds]
    return []
