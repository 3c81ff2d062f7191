"""The chart by slice in Slicer's layout: shown on request, and the user's layout afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.util import VTKObservationMixin

from ...scene.chart import slice_of_row

if TYPE_CHECKING:
    from slicer import vtkMRMLLayoutNode, vtkMRMLPlotChartNode

_EARLIER_LAYOUT = "COVIDLesionSeg.earlierLayout"
_DATA_SELECTED = "dataSelected(vtkStringArray*,vtkCollection*)"


class SliceChart(VTKObservationMixin):
    """Shows one chart at a time; a click on a point of it names a slice."""

    def __init__(self, on_slice: Callable[[int], None], on_change: Callable[[], None]) -> None:
        """
        Args:
            on_slice: Gets the index of the slice whose point the user clicked.
            on_change: Hears that the chart may be seen now, or no longer.
        """
        VTKObservationMixin.__init__(self)
        self._on_slice = on_slice
        self._on_change = on_change
        self._chart: vtkMRMLPlotChartNode | None = None
        self._views: list[Any] = []

    @property
    def shown(self) -> bool:
        """Whether the layout has a plot view with the chart."""
        return self._chart is not None and _is_seen(self._chart)

    def show(self, chart: vtkMRMLPlotChartNode) -> None:
        """Show the chart in a plot view, in a layout that has one."""
        layout = _layout_node()
        if layout is None:
            return
        arrangement = layout.GetViewArrangement()
        self.removeObservers()  # of a chart that was seen before
        if not _has_plot(arrangement):
            # With the layout, so that it is known after a scene was saved and loaded, too.
            layout.SetAttribute(_EARLIER_LAYOUT, str(arrangement))
        slicer.modules.plots.logic().ShowChartInLayout(chart)
        self._follow(chart, layout)

    def take_over(self, chart: vtkMRMLPlotChartNode) -> None:
        """Follow the chart where it is seen already, as after a scene was loaded."""
        layout = _layout_node()
        if layout is not None and _is_seen(chart):
            self._follow(chart, layout)

    def hide(self) -> None:
        """Bring the layout back that the user had, unless it was changed since."""
        layout, shown = _layout_node(), self.shown
        self.forget()
        if not shown or layout is None:
            return
        logic = slicer.modules.plots.logic()
        logic.ShowChartInLayout(None)
        earlier = layout.GetAttribute(_EARLIER_LAYOUT)
        if earlier is None:  # the user's own layout had a plot view
            return
        layout.RemoveAttribute(_EARLIER_LAYOUT)
        if layout.GetViewArrangement() == logic.GetLayoutWithPlot(int(earlier)):
            layout.SetViewArrangement(int(earlier))

    def forget(self) -> None:
        """Follow no clicks any more, and leave the layout as it is."""
        self.removeObservers()
        for view in self._views:
            view.disconnect(_DATA_SELECTED, self._on_selected)
        self._views.clear()
        self._chart = None

    def _follow(self, chart: vtkMRMLPlotChartNode, layout: vtkMRMLLayoutNode) -> None:
        self._chart = chart
        self.removeObservers()
        self.addObserver(layout, vtk.vtkCommand.ModifiedEvent, self._on_layout_modified)
        manager = slicer.app.layoutManager()
        if manager is None:  # Slicer without its window
            return
        for index in range(manager.plotViewCount):
            view = manager.plotWidget(index).plotView()
            if view not in self._views:
                view.connect(_DATA_SELECTED, self._on_selected)
                self._views.append(view)

    def _on_selected(self, series_ids: vtk.vtkStringArray, rows: vtk.vtkCollection) -> None:
        if self._chart is None:
            return
        ours = [
            self._chart.GetNthPlotSeriesNodeID(number)
            for number in range(self._chart.GetNumberOfPlotSeriesNodes())
        ]
        for number in range(series_ids.GetNumberOfValues()):
            series_id, selected = series_ids.GetValue(number), rows.GetItemAsObject(number)
            if series_id in ours and selected is not None and selected.GetNumberOfValues():
                table = slicer.mrmlScene.GetNodeByID(series_id).GetTableNode()
                index = slice_of_row(table, selected.GetValue(0))
                if index is not None:
                    self._on_slice(index)
                return

    def _on_layout_modified(self, layout: vtkMRMLLayoutNode, event: str) -> None:
        if not self.shown and layout.GetAttribute(_EARLIER_LAYOUT) is not None:
            layout.RemoveAttribute(_EARLIER_LAYOUT)  # the user has left the layout of the chart
        self._on_change()


def _layout_node() -> vtkMRMLLayoutNode | None:
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def _is_seen(chart: vtkMRMLPlotChartNode) -> bool:
    layout = _layout_node()
    if layout is None or not _has_plot(layout.GetViewArrangement()):
        return False
    selection = slicer.app.applicationLogic().GetSelectionNode()
    return bool(selection.GetActivePlotChartID() == chart.GetID())


def _has_plot(arrangement: int) -> bool:
    logic = slicer.modules.plots.logic()
    return bool(logic.GetLayoutWithPlot(arrangement) == arrangement)
