"""Two CTs of one patient in a scene: what a comparison takes, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError, ParameterError
from ..engine.followup import FEWEST
from ..engine.followup.study import Study, deciding_parameters
from ..engine.labels import CHANGE_STYLES, CLASS_TAG, LESION
from ..engine.steps import Steps, finish
from ..engine.volume.placed_labels import labels_on_grid
from . import names
from .given_lungs import given_lungs, lesion_segments, lung_segments
from .lobes import placed_labels
from .made_from import check_made_from
from .nodes import (
    find_output,
    find_own,
    make_own,
    place_beside_ct,
    read_flags,
    read_provenance,
    remove_output,
)
from .patients import patient_marks
from .prepared import layer_image
from .segmentation import BINARY_LABELMAP, segment_tag, set_contents
from .volumes import local_ijk_to_ras, volume_from_node_in_steps, world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

_CLASS = "vtkMRMLSegmentationNode"
_FILL = 0.3


def study_from_nodes(
    ct_node: vtkMRMLScalarVolumeNode, segmentation_node: vtkMRMLSegmentationNode
) -> Steps[Study]:
    """A CT with the lungs and lesions of a segmentation, on the CT's stored grid, in short steps.

    Args:
        ct_node: The CT, in HU.
        segmentation_node: Lungs and lesions are known by their terminology, or by what this
            software found there; corrections count.

    Raises:
        InputError: There is no lung or no segment for lesions, parts overlap, a node lies under a
            transform that bends it, or the CT was changed since it was segmented.
    """
    volume = yield from volume_from_node_in_steps(ct_node)
    provenance = read_provenance(segmentation_node)
    yield from check_made_from(ct_node, provenance)
    lungs = yield from given_lungs(segmentation_node, lung_segments(segmentation_node, {}), ct_node)
    segmentation = segmentation_node.GetSegmentation()
    class_of = {
        id_: segment_tag(segmentation.GetSegment(id_), CLASS_TAG) or LESION
        for id_ in lesion_segments(segmentation_node)
    }
    if not class_of:
        raise InputError(
            f"No segment of '{segmentation_node.GetName()}' is known to hold lesions: set the "
            "terminology of the lesions, or segment the CT."
        )
    classes = tuple(dict.fromkeys(class_of.values()))
    lesions = yield from labels_on_grid(
        placed_labels(segmentation_node, class_of),
        {name: label for label, name in enumerate(classes, start=1)},
        world_geometry(ct_node),
    )
    yield
    from ..engine.lungs.given import with_lesions  # SciPy, which the panel needs late

    models = provenance.get("models", {})
    return Study(
        geometry=volume.geometry,
        lungs=with_lesions(lungs, volume.geometry),
        lesions=lesions,
        classes=classes,
        hu=volume.array,
        models={name: facts.get("weights_sha256") for name, facts in models.items()},
        parameters=deciding_parameters(provenance),
        flags=read_flags(segmentation_node),
    )


@dataclass(frozen=True, eq=False)
class SceneComparison:
    """A comparison of CTs and its nodes.

    Attributes:
        facts: The content of ``comparison.json``.
        segmentationNodes: Of each CT but the first, its new, persistent and resolved lesions; None
            where they were not matched.
    """

    facts: dict[str, Any]
    segmentationNodes: tuple[vtkMRMLSegmentationNode | None, ...]


def studies_of(
    ct_nodes: Sequence[vtkMRMLScalarVolumeNode],
    segmentation_nodes: Sequence[vtkMRMLSegmentationNode] | None = None,
) -> list[Steps[Study]]:
    """What reads each CT with its segmentation, by default that of its result.

    Of patients only whether they are the same is handed on, see :func:`.patients.patient_marks`.

    Raises:
        ParameterError: There are fewer than two CTs, or not one segmentation for each.
        InputError: A CT has no result.
    """
    if len(ct_nodes) < FEWEST:
        raise ParameterError("Choose at least two CTs of one patient, the earliest first.")
    if segmentation_nodes is None:
        segmentation_nodes = [_result_of(ct_node) for ct_node in ct_nodes]
    if len(segmentation_nodes) != len(ct_nodes):
        raise ParameterError("Choose one segmentation for each CT.")
    return [
        _of_patient(study_from_nodes(ct_node, segmentation_node), patient)
        for ct_node, segmentation_node, patient in zip(
            ct_nodes, segmentation_nodes, patient_marks(ct_nodes), strict=True
        )
    ]


def _of_patient(steps: Steps[Study], patient: str | None) -> Steps[Study]:
    study = yield from steps
    return replace(study, patient=patient)


def show_comparison(
    ct_nodes: Sequence[vtkMRMLScalarVolumeNode],
    facts: dict[str, Any],
    changes: Sequence[npt.NDArray[np.uint8] | None],
) -> SceneComparison:
    """Show what became of lesions on every CT but the first.

    What an earlier comparison showed on a CT goes where lesions were not matched now.

    Args:
        ct_nodes: The CTs that were compared.
        facts: The content of ``comparison.json``.
        changes: Of every CT but the first, see :func:`show_changes`.

    Raises:
        InputError: A CT was removed or changed meanwhile.
    """
    if any(ct_node.GetScene() is None for ct_node in ct_nodes):
        raise InputError("A CT was removed from the scene while it was compared.")
    nodes: list[vtkMRMLSegmentationNode | None] = []
    for ct_node, labels in zip(ct_nodes[1:], changes, strict=True):
        if labels is not None:
            nodes.append(show_changes(ct_node, labels))
            continue
        outdated = find_changes(ct_node)
        if outdated is not None:
            remove_output(outdated)
        nodes.append(None)
    return SceneComparison(facts, tuple(nodes))


def _result_of(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLSegmentationNode:
    node = find_output(ct_node, names.SEGMENTATION_ROLE)
    if node is None:
        raise InputError(
            f"'{ct_node.GetName()}' has no result yet: segment it first, or choose its "
            "segmentation."
        )
    return cast("vtkMRMLSegmentationNode", node)


def find_changes(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLSegmentationNode | None:
    """The segmentation that :func:`show_changes` made for the CT, or None."""
    return find_own(ct_node, _CLASS, names.FOLLOW_UP_ROLE)


def show_changes(
    ct_node: vtkMRMLScalarVolumeNode, changes: npt.NDArray[np.uint8]
) -> vtkMRMLSegmentationNode:
    """New, persistent and resolved lesions as segments on the grid of the later CT.

    Args:
        ct_node: The later CT; an earlier segmentation of changes on it is updated.
        changes: uint8, shape (k, j, i): labels of
            :data:`~COVIDLesionSegLib.engine.labels.CHANGE_STYLES`.

    Raises:
        InputError: The CT has no voxels, or others than it had.
    """
    if changes.shape != world_geometry(ct_node).shape:
        raise InputError("The later CT was changed while it was compared: compare again.")
    node = find_changes(ct_node) or _new_node(ct_node)
    node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct_node)
    segmentation = node.GetSegmentation()
    for label, style in CHANGE_STYLES.items():
        if segmentation.GetSegment(style.id) is None:
            segmentation.AddEmptySegment(style.id, style.name, style.color)
            segment = segmentation.GetSegment(style.id)
            segment.SetTag("TerminologyEntry", style.terminology)
            node.GetDisplayNode().SetSegmentOpacity2DFill(style.id, _FILL)
        segmentation.GetSegment(style.id).SetLabelValue(label)
    image = finish(layer_image(changes, local_ijk_to_ras(ct_node)))
    set_contents(node, {style.id: {BINARY_LABELMAP: image} for style in CHANGE_STYLES.values()})
    return node


def _new_node(ct_node: vtkMRMLScalarVolumeNode) -> vtkMRMLSegmentationNode:
    scene = ct_node.GetScene()
    title = f"{ct_node.GetName() or 'CT'} COVID-19 follow-up"
    node = scene.AddNewNodeByClass(_CLASS, scene.GenerateUniqueName(title))
    make_own(node, ct_node, names.FOLLOW_UP_ROLE)
    node.CreateDefaultDisplayNodes()
    place_beside_ct(ct_node, [node])
    return cast("vtkMRMLSegmentationNode", node)
