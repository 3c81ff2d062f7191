"""Lungs in a segmentation of the user's choice, on the grid of a CT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError
from ..engine.labels import (
    CLASS_TAG,
    LEFT_LUNG,
    LESION,
    LUNG_LABELS,
    PAINTED_OVER,
    RIGHT_LUNG,
    is_lesion,
)
from ..engine.lesions import painted_over
from ..engine.lobes import lung_of
from ..engine.steps import Steps, slabs
from ..engine.volume.placed_labels import labels_on_grid
from . import names
from .corrections import find_prediction
from .lobes import placed_labels
from .segmentation import (
    BINARY_LABELMAP,
    chosen_or_coded,
    coded_segments,
    own_segment_ids,
    segment_ids,
    segment_tag,
)
from .volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

_NAMES = {RIGHT_LUNG: "right", LEFT_LUNG: "left"}
_LABELS = {name: label for label, name in _NAMES.items()}


def coded_lungs(node: vtkMRMLSegmentationNode) -> dict[str, int]:
    """Label of the lung of each segment, by segment id, that its terminology calls one.

    Lobes are parts of their lungs.
    """
    return coded_segments(node, _counted_segments(node), lung_of)


def lung_segments(node: vtkMRMLSegmentationNode, chosen: Mapping[str, str]) -> dict[str, int]:
    """Label of the lung of each segment, by segment id: as the user chose, else by terminology.

    Neither names nor the order of segments say anything.

    Args:
        node: The segmentation.
        chosen: Segment id by name of the lung, ``"right lung"`` or ``"left lung"``; segments that
            do not exist are left out.
    """
    by_choice = {id_: LUNG_LABELS[lung] for lung, id_ in chosen.items() if lung in LUNG_LABELS}
    return chosen_or_coded(node, by_choice, coded_lungs(node))


def given_lungs(
    node: vtkMRMLSegmentationNode, segments: Mapping[str, int], ct_node: vtkMRMLScalarVolumeNode
) -> Steps[npt.NDArray[np.uint8]]:
    """The lungs on the stored grid of a CT, in short steps.

    A voxel of the CT belongs to the segment that its centre lies in, where the segmentation has a
    grid of its own.

    Args:
        node: The segmentation; nothing of it is changed.
        segments: As :func:`lung_segments` gives them.
        ct_node: The CT.

    Returns:
        Shape (k, j, i): 0 elsewhere, 1 right lung, 2 left lung, 3 lesions of the segmentation that
        are in neither, as painting cuts them out of a lung: see
        :class:`~COVIDLesionSegLib.engine.lungs.given.GivenLungs`. In a result of this software
        these are the lesions that were drawn: see
        :func:`~COVIDLesionSegLib.engine.lesions.painted_over`.

    Raises:
        InputError: No segment is known to be a lung, they lie beside the CT, or they overlap.
    """
    if not segments:
        raise InputError(
            f"No segment of '{node.GetName()}' is known to be a lung: choose the right and the "
            "left lung, or set their terminology."
        )
    images = placed_labels(node, {id_: _NAMES[label] for id_, label in segments.items()})
    lungs = yield from labels_on_grid(images, _LABELS, world_geometry(ct_node))
    if not lungs.any():
        raise InputError(
            f"The lungs of '{node.GetName()}' are empty or do not lie on this CT: choose another "
            "segmentation."
        )
    ours = _is_ours(node)
    prediction = find_prediction(node) if ours else None
    if ours and prediction is None:
        return lungs  # below which of its lesions the lungs were taken out, nobody knows
    beside = (yield from _lesions(node, segments, ct_node)) > 0
    for part in slabs(lungs):
        beside[part] &= lungs[part] == 0
        yield
    if prediction is not None and beside.any():
        beside = painted_over(beside, (yield from _lesions(prediction, segments, ct_node)))
    lungs[beside] = PAINTED_OVER
    return lungs


def _lesions(
    node: vtkMRMLSegmentationNode, lungs: Mapping[str, int], ct_node: vtkMRMLScalarVolumeNode
) -> Steps[npt.NDArray[np.uint8]]:
    """Lesions of any class on the stored grid of a CT, shape (k, j, i): 1 in them."""
    images = placed_labels(node, dict.fromkeys(lesion_segments(node, lungs), LESION))
    return (yield from labels_on_grid(images, {LESION: 1}, world_geometry(ct_node)))


def lesion_segments(
    node: vtkMRMLSegmentationNode, lungs: Mapping[str, int] | None = None
) -> list[str]:
    """Ids of the segments with voxels that hold lesions, by their tags; none of ``lungs``."""
    segmentation = node.GetSegmentation()
    found = []
    for id_ in _counted_segments(node):
        segment = segmentation.GetSegment(id_)
        tags = (segment_tag(segment, name) for name in (CLASS_TAG, "TerminologyEntry"))
        if id_ not in (lungs or {}) and is_lesion(*tags):
            found += [id_] if segment.GetRepresentation(BINARY_LABELMAP) is not None else []
    return found


def _counted_segments(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of the segments that count: in a result of this software its own, as in its tables.

    Beside these lie corrections of earlier runs, and copies that the user made.
    """
    return own_segment_ids(node) if _is_ours(node) else segment_ids(node)


def _is_ours(node: vtkMRMLSegmentationNode) -> bool:
    return bool(node.GetAttribute(names.ROLE_ATTRIBUTE) == names.SEGMENTATION_ROLE)
