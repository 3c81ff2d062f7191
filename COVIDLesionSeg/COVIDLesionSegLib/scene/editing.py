"""Segment Editor's settings for correcting a result: where it may edit, and what it overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..engine.labels import CLASSES, CONSOLIDATION_FROM_HU, LUNG_STYLES
from ..engine.severity.correction import LabelBox
from . import names
from .corrections import corrected_segment_ids, find_prediction
from .label_boxes import label_boxes, shared_part, was_moved
from .segmentation import BINARY_LABELMAP, own_segment_ids, segment_ids

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSegmentationNode,
        vtkMRMLSegmentEditorNode,
    )

_TAG = "COVIDLesionSeg.SegmentEditor"

BRUSH_MM = 8.0
"""Diameter of the brush at first."""

HuRange = tuple[float, float]

DENSITIES_HU: dict[str, HuRange] = {
    CLASSES[0]: (-700.0, CONSOLIDATION_FROM_HU),
    CLASSES[1]: (CONSOLIDATION_FROM_HU, 100.0),
}
"""HU that a brush paints by default, by lesion class.

Well-aerated lung goes up to -700 HU (Colombi et al., Radiology 2020;296:E86); DRSegUNet (Section
4.2) takes what is denser than 100 HU for no lung tissue.
"""

_PAINTING = frozenset({"Paint", "Draw"})
"""Effects that a density range holds for: it would keep the others from taking voxels away."""

SPLITTING = "Islands.Operation"
"""Option of Slicer's effect that may make parts of a segment new ones, which do not count."""
_OF_ALL_SEGMENTS = {
    "Erase.EraseAllSegments": "0",
    "Scissors.ApplyToAllVisibleSegments": "0",
    "Smoothing.ApplyToAllVisibleSegments": "0",
    "Margin.ApplyToAllVisibleSegments": "0",
    "Smoothing.SmoothingMethod": "MEDIAN",
    SPLITTING: "REMOVE_SELECTED_ISLAND",  # which does nothing before a click
}
"""Options of Slicer's effects that change segments besides the chosen one, and what to set."""
_ONLY_AS = {
    "Smoothing.SmoothingMethod": "JOINT_TAUBIN",
    SPLITTING: "SPLIT_ISLANDS_TO_SEGMENTS",
}
"""Where one value of such an option does so, and no other."""


def editor_node(scene: vtkMRMLScene) -> vtkMRMLSegmentEditorNode:
    """This package's own settings of Segment Editor; those of Slicer's module stay as they are."""
    node = scene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(_TAG)
        node.SetHideFromEditors(True)
        # An effect that was active when the scene was saved would be started by loading it.
        node.SetSaveWithScene(False)
        node.SetAttribute("BrushDiameterIsRelative", "0")
        node.SetAttribute("BrushAbsoluteDiameter", str(BRUSH_MM))
        node = scene.AddNode(node)
    return node


def is_lung(segment_id: str) -> bool:
    """Whether a segment is one of this package's lungs."""
    return segment_id in {style.id for style in LUNG_STYLES.values()}


def counts(node: vtkMRMLSegmentationNode | None, segment_id: str) -> bool:
    """Whether a segment is a lung or lesion of this package: no figure is of any other."""
    return node is not None and segment_id in own_segment_ids(node)


def prepare_editor(node: vtkMRMLSegmentEditorNode, density: HuRange | None) -> None:
    """Set what the chosen segment and effect may change.

    A lesion may grow over a lung without cutting it, and nowhere else: Slicer's mask is the union
    of all segments, so that what lies outside the lungs can still be erased; what is painted in
    segments of the user's own :func:`keep_inside_lungs` takes out again. Lungs are edited anywhere.

    Args:
        node: With the segmentation, the chosen segment and the active effect.
        density: HU that the brush paints, or None for any.
    """
    chosen = node.GetSelectedSegmentID() or ""
    edits_lung = is_lung(chosen)
    anywhere = edits_lung or bool(chosen) and not counts(node.GetSegmentationNode(), chosen)
    allowed = slicer.vtkMRMLSegmentationNode
    was_modifying = node.StartModify()
    node.SetOverwriteMode(node.OverwriteNone)
    node.SetMaskMode(
        allowed.EditAllowedEverywhere if anywhere else allowed.EditAllowedInsideAllSegments
    )
    limited = density is not None and not edits_lung
    if density is not None:
        node.SetSourceVolumeIntensityMaskRange(*density)
    node.SetSourceVolumeIntensityMask(limited and (node.GetActiveEffectName() or "") in _PAINTING)
    node.EndModify(was_modifying)


def edit_chosen_segment_only(node: vtkMRMLSegmentEditorNode) -> list[str]:
    """Switch options of effects off that change other segments, and so the lungs, or make new ones.

    Returns:
        Names of those that were on.
    """
    switched_on = [name for name, off in _OF_ALL_SEGMENTS.items() if _is_on(node, name, off)]
    for name in switched_on:
        node.SetAttribute(name, _OF_ALL_SEGMENTS[name])
    return switched_on


def _is_on(node: vtkMRMLSegmentEditorNode, name: str, off: str) -> bool:
    value = node.GetAttribute(name) or off
    return bool(value == _ONLY_AS[name] if name in _ONLY_AS else value != off)


def keep_inside_lungs(node: vtkMRMLSegmentationNode, lesion_id: str) -> bool:
    """Take out of a lesion what a stroke added in segments of the user's own outside the lungs.

    What the run found there stays.

    Returns:
        Whether any voxel was taken out.
    """
    own = own_segment_ids(node)
    users = [id_ for id_ in segment_ids(node) if id_ not in own]
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    if not users or is_lung(lesion_id) or lesion_id not in own or ct_node is None:
        return False
    if was_moved(ct_node, node):  # what lies beside it would be lost
        return False
    boxes = label_boxes(node, ct_node, {lesion_id: 1})
    if not boxes:
        return False
    (lesion,) = boxes
    outside = lesion.mask()
    outside &= _mask(node, ct_node, users, lesion)
    prediction = find_prediction(node)
    kept = [(node, [id_ for id_ in own if id_ != lesion_id])]
    kept += [] if prediction is None else [(prediction, own_segment_ids(prediction))]
    for one, ids in kept:
        if outside.any():
            outside &= ~_mask(one, ct_node, ids, lesion)
    if not outside.any():
        return False
    voxels = np.zeros(ct_node.GetImageData().GetDimensions()[::-1], np.uint8)
    place = tuple(
        slice(start, start + length)
        for start, length in zip(lesion.start, outside.shape, strict=True)
    )
    voxels[place] = lesion.mask() & ~outside
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, lesion_id, ct_node)
    return True


def keep_classes_apart(node: vtkMRMLSegmentationNode, kept_id: str) -> bool:
    """Take the voxels of segment ``kept_id`` out of all other lesion classes.

    A voxel has one class; painting without overwriting would leave it with several.

    Returns:
        Whether any voxel was taken out.
    """
    others = [id_ for id_ in own_segment_ids(node) if not is_lung(id_) and id_ != kept_id]
    if is_lung(kept_id) or not others or kept_id not in own_segment_ids(node):
        return False
    segmentation = node.GetSegmentation()
    kept = segmentation.GetSegment(kept_id)
    layer = kept.GetRepresentation(BINARY_LABELMAP)
    rivals = [id_ for id_ in others if _share_voxels(node, kept_id, id_)]
    for id_ in rivals:
        # 255 where the voxel may stay: Slicer takes the minimum of both.
        allowed = slicer.vtkOrientedImageData()
        threshold = vtk.vtkImageThreshold()
        threshold.SetInputData(layer)
        threshold.ThresholdBetween(kept.GetLabelValue(), kept.GetLabelValue())
        threshold.SetInValue(0)
        threshold.SetOutValue(255)
        threshold.SetOutputScalarTypeToUnsignedChar()
        threshold.Update()
        allowed.ShallowCopy(threshold.GetOutput())
        allowed.CopyDirections(layer)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        logic.SetBinaryLabelmapToSegment(allowed, node, id_, logic.MODE_MERGE_MIN)
    return bool(rivals)


def discard_corrections(node: vtkMRMLSegmentationNode, prediction: vtkMRMLSegmentationNode) -> None:
    """Give the segments of ``node`` the voxels of the run again, and bring back those removed."""
    segmentation = node.GetSegmentation()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    for id_ in corrected_segment_ids(node):
        image = slicer.vtkOrientedImageData()
        if prediction.GetBinaryLabelmapRepresentation(id_, image):
            logic.SetBinaryLabelmapToSegment(image, node, id_, logic.MODE_REPLACE)
    for id_ in own_segment_ids(prediction):
        if segmentation.GetSegment(id_) is None:
            segmentation.CopySegmentFromSegmentation(prediction.GetSegmentation(), id_)


def _mask(
    node: vtkMRMLSegmentationNode,
    ct_node: vtkMRMLScalarVolumeNode,
    ids: list[str],
    where: LabelBox,
) -> npt.NDArray[np.bool_]:
    """The voxels of any of these segments, inside a box."""
    mask = np.zeros(where.voxels.shape, bool)
    for box in label_boxes(node, ct_node, dict.fromkeys(ids, 1)):
        shared = shared_part(where, box)
        if shared is not None:
            here, there = shared
            mask[here] |= box.mask(there)
    return mask


def _share_voxels(node: vtkMRMLSegmentationNode, first_id: str, second_id: str) -> bool:
    """Whether two segments overlap."""
    ct_node = node.GetNodeReference(names.CT_REFERENCE)
    return any(
        (box.mask() & _mask(node, ct_node, [second_id], box)).any()
        for box in label_boxes(node, ct_node, {first_id: 1})
    )
