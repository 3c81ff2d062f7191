"""The mouse over a slice view, as the view's interactor hears it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk


def stroke(points_ras: Sequence[Any], view_name: str = "Red") -> None:
    """Press the left button at the first point, drag along the others, and let go.

    Args:
        points_ras: Points in the plane of the view, in mm.
        view_name: Of the slice view.
    """
    widget = slicer.app.layoutManager().sliceWidget(view_name)
    ras_to_xy = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(widget.mrmlSliceNode().GetXYToRAS(), ras_to_xy)
    interactor = widget.sliceView().interactor()

    def move(point: Any) -> None:
        x, y, *_ = ras_to_xy.MultiplyPoint([*point, 1.0])
        interactor.SetEventInformation(round(x), round(y), 0, 0, "\0", 0, None)

    move(points_ras[0])
    interactor.InvokeEvent(vtk.vtkCommand.EnterEvent)
    interactor.InvokeEvent(vtk.vtkCommand.MouseMoveEvent)
    interactor.InvokeEvent(vtk.vtkCommand.LeftButtonPressEvent)
    for point in points_ras[1:]:
        move(point)
        interactor.InvokeEvent(vtk.vtkCommand.MouseMoveEvent)
    interactor.InvokeEvent(vtk.vtkCommand.LeftButtonReleaseEvent)
