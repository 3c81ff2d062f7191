"""The infected share by slice as a chart in Slicer's plot views, over the table of slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ..engine.labels import class_style
from . import names
from .nodes import series_of
from .table import FLAGGED, INFECTED, SHARE_SUFFIX, SLICE

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLPlotSeriesNode, vtkMRMLTableNode

_TITLE = "Infected lung by slice"
_ALL_LESIONS = (0.78, 0.16, 0.16)
_FLAGGED = (0.10, 0.35, 0.75)


def update_chart(chart: vtkMRMLPlotChartNode, table: vtkMRMLTableNode) -> None:
    """Make the chart show every share in the table, with flagged slices marked.

    What the user made of the chart and of a series' look stays.

    Args:
        chart: Chart of one CT.
        table: Its table of slices, see :func:`.table.update_slices_table`.
    """
    existing = {series.GetYColumnName(): series for series in series_of(chart)}
    columns = [table.GetColumnName(i) for i in range(table.GetNumberOfColumns())]
    shares = [name for name in columns if name.endswith(SHARE_SUFFIX)]
    for name in existing.keys() - set(shares):
        chart.GetScene().RemoveNode(existing.pop(name))
    chart.RemoveAllPlotSeriesNodeIDs()
    for name in shares:
        series = existing.get(name) or _new_series(chart, name)
        series.SetAndObserveTableNodeID(table.GetID())
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(names.marked(_TITLE, names.is_marked(table.GetName())))
    if not chart.GetXAxisTitle():
        chart.SetXAxisTitle("Slice, from the inferior end")
        chart.SetYAxisTitle("Infected part of the lungs (%)")
        chart.SetTitleFontSize(14)
        chart.SetLegendVisibility(True)


def slice_of_row(table: vtkMRMLTableNode, row: int) -> int | None:
    """Index of the slice in a row of the table; None where there is no such row."""
    column = table.GetTable().GetColumnByName(SLICE) if table.GetTable() else None
    if column is None or not 0 <= row < column.GetNumberOfTuples():
        return None
    return int(column.GetValue(row))


def add_series(
    chart: vtkMRMLPlotChartNode, column: str, name: str, role: str
) -> vtkMRMLPlotSeriesNode:
    """A new line over slices, of the chart's CT, which is not in the chart yet.

    Args:
        chart: Chart of one CT.
        column: Of the table that the line will have.
        name: In the legend.
        role: As in :mod:`.names`.
    """
    scene = chart.GetScene()
    series = scene.CreateNodeByClass("vtkMRMLPlotSeriesNode")
    series.UnRegister(None)
    series.SetName(name)
    series.SetHideFromEditors(True)
    series = scene.AddNode(series)
    series.SetAttribute(names.ROLE_ATTRIBUTE, role)
    series.SetNodeReferenceID(names.CT_REFERENCE, chart.GetNodeReferenceID(names.CT_REFERENCE))
    series.SetNodeReferenceID(names.SELF_REFERENCE, series.GetID())
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetXColumnName(SLICE)
    series.SetYColumnName(column)
    series.SetLineWidth(2)
    return series


def _new_series(chart: vtkMRMLPlotChartNode, column: str) -> vtkMRMLPlotSeriesNode:
    kind = slicer.vtkMRMLPlotSeriesNode
    series = add_series(chart, column, column.removesuffix(SHARE_SUFFIX), names.SERIES_ROLE)
    is_flagged = column == FLAGGED
    series.SetLineStyle(kind.LineStyleNone if is_flagged else kind.LineStyleSolid)
    series.SetMarkerStyle(kind.MarkerStyleDiamond if is_flagged else kind.MarkerStyleCircle)
    series.SetMarkerSize(12 if is_flagged else 5)
    if is_flagged:
        series.SetColor(*_FLAGGED)
    elif column == INFECTED:
        series.SetColor(*_ALL_LESIONS)
    else:
        series.SetColor(*class_style(series.GetName()).color)
    return series
