"""What tests do with the panel's list of models."""

from __future__ import annotations


def listed_models(panel, visible_only: bool = False) -> list[str]:
    """Ids of the models in the list, from the top down."""
    import qt

    table = panel.ui.modelTable
    rows = [row for row in range(table.rowCount) if not (visible_only and table.isRowHidden(row))]
    return [table.item(row, 0).data(qt.Qt.UserRole) for row in rows]


def choose_model(panel, model_id: str) -> None:
    """As a click on the model's row does."""
    panel.ui.modelTable.selectRow(listed_models(panel).index(model_id))


def chosen_model(panel) -> str | None:
    """Id of the selected row."""
    row = panel.ui.modelTable.currentRow()
    return listed_models(panel)[row] if row >= 0 else None


def row_text(panel, model_id: str) -> list[str]:
    """What the row of a model says, column by column."""
    table = panel.ui.modelTable
    row = listed_models(panel).index(model_id)
    return [table.item(row, column).text() for column in range(table.columnCount)]
