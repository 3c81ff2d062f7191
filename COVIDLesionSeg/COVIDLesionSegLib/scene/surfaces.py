"""Closed surfaces of lungs and lesions, as Slicer makes them, in any process; VTK only.

The worker makes them, so that Slicer's window need not wait. The filters and their settings are
those of Slicer's ``vtkBinaryLabelmapToClosedSurfaceConversionRule``; after a segment is edited,
Slicer makes its surface anew itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkFloatArray, vtkPoints, vtkTypeInt32Array
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D, vtkTransformPolyDataFilter

from ..engine.boxes import bounding_box
from ..engine.errors import InputError
from ..engine.progress import CancelToken
from ..engine.steps import Steps, slabs
from .labels import LabelledSegment

if TYPE_CHECKING:
    from collections.abc import Iterable

SMOOTHING = 0.5
"""0 keeps the voxels' steps, 1 smooths most; Slicer's default. Measurements do not use surfaces."""
SURFACES_FOLDER = "surfaces"
_FACTS_FILE = "surfaces.json"


def save_surfaces(
    segments: Iterable[LabelledSegment],
    ijk_to_ras: npt.NDArray[np.float64],
    folder: Path,
    cancel: CancelToken | None = None,
) -> None:
    """Make the surface of every segment and write it into ``folder / SURFACES_FOLDER``.

    Args:
        segments: Segments of one result.
        ijk_to_ras: 4x4, from the indices (i, j, k) of their arrays to the surfaces' mm.
        folder: Exists.
        cancel: Looked at between two surfaces.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    target = folder / SURFACES_FOLDER
    target.mkdir()
    ids: list[str] = []
    for segment in segments:
        if cancel is not None:
            cancel.raise_if_cancelled()
        for name, array in _arrays_of(closed_surface(segment, ijk_to_ras)).items():
            np.save(target / f"{len(ids)}-{name}.npy", array)
        ids.append(segment.id)
    (target / _FACTS_FILE).write_text(json.dumps(ids), encoding="utf-8")


def load_surfaces(folder: Path) -> Steps[dict[str, vtkPolyData]]:
    """Read what :func:`save_surfaces` wrote, in short steps.

    Returns:
        By segment id; empty if none were written.

    Raises:
        InputError: The files are damaged.
    """
    source = folder / SURFACES_FOLDER
    surfaces: dict[str, vtkPolyData] = {}
    if not source.exists():
        return surfaces
    try:
        ids = json.loads((source / _FACTS_FILE).read_text(encoding="utf-8"))
        for number, segment_id in enumerate(ids):
            points = yield from _vtk_array(source / f"{number}-points.npy", vtkFloatArray(), 3)
            normals = yield from _vtk_array(source / f"{number}-normals.npy", vtkFloatArray(), 3)
            corners = yield from _vtk_array(
                source / f"{number}-triangles.npy", vtkTypeInt32Array(), 1
            )
            surfaces[segment_id] = _poly_data(points, normals, corners)
            yield
    except (OSError, ValueError, TypeError) as error:
        raise InputError("The 3D surfaces were lost: run again.") from error
    return surfaces


def closed_surface(
    segment: LabelledSegment, ijk_to_ras: npt.NDArray[np.float64], smoothing: float = SMOOTHING
) -> vtkPolyData:
    """The surface of one segment, in mm; empty where the segment is.

    Args:
        segment: Where it is.
        ijk_to_ras: 4x4, from the indices (i, j, k) of its array to the surface's mm.
        smoothing: 0 to 1.
    """
    box = bounding_box(segment.labels)
    if box is None:
        return vtkPolyData()
    edges = vtkDiscreteFlyingEdges3D()
    edges.SetInputData(_padded_image(segment.labels[box], [axis.start for axis in box]))
    edges.ComputeGradientsOff()
    edges.ComputeNormalsOff()
    edges.SetValue(0, segment.label)
    edges.Update()
    if edges.GetOutput().GetNumberOfPolys() == 0:
        return vtkPolyData()
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputConnection(edges.GetOutputPort())
    smoother.SetNumberOfIterations(20 + int(smoothing * 40))
    smoother.SetPassBand(10.0 ** (-4.0 * smoothing))
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.NormalizeCoordinatesOn()
    transform = vtkTransform()
    transform.SetMatrix(np.asarray(ijk_to_ras, float).ravel().tolist())
    to_ras = vtkTransformPolyDataFilter()
    to_ras.SetInputConnection(smoother.GetOutputPort())
    to_ras.SetTransform(transform)
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(to_ras.GetOutputPort())
    normals.ConsistencyOn()
    normals.SplittingOff()
    normals.Update()
    surface: vtkPolyData = normals.GetOutput()
    return surface


def _padded_image(labels: npt.NDArray[np.uint8], start: list[int]) -> vtkImageData:
    """One voxel more on every side: surfaces are open where labels touch the border."""
    padded = np.pad(labels, 1)
    image = vtkImageData()
    first = [n - 1 for n in reversed(start)]
    lengths = padded.shape[::-1]
    image.SetExtent([n for f, size in zip(first, lengths, strict=True) for n in (f, f + size - 1)])
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(), deep=True))
    return image


def _arrays_of(surface: vtkPolyData) -> dict[str, npt.NDArray[Any]]:
    if surface.GetNumberOfPolys() == 0:
        empty = np.empty((0, 3), np.float32)
        return {"points": empty, "normals": empty, "triangles": np.empty(0, np.int32)}
    return {
        "points": vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float32, copy=False),
        "normals": vtk_to_numpy(surface.GetPointData().GetNormals()),
        # Every cell is a triangle, so the corners alone say which.
        "triangles": vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).astype(np.int32),
    }


def _vtk_array(path: Path, target: Any, components: int) -> Steps[Any]:
    """The array of a file in VTK's own memory."""
    stored = np.load(path, mmap_mode="r")
    target.SetNumberOfComponents(components)
    target.SetNumberOfTuples(stored.shape[0])
    filled = vtk_to_numpy(target)
    for part in slabs(stored):
        filled[part] = stored[part]
        yield
    return target


def _poly_data(
    points: vtkFloatArray, normals: vtkFloatArray, corners: vtkTypeInt32Array
) -> vtkPolyData:
    surface = vtkPolyData()
    if corners.GetNumberOfTuples() == 0:
        return surface
    places = vtkPoints()
    places.SetData(points)
    triangles = vtkCellArray()
    triangles.SetData(3, corners)
    normals.SetName("Normals")
    surface.SetPoints(places)
    surface.SetPolys(triangles)
    surface.GetPointData().SetNormals(normals)
    return surface
