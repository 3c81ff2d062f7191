"""A result as a scene takes it: everything made that takes time, nothing in the scene yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.boxes import bounding_box
from ..engine.result import ARRAYS, SegmentationResult, load_result_in_steps
from ..engine.steps import Steps, slabs
from ..engine.volume.raw_nrrd import read_in_steps
from . import names
from .images import array_to_matrix, empty_array
from .labels import EDITED_FILES, LabelledSegment, layers_of
from .made_from import check_made_from
from .surfaces import load_surfaces
from .volumes import local_ijk_to_ras

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkOrientedImageData

_VOLUMES = {
    "probability": names.PROBABILITY_ROLE,
    "disagreement": names.DISAGREEMENT_ROLE,
}
"""Roles of the arrays that become volumes, by their names in the result."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Segments that share one image.

    Attributes:
        segments: Which label is which segment.
        image: Their labels on the CT's grid, cropped to what is not zero.
    """

    segments: list[LabelledSegment]
    image: vtkOrientedImageData


@dataclass(frozen=True, eq=False)
class PreparedResult:
    """A result and what a scene shows of it.

    Attributes:
        result: The result.
        ijk_to_ras: 4x4, the stored grid of the CT, below its parent transform.
        volumes: Probability and disagreement, by role.
        layers: The lungs, and the lesion classes.
        prediction: Those of the run in other memory, to be kept as they are.
        voxels: State of the CT's voxels when they were those that the result was made from, see
            :func:`.volumes.voxel_state`.
        surfaces: Closed surfaces by segment id; empty where Slicer is to make them.
    """

    result: SegmentationResult
    ijk_to_ras: npt.NDArray[np.float64]
    volumes: dict[str, vtk.vtkImageData]
    layers: list[Layer]
    prediction: list[Layer]
    voxels: tuple[vtk.vtkImageData | None, int]
    surfaces: dict[str, vtk.vtkPolyData] = field(default_factory=dict)


def prepare_result(
    ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult
) -> Steps[PreparedResult]:
    """Prepare a result in memory, in short steps; Slicer is to make its surfaces.

    Args:
        ct_node: The CT that was segmented.
        result: On that CT's grid.

    Raises:
        InputError: The CT got other voxels since.
    """
    images = {}
    for name, role in _VOLUMES.items():
        values = getattr(result, name)
        if values is not None:
            images[role] = vtk.vtkImageData()
            target = empty_array(images[role], values.shape, ARRAYS[name])
            for part in slabs(target):
                target[part] = values[part]
                yield
    return (yield from _prepare(ct_node, result, images, {}, result))


def load_prepared(
    ct_node: vtkMRMLScalarVolumeNode, folder: Path, edited: bool = False
) -> Steps[PreparedResult]:
    """Read what the job ``segment_volume`` or ``restore_case`` wrote, in short steps.

    Args:
        ct_node: The CT that was segmented.
        folder: Of the result; it is not needed any more afterwards.
        edited: Whether lungs and lesions are those that a person edited, which the second job
            wrote; the prediction is that of the run in any case.

    Raises:
        InputError: The folder holds no complete result, or the CT got other voxels since.
    """
    images: dict[str, vtk.vtkImageData] = {}

    def array_for(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in _VOLUMES:
            return np.empty(shape, ARRAYS[name])
        image = images[_VOLUMES[name]] = vtk.vtkImageData()
        return empty_array(image, shape, ARRAYS[name])

    result = yield from load_result_in_steps(folder, array_for)
    surfaces = yield from load_surfaces(folder)
    shown = result
    if edited:
        arrays = {name: np.empty_like(getattr(result, name)) for name in EDITED_FILES}
        for name, file in EDITED_FILES.items():
            yield from read_in_steps(folder / file, arrays[name])
        shown = replace(result, lungs=arrays["lungs"], lesions=arrays["lesions"])
    return (yield from _prepare(ct_node, result, images, surfaces, shown))


def _prepare(
    ct_node: vtkMRMLScalarVolumeNode,
    result: SegmentationResult,
    volumes: dict[str, vtk.vtkImageData],
    surfaces: dict[str, vtk.vtkPolyData],
    shown: SegmentationResult,
) -> Steps[PreparedResult]:
    """``shown`` is ``result``, or has the same lungs and lesions as a person edited them."""
    ijk_to_ras = local_ijk_to_ras(ct_node)
    layers: list[Layer] = []
    prediction: list[Layer] = []
    for kept, labels in ((layers, shown), (prediction, result)):
        for segments in layers_of(labels):
            image = yield from layer_image(segments[0].labels, ijk_to_ras)
            kept.append(Layer(segments, image))
    voxels = yield from check_made_from(ct_node, result.provenance)
    return PreparedResult(result, ijk_to_ras, volumes, layers, prediction, voxels, surfaces)


def layer_image(
    labels: npt.NDArray[np.uint8], ijk_to_ras: npt.NDArray[np.float64]
) -> Steps[vtkOrientedImageData]:
    """Labels (k, j, i) as Slicer's oriented image, cropped to what is not zero."""
    image = slicer.vtkOrientedImageData()
    image.SetGeometryFromImageToWorldMatrix(array_to_matrix(ijk_to_ras))
    box = bounding_box(labels)
    yield
    if box is None:
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        return image
    source = labels[box]
    target = empty_array(image, source.shape, np.uint8, [axis.start for axis in box])
    for part in slabs(target):
        target[part] = source[part]
        yield
    return image
