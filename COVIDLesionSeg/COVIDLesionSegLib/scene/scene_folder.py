"""A scene as the folder of a Slicer data bundle, written in short steps.

Slicer writes a node in one go, which takes seconds where it has many voxels. So Slicer writes the
scene with a single voxel in place of each image, and the files of the images are then written anew,
whole, slab by slab.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.errors import InputError, OutputError
from ..engine.labels import CLASS_TAG
from ..engine.progress import Progress, ProgressCallback, ignore_progress
from ..engine.steps import SLAB_BYTES, Steps
from ..engine.volume import Geometry
from ..engine.volume.raw_nrrd import can_be_written, write_in_steps, write_layers_in_steps
from . import nodes
from .images import extent_of, fill_image, image_to_world, voxels_of
from .segmentation import BINARY_LABELMAP, CLOSED_SURFACE, segment_ids, segment_tag
from .volumes import local_ijk_to_ras

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLNode,
        vtkMRMLScalarVolumeDisplayNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSegmentationNode,
        vtkOrientedImageData,
        vtkSegment,
    )

_AUTOMATIC_WINDOW = "COVIDLesionSeg.automaticWindow"
_SAME_GRID = 1e-6  # mm
_NOT_WRITTEN = "The copy could not be written: check the free disk space."


class _Voxels(Protocol):
    """The voxels of one node, and how they are written."""

    node: vtkMRMLNode
    images: list[vtk.vtkImageData]

    @property
    def bytes(self) -> int:
        """How many will be written."""

    def take_out(self) -> None:
        """Put a single voxel in their place."""

    def write(self, path: Path) -> Steps[None]:
        """Write them as Slicer would, uncompressed."""


def write_automatic_window(display: vtkMRMLScalarVolumeDisplayNode) -> None:
    """Let :func:`write_scene_folder` say that the window is automatic; until then it is not.

    Slicer would look for an automatic window in every voxel at once, here for no purpose: it looks
    for it again when the scene is opened.
    """
    display.AutoWindowLevelOff()
    display.SetAttribute(_AUTOMATIC_WINDOW, "1")


def write_scene_folder(
    scene: vtkMRMLScene, folder: Path, progress: ProgressCallback = ignore_progress
) -> Steps[None]:
    """Write a scene as what a Slicer data bundle holds, uncompressed, as speed matters here.

    A segmentation that has no labels, or layers on several grids, is left to Slicer: a single step.

    Args:
        scene: Of :func:`.clean_copy.clean_scene`; its nodes lose their voxels.
        folder: An empty folder that exists; its name becomes that of the scene's file.
        progress: Called after every step.

    Raises:
        InputError: Voxels that the scene shares were changed between two steps.
        OutputError: A node could not be written.
    """
    for node in nodes.nodes_by_class(scene, "vtkMRMLStorableNode"):
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        if storage is not None:
            storage.SetUseCompression(0)
    found: list[_Voxels | None] = [
        *map(_volume_voxels, nodes.nodes_by_class(scene, "vtkMRMLScalarVolumeNode")),
        *map(_segment_voxels, nodes.nodes_by_class(scene, "vtkMRMLSegmentationNode")),
    ]
    all_voxels = [voxels for voxels in found if voxels is not None]
    for voxels in all_voxels:
        voxels.take_out()
    for display in nodes.nodes_by_class(scene, "vtkMRMLScalarVolumeDisplayNode"):
        if display.GetAttribute(_AUTOMATIC_WINDOW):
            display.RemoveAttribute(_AUTOMATIC_WINDOW)
            display.AutoWindowLevelOn()
    if not scene.SaveSceneToSlicerDataBundleDirectory(str(folder)):
        raise OutputError(_NOT_WRITTEN)
    files = _files_of_nodes(folder)
    images = [image for voxels in all_voxels for image in voxels.images]
    modified = [image.GetMTime() for image in images]
    total = max(1, sum(voxels.bytes for voxels in all_voxels))
    written = 0
    yield
    for voxels in all_voxels:
        before = written
        for _step in voxels.write(files[voxels.node.GetID()]):
            written = min(written + SLAB_BYTES, before + voxels.bytes)
            progress(Progress("Writing the copy", written / total))
            yield
            if [image.GetMTime() for image in images] != modified:
                raise InputError("The case was changed while it was copied: save the copy again.")


@dataclass(eq=False)
class _VolumeVoxels:
    node: vtkMRMLScalarVolumeNode
    images: list[vtk.vtkImageData]
    geometry: Geometry

    @property
    def bytes(self) -> int:
        return int(voxels_of(self.images[0]).nbytes)

    def take_out(self) -> None:
        image = vtk.vtkImageData()
        fill_image(image, np.zeros((1, 1, 1), voxels_of(self.images[0]).dtype))
        self.node.SetAndObserveImageData(image)

    def write(self, path: Path) -> Steps[None]:
        return write_in_steps(voxels_of(self.images[0]), self.geometry, path)


@dataclass(eq=False)
class _SegmentVoxels:
    """Layers of a segmentation that lie on one grid.

    Attributes:
        node: The segmentation.
        images: The layers.
        geometry: The part of the grid that is written, which holds all layers.
        start: Index (i, j, k) of its first voxel.
        keys: Keys of the file's header.
    """

    node: vtkMRMLSegmentationNode
    images: list[vtk.vtkImageData]
    geometry: Geometry
    start: npt.NDArray[np.int_]
    keys: Mapping[str, str]

    @property
    def bytes(self) -> int:
        each = max(int(image.GetScalarSize()) for image in self.images)
        return int(np.prod(self.geometry.size)) * len(self.images) * each

    def take_out(self) -> None:
        image = slicer.vtkOrientedImageData()
        fill_image(image, np.zeros((1, 1, 1), np.uint8))
        segmentation = self.node.GetSegmentation()
        for id_ in segment_ids(self.node):
            segmentation.GetSegment(id_).AddRepresentation(BINARY_LABELMAP, image)
        # Slicer writes at least this much.
        converter = slicer.vtkSegmentationConverter
        name = converter.GetReferenceImageGeometryParameterName()
        segmentation.SetConversionParameter(name, converter.SerializeImageGeometry(image))

    def write(self, path: Path) -> Steps[None]:
        layers = []
        for image in self.images:
            k, j, i = (int(n) for n in (extent_of(image)[:, 0] - self.start)[::-1])
            if _is_empty(image):
                layers.append((np.zeros((0, 0, 0), np.uint8), (0, 0, 0)))
            else:
                layers.append((voxels_of(image), (k, j, i)))
        return write_layers_in_steps(layers, self.geometry, path, self.keys)


def _volume_voxels(node: vtkMRMLScalarVolumeNode) -> _VolumeVoxels | None:
    image = node.GetImageData()
    if image is None or _is_empty(image) or image.GetNumberOfScalarComponents() != 1:
        return None
    if not can_be_written(voxels_of(image).dtype):
        return None
    geometry = Geometry.from_ijk_to_ras(local_ijk_to_ras(node), image.GetDimensions())
    return _VolumeVoxels(node, [image], geometry)


def _segment_voxels(node: vtkMRMLSegmentationNode) -> _SegmentVoxels | None:
    segmentation = node.GetSegmentation()
    if segmentation.GetSourceRepresentationName() != BINARY_LABELMAP:
        return None
    layers: list[vtkOrientedImageData] = []
    layer_of: dict[str, int] = {}
    for id_ in segment_ids(node):
        image = segmentation.GetSegment(id_).GetRepresentation(BINARY_LABELMAP)
        if image is None:
            return None
        if image not in layers:
            layers.append(image)
        layer_of[id_] = layers.index(image)
    filled = [layer for layer in layers if not _is_empty(layer)]
    if any(not can_be_written(voxels_of(layer).dtype) for layer in filled):
        return None
    matrices = [image_to_world(layer) for layer in filled or layers[:1]]
    if not matrices or any(np.abs(matrix - matrices[0]).max() > _SAME_GRID for matrix in matrices):
        return None
    extents = np.array([extent_of(layer) for layer in filled] or [np.zeros((3, 2), int)])
    start, end = extents[:, :, 0].min(axis=0), extents[:, :, 1].max(axis=0)
    if filled and (start == end).all():
        end += [0, 0, 1]  # Slicer takes a file of one voxel for one without any
    matrix = matrices[0].copy()
    matrix[:, 3] = matrix @ [*start, 1]
    i, j, k = (int(n) for n in end - start + 1)
    geometry = Geometry.from_ijk_to_ras(matrix, (i, j, k))
    return _SegmentVoxels(node, [*layers], geometry, start, _keys(node, layers, layer_of, start))


def _keys(
    node: vtkMRMLSegmentationNode,
    layers: list[vtkOrientedImageData],
    layer_of: dict[str, int],
    start: npt.NDArray[np.int_],
) -> dict[str, str]:
    """What Slicer's ``vtkMRMLSegmentationStorageNode`` writes into the header."""
    segmentation = node.GetSegmentation()
    contained = [
        name
        for name in (BINARY_LABELMAP, CLOSED_SURFACE)
        if any(segmentation.GetSegment(id_).GetRepresentation(name) for id_ in layer_of)
    ]
    keys = {
        "Segmentation_MasterRepresentation": BINARY_LABELMAP,
        "Segmentation_ContainedRepresentationNames": "".join(f"{name}|" for name in contained),
        "Segmentation_ConversionParameters": segmentation.SerializeAllConversionParameters(),
        "Segmentation_ReferenceImageExtentOffset": _numbers(start),
    }
    for number, (id_, layer) in enumerate(layer_of.items()):
        segment, image = segmentation.GetSegment(id_), layers[layer]
        tags = written_tags(segment)
        extent = extent_of(image) if _is_empty(image) else extent_of(image) - start[:, np.newaxis]
        keys |= {
            f"Segment{number}_{key}": value
            for key, value in {
                "ID": id_,
                "Name": segment.GetName() or "",
                "NameAutoGenerated": str(int(segment.GetNameAutoGenerated())),
                "Color": " ".join(f"{part:g}" for part in segment.GetColor()),
                "ColorAutoGenerated": str(int(segment.GetColorAutoGenerated())),
                "Extent": _numbers(extent.ravel()),
                "LabelValue": str(segment.GetLabelValue()),
                "Layer": str(layer),
                "Tags": "".join(f"{name}:{value}|" for name, value in tags.items()),
            }.items()
        }
    return keys


def written_tags(segment: vtkSegment) -> dict[str, str]:
    """Those tags of a segment that are written, by name; not what others may have added."""
    tags = ("TerminologyEntry", CLASS_TAG)
    return {name: value for name in tags if (value := segment_tag(segment, name))}


def _files_of_nodes(folder: Path) -> dict[str, Path]:
    """By id of the node, where the scene in ``folder`` says that its data are."""
    try:
        root = ElementTree.parse(folder / f"{folder.name}.mrml").getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise OutputError(_NOT_WRITTEN) from error
    elements = {element.get("id", ""): element for element in root}
    files = {}
    for id_, element in elements.items():
        references = dict(
            reference.split(":", 1)
            for reference in element.get("references", "").split(";")
            if ":" in reference
        )
        storage = elements.get(references.get("storage", ""))
        if storage is not None:
            files[id_] = folder / unquote(storage.get("fileName", ""))
    return files


def _is_empty(image: vtk.vtkImageData) -> bool:
    return 0 in image.GetDimensions() or image.GetPointData().GetScalars() is None


def _numbers(values: npt.NDArray[np.int_]) -> str:
    return " ".join(str(int(value)) for value in values)
