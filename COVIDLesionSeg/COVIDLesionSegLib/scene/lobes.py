"""Lobes in a segmentation of the user's: found by their codes, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError
from ..engine.lobes import LOBES, lobe_of
from ..engine.volume.placed_labels import PlacedLabels
from .images import extent_of, image_to_world, parent_to_world, voxels_of
from .segmentation import BINARY_LABELMAP, chosen_or_coded, coded_segments, segment_ids

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode, vtkOrientedImageData


def coded_lobes(node: vtkMRMLSegmentationNode) -> dict[str, str]:
    """Lobe of each segment, by segment id, that its terminology calls a lobe."""
    return coded_segments(node, segment_ids(node), lobe_of)


def lobe_segments(node: vtkMRMLSegmentationNode, chosen: Mapping[str, str]) -> dict[str, str]:
    """Lobe of each segment, by segment id: as the user chose, else by its terminology.

    Neither names nor the order of segments say anything.

    Args:
        node: The segmentation.
        chosen: Segment id by lobe; lobes and segments that do not exist are left out.
    """
    by_choice = {id_: lobe for lobe, id_ in chosen.items() if lobe in LOBES}
    return chosen_or_coded(node, by_choice, coded_lobes(node))


def placed_labels(node: vtkMRMLSegmentationNode, names: Mapping[str, str]) -> list[PlacedLabels]:
    """The segments' voxels as they lie in memory: nothing is copied or converted.

    Args:
        node: A segmentation; nothing of it is changed.
        names: What each segment stands for, by segment id.

    Raises:
        InputError: A segment has no voxels, such as one that was made of a surface, or the
            segmentation is below a transform that bends it.
    """
    to_world = parent_to_world(node, f"'{node.GetName()}'")
    layers: dict[vtkOrientedImageData, dict[int, str]] = {}
    for id_, name in names.items():
        segment = node.GetSegmentation().GetSegment(id_)
        if segment is None:
            continue
        layer = segment.GetRepresentation(BINARY_LABELMAP)
        if layer is None:
            raise InputError(
                f"The segment '{segment.GetName()}' has no voxels: in the module Segmentations, "
                "create its binary labelmap."
            )
        if layer.GetPointData().GetScalars() is not None:
            layers.setdefault(layer, {})[int(segment.GetLabelValue())] = name
    return [_placed(layer, labels, to_world) for layer, labels in layers.items()]


def _placed(
    layer: vtkOrientedImageData, labels: dict[int, str], to_world: npt.NDArray[np.float64]
) -> PlacedLabels:
    ijk_to_ras = to_world @ image_to_world(layer)
    ijk_to_ras[:, 3] = ijk_to_ras @ [*extent_of(layer)[:, 0], 1]
    return PlacedLabels(voxels_of(layer), ijk_to_ras, labels)
