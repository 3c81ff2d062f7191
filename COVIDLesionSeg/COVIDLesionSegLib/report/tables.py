"""Tables for programs: CSV files, in which what is undefined is ``n/a``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..engine.files import write_bytes

UNDEFINED = "n/a"
_DIGITS = 6


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> None:
    """Write rows under their header; None as ``n/a``, and numbers to six decimals.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    write_bytes(text.getvalue().encode(), path)


def _cell(value: object) -> object:
    if value is None:
        return UNDEFINED
    return round(value, _DIGITS) if isinstance(value, float) else value
