"""Categories of severity from CSV files: of readers, and of the software's cohorts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..data.ct_table import case_of_cell
from ..data.tables import Row, Table, read_table
from ..severity.categories import CATEGORIES, RULE_TITLES, category_from

CATEGORY = "category"
"""Column of a table that names no rule, and what its only rule is called."""
_NOT_GRADED = ("", "n/a")


def read_reader(path: Path, case_column: str, category_column: str) -> dict[str, str | None]:
    """The category that a person gave each case; None where the cell is empty or ``n/a``.

    Raises:
        InputError: The table cannot be read, lacks a column, names a case twice, or a cell is no
            category.
    """
    table = read_table(path)
    table.check_columns([case_column, category_column])
    return {case: _category(row, category_column) for case, row in _cases(table, case_column)}


def read_software(path: Path) -> dict[str, dict[str, str | None]]:
    """The software's category of each case, by rule; None where a case failed or was not graded.

    Args:
        path: ``cohort.csv`` of a cohort; or any table with the columns ``case`` and ``category``.

    Raises:
        InputError: See :func:`read_reader`.
    """
    table = read_table(path)
    columns = {
        rule: f"{rule}_category" for rule in RULE_TITLES if f"{rule}_category" in table.columns
    } or {CATEGORY: CATEGORY}
    table.check_columns(["case", *columns.values()])
    cases = list(_cases(table, "case"))
    return {
        rule: {case: _category(row, column) for case, row in cases}
        for rule, column in columns.items()
    }


def _cases(table: Table, column: str) -> Iterator[tuple[str, Row]]:
    """Every case with its row; a CT file stands for the case that a cohort makes of it."""
    seen: set[str] = set()
    for row in table.rows:
        case = case_of_cell(row.required(column))
        if case in seen:
            raise row.fault(column, f"means case {case!r}, as in a row above")
        seen.add(case)
        yield case, row


def _category(row: Row, column: str) -> str | None:
    text = row.get(column)
    if text.lower() in _NOT_GRADED:
        return None
    category = category_from(text)
    if category is None:
        raise row.fault(column, f"is {text!r}, but must be one of {', '.join(CATEGORIES)}")
    return category
