"""What several sections do with Qt's widgets: fill tables, and change a widget unheard."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import qt


@contextmanager
def signals_blocked(widget: qt.QWidget) -> Iterator[None]:
    """Within it nobody hears of changes of the widget: they are the panel's, not the user's."""
    blocked = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(blocked)


def set_header(table: qt.QTableWidget, header: Sequence[str], wide: Collection[int]) -> None:
    """Give a table columns with these headings, ``wide`` as of :func:`share_width`."""
    table.setColumnCount(len(header))
    table.setHorizontalHeaderLabels(header)
    share_width(table, wide)


def share_width(table: qt.QTableWidget, wide: Collection[int]) -> None:
    """Let the columns ``wide`` share all the width that the texts of the others leave."""
    for column in range(table.columnCount):
        mode = qt.QHeaderView.Stretch if column in wide else qt.QHeaderView.ResizeToContents
        table.horizontalHeader().setSectionResizeMode(column, mode)


def set_cell(
    table: qt.QTableWidget, row: int, column: int, text: str, tooltip: str | None = None
) -> qt.QTableWidgetItem:
    """Show a text instead of the present one; it is its own tooltip where no other is given."""
    cell = qt.QTableWidgetItem(text)
    cell.setToolTip(text if tooltip is None else tooltip)
    table.setItem(row, column, cell)
    return cell


def fill_row(
    table: qt.QTableWidget,
    row: int,
    texts: Sequence[str],
    figures_from: int | None = None,
    tooltip: str | None = None,
) -> None:
    """Show these texts in a row, as :func:`set_cell` does.

    Args:
        table: The table.
        row: Index of the row.
        texts: Text of each column.
        figures_from: Column from which on there are figures, which are centred; None for no figure.
        tooltip: Tooltip of all of them.
    """
    for column, text in enumerate(texts):
        cell = set_cell(table, row, column, text, tooltip)
        if figures_from is not None and column >= figures_from:
            cell.setTextAlignment(qt.Qt.AlignCenter)


def fill_table(
    table: qt.QTableWidget, header: list[str], rows: list[list[str]], long_names: bool = True
) -> None:
    """Show these texts instead of the present ones; each is its own tooltip.

    Args:
        table: The table.
        header: Heading of each column.
        rows: Texts of each row; the first names it.
        long_names: Give the names all the width that the figures leave; otherwise all figures
            share what the names leave.
    """
    set_header(table, header, [0] if long_names else range(1, len(header)))
    table.setRowCount(len(rows))
    for row, texts in enumerate(rows):
        fill_row(table, row, texts, figures_from=1)


def fit_rows(table: qt.QTableWidget) -> None:
    """Rows are as high as their texts, and nothing is scrolled sideways."""
    table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
    table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
