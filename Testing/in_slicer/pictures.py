"""Pictures of the real window for the documentation, small enough for a repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
import vtk

SIZE = (1180, 900)
"""Width and height of the window, in pixels."""
COLOURS = 128
"""Of a picture's palette: greys of a CT and the colours of the window stay what they are."""


def folder() -> Path:
    """Where the pictures go."""
    path = Path(os.environ["IN_SLICER_OUT"])
    path.mkdir(parents=True, exist_ok=True)
    return path


def size_window() -> None:
    """Give the window the size of all pictures, and its room to the panel and the views."""
    window = slicer.util.mainWindow()
    window.showNormal()
    window.resize(*SIZE)
    window.statusBar().hide()
    slicer.util.findChild(window, "DataProbeCollapsibleWidget").collapsed = True


def save_window(name: str) -> None:
    """Save the main window as it looks now."""
    save(slicer.util.mainWindow().grab(), name)


def save(pixmap: Any, name: str) -> None:
    """Save a picture with a palette of its own."""
    image = pixmap.toImage().convertToFormat(qt.QImage.Format_RGB888)
    small = image.convertToFormat(qt.QImage.Format_Indexed8, _palette(image), qt.Qt.ThresholdDither)
    if not small.save(str(folder() / f"{name}.png"), "PNG", 0):
        raise OSError(f"The picture {name} could not be written.")


def _palette(image: Any) -> list[int]:
    pixels = vtk.vtkImageData()
    ctk.ctkVTKWidgetsUtils.qImageToVTKImageData(image, pixels)
    rgb = vtk.vtkImageExtractComponents()
    rgb.SetInputData(pixels)
    rgb.SetComponents(0, 1, 2)
    quantize = vtk.vtkImageQuantizeRGBToIndex()
    quantize.SetInputConnection(rgb.GetOutputPort())
    quantize.SetNumberOfColors(COLOURS)
    quantize.Update()
    table = quantize.GetLookupTable()
    colours = (table.GetTableValue(index) for index in range(table.GetNumberOfTableValues()))
    return [
        0xFF000000 | round(255 * red) << 16 | round(255 * green) << 8 | round(255 * blue)
        for red, green, blue, _ in colours
    ]
