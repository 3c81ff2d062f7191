"""The classes of slices that a detector tells, as a table and a chart in Slicer's plot views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import names
from .chart import add_series
from .lesion_instances import color_of
from .nodes import find_own, make_own, place_beside_ct
from .table import SLICE, Column, fill_table

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode

    from ..engine.detection.result import SliceClass

_CHART, _TABLE = "vtkMRMLPlotChartNode", "vtkMRMLTableNode"
_SERIES = "vtkMRMLPlotSeriesNode"


def find_slice_classes(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLPlotChartNode | None:
    """The chart of the classes of a CT's slices; None where they are not known."""
    return find_own(ct_node, _CHART, names.CLASSES_ROLE)


def remove_slice_classes(ct_node: vtkMRMLScalarVolumeNode) -> None:
    """Remove the chart of the classes of a CT's slices, if there is one, with lines and table."""
    for class_name in (_SERIES, _CHART, _TABLE):
        while (earlier := find_own(ct_node, class_name, names.CLASSES_ROLE)) is not None:
            ct_node.GetScene().RemoveNode(earlier)


def show_slice_classes(
    ct_node: vtkMRMLScalarVolumeNode, slices: Sequence[SliceClass]
) -> vtkMRMLPlotChartNode | None:
    """The probability of every class by slice, as a chart; that of an earlier call goes.

    Args:
        ct_node: The CT.
        slices: Of its detector; without any there is no chart.
    """
    remove_slice_classes(ct_node)
    if not slices:
        return None
    scene = ct_node.GetScene()
    title = f"{ct_node.GetName() or 'CT'} classes of slices"
    table = scene.AddNewNodeByClass(_TABLE, scene.GenerateUniqueName(title))
    classes = list(slices[0].probabilities)
    fill_table(
        table,
        [
            Column(SLICE, [slice_.index for slice_ in slices]),
            *(Column(name, [slice_.probabilities[name] for slice_ in slices]) for name in classes),
        ],
    )
    chart = scene.AddNewNodeByClass(_CHART, scene.GenerateUniqueName(title))
    for node in (table, chart):
        make_own(node, ct_node, names.CLASSES_ROLE)
    for number, name in enumerate(classes):
        series = add_series(chart, name, name, names.CLASSES_ROLE)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetColor(*color_of(number))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle("Classes of slices")
    chart.SetXAxisTitle("Slice, from the inferior end")
    chart.SetYAxisTitle("Probability")
    chart.SetLegendVisibility(True)
    place_beside_ct(ct_node, [table, chart])
    return chart
