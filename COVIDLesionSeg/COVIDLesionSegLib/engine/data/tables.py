"""CSV files, read so that every fault is named by file, row and column, and written safely."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

_FORMULA = ("=", "+", "-", "@")
"""Beginnings of cells that spreadsheets compute (OWASP, "CSV Injection")."""
_REPLACEMENT = "\ufffd"
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        file: Name of the file.
        number: As a spreadsheet counts rows: 1 is the header.
        cells: Text by column, without blanks around it.
    """

    file: str
    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        """The cell; empty where the table lacks the column. Capitals do not matter."""
        if column in self.cells:
            return self.cells[column]
        folded = column.casefold()
        return next((cell for name, cell in self.cells.items() if name.casefold() == folded), "")

    def required(self, column: str) -> str:
        """The cell, which must not be empty.

        Raises:
            InputError: It is.
        """
        value = self.get(column)
        if not value:
            raise self.fault(column, "is empty")
        return value

    def yes_or_no(self, column: str, default: bool | None = None) -> bool:
        """The cell as a truth value; ``default`` where it is empty.

        Raises:
            InputError: It is neither yes nor no, or empty without a default.
        """
        value = self.get(column).lower()
        if not value and default is not None:
            return default
        if value not in ("yes", "no"):
            raise self.fault(column, f"is {self.get(column)!r}, but must be yes or no")
        return value == "yes"

    def fault(self, column: str, what: str) -> InputError:
        """An error that names the cell; ``what`` is the rest of the sentence, without a stop."""
        return InputError(f"{self.file}, row {self.number}, column {column}: the cell {what}.")


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        file: Name of the file.
        columns: In their order.
        rows: Without blank lines.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def check_columns(self, required: Collection[str]) -> None:
        """Make sure that columns are there; raises InputError naming the first that is not."""
        here = {name.casefold() for name in self.columns}
        if missing := sorted(name for name in required if name.casefold() not in here):
            raise InputError(f"{self.file} lacks the column {missing[0]}.")


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8, with or without a byte order mark.

    Cells are separated by commas; by semicolons where the header holds no comma, as spreadsheets
    write it in countries with a decimal comma.

    An apostrophe that :func:`table_bytes` put before a formula is taken off.

    Raises:
        InputError: It is no such file, a row has more cells than the header, or a cell holds
            control characters; the row is named.
    """
    file = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read as a CSV file: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} cannot be read as a CSV file: it is not text in UTF-8; save it as CSV UTF-8."
        ) from error
    header = text.partition("\n")[0]
    separator = ";" if ";" in header and "," not in header else ","
    if "\t" in header and separator not in header:
        raise InputError(f"{file} has tabs between its cells: use commas or semicolons.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[list[str]] = []
    try:
        for cells in reader:
            lines.append([_without_apostrophe(cell.strip()) for cell in cells])
    except csv.Error as error:
        raise InputError(
            f"{file} cannot be read as a CSV file: row {len(lines) + 1} is damaged ({error})."
        ) from error
    columns = lines[0] if lines else []
    if repeated := [name for name in columns if name and columns.count(name) > 1]:
        raise InputError(f"{file} has the column {repeated[0]} twice: keep one of them.")
    rows = [
        _row(file, number, columns, cells)
        for number, cells in enumerate(lines[1:], start=2)
        if cells not in ([], [""])
    ]
    return Table(file, tuple(columns), tuple(rows))


def _row(file: str, number: int, columns: list[str], cells: list[str]) -> Row:
    if any(cells[len(columns) :]):
        raise InputError(
            f"{file}, row {number}: there are {len(cells)} cells, but the header has "
            f"{len(columns)}: put text with commas in quotation marks."
        )
    row = Row(file, number, dict(zip(columns, cells, strict=False)))
    for column, cell in row.cells.items():
        if _has_control_characters(cell):
            raise row.fault(column, "holds control characters")
    return row


def table_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file in UTF-8 that spreadsheets show as it is.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, and control
    characters are replaced; numbers stay as they are, None is an empty cell.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (header, *rows):
        writer.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode()


def plain(text: str) -> str:
    """Text with every control character, such as a line break, replaced by U+FFFD."""
    return "".join(_REPLACEMENT if _is_control(c) else c for c in text)


def _safe(text: str) -> str:
    text = plain(text)
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def _without_apostrophe(text: str) -> str:
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def _is_formula(text: str) -> bool:
    return text.lstrip().startswith(_FORMULA)


def _has_control_characters(text: str) -> bool:
    return any(_is_control(c) for c in text)


def _is_control(character: str) -> bool:
    # Also lone surrogates, which no file can hold, and marks that turn the direction of text.
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING
