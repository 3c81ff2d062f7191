"""Categories of severity from CSV files: of readers, and of the software's cohorts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..data.ct_table import case_name, case_of_cell
from ..data.tables import Row, Table, read_table
from ..severity.categories import CATEGORIES, RULE_TITLES, category_from

CATEGORY = "category"
"""Column of a table that names no rule, and what its only rule is called."""
_NOT_GRADED = ("", "n/a")


def read_reader(
    path: Path, case_column: str, category_column: str, places: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """The category that a person gave each case; None where the cell is empty or ``n/a``.

    Args:
        path: The table.
        case_column: Its cells are names of cases, or of CT files, with or without folders.
        category_column: Its cells are categories.
        places: See :func:`read_places`; a file stands for the case at its place before it stands
            for that of its name.

    Raises:
        InputError: The table cannot be read, lacks a column, names a case twice, or a cell is no
            category.
    """
    table = read_table(path)
    table.check_columns([case_column, category_column])
    cases = _cases(table, case_column, places or {})
    return {case: _category(row, category_column) for case, row in cases}


def read_places(path: Path) -> dict[str, str]:
    """Where each case of a ``cohort.csv`` was, by case; empty where the table does not say it.

    Raises:
        InputError: The table cannot be read.
    """
    return {row.get("case"): row.get("place") for row in read_table(path).rows}


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
    cases = list(_cases(table, "case", read_places(path)))
    return {
        rule: {case: _category(row, column) for case, row in cases}
        for rule, column in columns.items()
    }


def _cases(table: Table, column: str, places: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    """Every case with its row; a CT file stands for the case that a cohort makes of it."""
    seen: set[str] = set()
    for row in table.rows:
        case = _case_of(row.required(column), places)
        if case in seen:
            raise row.fault(column, f"means case {case!r}, as in a row above")
        seen.add(case)
        yield case, row


def _case_of(cell: str, places: Mapping[str, str]) -> str:
    """The case that a cell means: its name, its place or the end of it, or the name of its file."""
    if cell in places:
        return cell
    wanted = "/" + cell.replace("\\", "/").strip("/")
    at = {case: "/" + place for case, place in places.items() if place}
    within = [case for case, place in at.items() if wanted.endswith(place)]
    if within:  # the cell has the folder of the cohort, too
        return max(within, key=lambda case: len(at[case]))
    ends = [case for case, place in at.items() if place.endswith(wanted)]
    if len(ends) == 1:
        return ends[0]
    case = case_of_cell(cell)
    # Names of cases are those of folders: a blank in the table is "_" in the cohort.
    if case_name(case) in places:
        return case_name(case)
    named_as_files = [one for one in places if case_of_cell(one) == case]
    return named_as_files[0] if len(named_as_files) == 1 else case


def _category(row: Row, column: str) -> str | None:
    text = row.get(column)
    if text.lower() in _NOT_GRADED:
        return None
    category = category_from(text)
    if category is None:
        raise row.fault(column, f"is {text!r}, but must be one of {', '.join(CATEGORIES)}")
    return category
