"""Corrections that the user made to the lungs and lesions of a run: noticed, and never lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk

from ..engine.flags import Flag
from ..engine.steps import Steps
from . import names, nodes
from .label_boxes import (
    bring_prediction_along,
    label_boxes,
    lies_on_grid,
    same_boxes,
    same_boxes_in_steps,
    shared_part,
)
from .segmentation import BINARY_LABELMAP, CLOSED_SURFACE, own_segment_ids

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLScalarVolumeNode,
        vtkMRMLSegmentationNode,
        vtkOrientedImageData,
        vtkSegmentation,
    )

    from .prepared import PreparedResult

_KEPT_FLAG = "corrections-kept"


def find_prediction(node: vtkMRMLSegmentationNode) -> vtkMRMLSegmentationNode | None:
    """The lungs and lesions of the run as they were before any correction of ``node``.

    They are moved along where CT and ``node`` were moved together. None where there are none: the
    scene was saved by an earlier version, or without its hidden nodes.
    """
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    if ct_node is None:
        return None
    bring_prediction_along(ct_node)
    prediction = nodes.find_output(ct_node, names.PREDICTION_ROLE)
    return prediction if prediction is not None and own_segment_ids(prediction) else None


def corrected_segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of this package's segments whose voxels are not those of the run any more.

    All of them where the run's are not known.
    """
    prediction = find_prediction(node)
    ids = own_segment_ids(node)
    if prediction is None:
        return ids
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    labels = {id_: label for label, id_ in enumerate(ids, start=1)}
    if same_boxes(label_boxes(node, ct_node, labels), label_boxes(prediction, ct_node, labels)):
        return []
    return [id_ for id_ in ids if not _same_voxels(node, prediction, ct_node, id_)]


def may_be_corrected_in_steps(node: vtkMRMLSegmentationNode) -> Steps[bool]:
    """Whether anything looks different from the run: quick, but true for a layer cropped anew."""
    prediction = find_prediction(node)
    if prediction is None:
        return False
    ids = own_segment_ids(node)
    if ids != own_segment_ids(prediction):
        return True
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    labels = {id_: label for label, id_ in enumerate(ids, start=1)}
    if not (lies_on_grid(node, ct_node, ids) and lies_on_grid(prediction, ct_node, ids)):
        return True  # Slicer would resample it all at once, and segments of a run lie on the grid
    first, second = (label_boxes(one, ct_node, labels) for one in (node, prediction))
    yield
    same = yield from same_boxes_in_steps(first, second)
    return not same


def keep_corrections(node: vtkMRMLSegmentationNode, prepared: PreparedResult) -> tuple[Flag, ...]:
    """Copy corrected segments to segments of the user's own, before a run replaces them.

    One that the run has just as it is, such as a lung that was given to it, needs no copy.

    Args:
        node: Segmentation of the earlier result.
        prepared: What replaces it.

    Returns:
        A note that names the copies, or nothing where nothing was corrected.
    """
    known = find_prediction(node) is not None
    replaced = [id_ for id_ in corrected_segment_ids(node) if not _has(prepared, node, id_)]
    copies = [_copy_for_user(node, id_) for id_ in replaced]
    if not copies:
        return ()
    listed = ", ".join(f"'{name}'" for name in copies)
    what = "Your corrections were" if known else "What you may have corrected was"
    return (Flag(_KEPT_FLAG, f"{what} kept as {listed}.", level="note"),)


def without_names(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Flags that may leave the scene: the note on copies has names that the user may have given."""
    return tuple(flag for flag in flags if flag.code != _KEPT_FLAG)


def _has(prepared: PreparedResult, node: vtkMRMLSegmentationNode, id_: str) -> bool:
    """Whether a prepared result has a segment with the very voxels of that of ``node``."""
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    for layer in prepared.layers:
        for new in layer.segments:
            if new.id != id_:
                continue
            voxels = 0
            for box in label_boxes(node, ct_node, {id_: 1}):
                place = tuple(
                    slice(start, start + length)
                    for start, length in zip(box.start, box.voxels.shape, strict=True)
                )
                mask = box.mask()
                if not np.array_equal(mask, new.labels[place] == new.label):
                    return False
                voxels += int(np.count_nonzero(mask))
            return voxels == int(np.count_nonzero(new.labels == new.label))
    return False


def _same_voxels(
    first: vtkMRMLSegmentationNode,
    second: vtkMRMLSegmentationNode,
    ct_node: vtkMRMLScalarVolumeNode,
    id_: str,
) -> bool:
    """Whether a segment is the same in both: Slicer crops layers, which does not change it."""
    boxes = [
        [(box, box.mask()) for box in label_boxes(one, ct_node, {id_: 1})]
        for one in (first, second)
    ]
    counts = [sum(int(np.count_nonzero(mask)) for _, mask in found) for found in boxes]
    if counts[0] != counts[1]:
        return False
    both = 0
    for box, mask in boxes[0]:
        for other, other_mask in boxes[1]:
            shared = shared_part(box, other)
            if shared is not None:
                here, there = shared
                both += int(np.count_nonzero(mask[here] & other_mask[there]))
    return both == counts[0]


def _copy_for_user(node: vtkMRMLSegmentationNode, segment_id: str) -> str:
    segmentation = node.GetSegmentation()
    corrected = segmentation.GetSegment(segment_id)
    copy = slicer.vtkSegment()
    copy.SetName(_free_name(segmentation, f"{corrected.GetName()} (corrected)"))
    copy.SetColor(corrected.GetColor())
    terminology = vtk.mutable("")
    if corrected.GetTag("TerminologyEntry", terminology):
        copy.SetTag("TerminologyEntry", str(terminology))
    copy.SetTag(names.KEPT_TAG, segment_id)
    # An image of its own: undo may give the segment's back to it.
    copy.AddRepresentation(BINARY_LABELMAP, _binary_labelmap(node, segment_id))
    surface = corrected.GetRepresentation(CLOSED_SURFACE)
    if surface is not None:
        copy.AddRepresentation(CLOSED_SURFACE, surface)
    copy_id = segmentation.GenerateUniqueSegmentID(f"{segment_id}-corrected")
    segmentation.AddSegment(copy, copy_id)
    display = node.GetDisplayNode()
    display.SetSegmentOpacity3D(copy_id, display.GetSegmentOpacity3D(segment_id))
    display.SetSegmentOpacity2DFill(copy_id, display.GetSegmentOpacity2DFill(segment_id))
    return str(copy.GetName())


def _free_name(segmentation: vtkSegmentation, name: str) -> str:
    count = segmentation.GetNumberOfSegments()
    taken = {segmentation.GetNthSegment(index).GetName() for index in range(count)}
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in taken)


def _binary_labelmap(node: vtkMRMLSegmentationNode, segment_id: str) -> vtkOrientedImageData:
    """One segment as an image of its own, below the node's parent transform."""
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    return image
