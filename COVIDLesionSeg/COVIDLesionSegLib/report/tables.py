"""Tables for programs: CSV files, in which what is undefined is ``n/a``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..engine.data.tables import table_bytes
from ..engine.files import write_bytes

UNDEFINED = "n/a"
_DIGITS = 6


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> None:
    """Write rows under their header; None as ``n/a``, and numbers to six decimals.

    Text is written so that no spreadsheet takes it for a formula.

    Raises:
        OutputError: The file cannot be written.
    """
    cells = ([_cell(value) for value in row] for row in rows)
    write_bytes(table_bytes(header, cells), path)


def _cell(value: object) -> object:
    if value is None:
        return UNDEFINED
    return round(value, _DIGITS) if isinstance(value, float) else value
