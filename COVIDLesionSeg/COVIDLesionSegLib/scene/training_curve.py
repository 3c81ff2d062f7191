"""The learning curve of a training as a table and a chart of Slicer's plot views.

The nodes are not saved with the scene, as they belong to a model and not to a case.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
import vtk

from . import names
from .nodes import nodes_by_class

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLNode,
        vtkMRMLPlotChartNode,
        vtkMRMLPlotSeriesNode,
        vtkMRMLScene,
        vtkMRMLTableNode,
    )

TABLE_ROLE, CHART_ROLE, SERIES_ROLE = "training-curve", "training-chart", "training-series"
STEP, LOSS, HELD_OUT_DICE = "Step", "Training loss", "Dice of held-out slices"
_COLUMNS = {STEP: "step", LOSS: "loss", HELD_OUT_DICE: "validation_dice"}
"""Column of the table, and of the training's own file."""
_COLORS = {LOSS: (0.28, 0.32, 0.37), HELD_OUT_DICE: (0.78, 0.16, 0.16)}
_CLASSES = {
    TABLE_ROLE: "vtkMRMLTableNode",
    CHART_ROLE: "vtkMRMLPlotChartNode",
    SERIES_ROLE: "vtkMRMLPlotSeriesNode",
}


def read_curve(path: Path) -> dict[str, list[float]]:
    """The curve by the table's columns, not a number where there is no value.

    Args:
        path: ``metrics.csv`` of a training; it need not exist yet.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {
            name: [float(row[column]) if row[column] else math.nan for row in rows]
            for name, column in _COLUMNS.items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {name: [] for name in _COLUMNS}


def update_curve(
    scene: vtkMRMLScene, curve: dict[str, list[float]], model: str
) -> vtkMRMLPlotChartNode:
    """Make the chart show a curve; the nodes are made where they are missing.

    Args:
        scene: Where they are.
        curve: See :func:`read_curve`.
        model: Id of the model that is trained.
    """
    table = _find_or_create(scene, TABLE_ROLE, "Training curve")
    # At once: in between, a plot view would draw a table without columns.
    table.SetAndObserveTable(_table_of(curve))
    chart = _find_or_create(scene, CHART_ROLE, "Training curve chart")
    shown = [name for name in (LOSS, HELD_OUT_DICE) if any(map(math.isfinite, curve[name]))]
    existing = {node.GetYColumnName(): node for node in _nodes(scene, SERIES_ROLE)}
    wanted = []
    for name in shown:
        series = existing.pop(name, None) or _new_series(scene, table, name)
        wanted.append(series.GetID())
    for series in existing.values():
        chart.RemovePlotSeriesNodeID(series.GetID())
        scene.RemoveNode(series)
    for series_id in wanted:
        if not chart.HasPlotSeriesNodeID(series_id):
            chart.AddAndObservePlotSeriesNodeID(series_id)
    chart.SetTitle(f"Training of {model}")
    if not chart.GetXAxisTitle():
        chart.SetXAxisTitle("Training step")
        chart.SetTitleFontSize(14)
        chart.SetLegendVisibility(True)
    return chart


def find_curve_chart(scene: vtkMRMLScene) -> vtkMRMLPlotChartNode | None:
    """The chart, or None if there is none."""
    return next(iter(_nodes(scene, CHART_ROLE)), None)


def remove_curve(scene: vtkMRMLScene) -> None:
    """Remove table, chart and series from the scene."""
    for role in (CHART_ROLE, SERIES_ROLE, TABLE_ROLE):
        for node in _nodes(scene, role):
            scene.RemoveNode(node)


def _nodes(scene: vtkMRMLScene, role: str) -> list[vtkMRMLNode]:
    return [
        node
        for node in nodes_by_class(scene, _CLASSES[role])
        if node.GetAttribute(names.ROLE_ATTRIBUTE) == role
        and node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID()
    ]


def _find_or_create(
    scene: vtkMRMLScene, role: str, name: str
) -> vtkMRMLTableNode | vtkMRMLPlotChartNode:
    found = _nodes(scene, role)
    return found[0] if found else _own(scene, role, scene.GenerateUniqueName(name))


def _new_series(scene: vtkMRMLScene, table: vtkMRMLTableNode, name: str) -> vtkMRMLPlotSeriesNode:
    kind = slicer.vtkMRMLPlotSeriesNode
    series = _own(scene, SERIES_ROLE, name, hidden=True)  # the name is the legend's
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetPlotType(kind.PlotTypeScatter)
    series.SetXColumnName(STEP)
    series.SetYColumnName(name)
    # Dice is measured at few steps, with nothing in between that a line could join.
    series.SetLineStyle(kind.LineStyleSolid if name == LOSS else kind.LineStyleNone)
    series.SetMarkerStyle(kind.MarkerStyleCircle if name == LOSS else kind.MarkerStyleDiamond)
    series.SetMarkerSize(5 if name == LOSS else 11)
    series.SetLineWidth(2)
    series.SetColor(*_COLORS[name])
    return series


def _table_of(curve: dict[str, list[float]]) -> vtk.vtkTable:
    table = vtk.vtkTable()
    for name, values in curve.items():
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(value)
        if len(values) == 1:  # VTK calls a line of one point an error, but not of a gap beside it
            column.InsertNextValue(values[0] if name == STEP else math.nan)
        table.AddColumn(column)
    return table


def _own(scene: vtkMRMLScene, role: str, name: str, hidden: bool = False) -> vtkMRMLNode:
    node = scene.CreateNodeByClass(_CLASSES[role])
    node.UnRegister(None)
    node.SetName(name)
    node.SetHideFromEditors(hidden)
    node.SetSaveWithScene(False)
    node.SetAttribute(names.ROLE_ATTRIBUTE, role)
    node = scene.AddNode(node)
    node.SetNodeReferenceID(names.SELF_REFERENCE, node.GetID())
    return node
