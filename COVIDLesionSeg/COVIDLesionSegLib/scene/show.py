"""From a result to a scene: one call creates or updates everything."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import vtk

from ..engine.errors import InputError
from ..engine.flags import Flag, is_untrained
from ..engine.result import SegmentationResult
from ..engine.severity.correction import Correction
from ..engine.severity.report import SeverityReport
from ..engine.steps import finish
from ..engine.volume import same_grid
from . import names
from .corrected_severity import read_correction, show_severity
from .corrections import keep_corrections
from .label_boxes import bring_prediction_along
from .made_from import check_made_from
from .model3d import show_surfaces
from .nodes import (
    find_or_create_output,
    find_outputs,
    nodes_by_class,
    place_beside_ct,
    read_flags,
    read_provenance,
    read_severity,
    write_provenance,
)
from .overlay import STYLES, hide_overlay, show_lung_window, update_overlay
from .prepared import PreparedResult, prepare_result
from .review import read_review, write_review
from .segmentation import (
    restore_visibility,
    segment_visibility,
    update_prediction,
    update_segmentation,
)
from .undo import Snapshot
from .volumes import local_ijk_to_ras, moved, voxel_state, world_geometry

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLNode,
        vtkMRMLPlotChartNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSegmentationNode,
        vtkMRMLTableNode,
    )

_SLICE_VIEW = "vtkMRMLSliceCompositeNode"
_MOVED_MM = 1e-3


@dataclass(frozen=True, kw_only=True)
class _OfRun:
    """What a run put into the scene, as one step that can be undone."""

    _before: Snapshot | None = field(default=None, repr=False, compare=False)

    def undo(self) -> list[str]:
        """Bring back what the CT's results were before this run; a first run leaves nothing.

        Segments that the user added stay, and so do copies of corrections that the user edited. A
        result read from the scene (:func:`find_result`) has no run to undo.

        Returns:
            Names of such segments that would have left with the run.
        """
        return [] if self._before is None else self._before.restore()

    @property
    def undone(self) -> bool:
        """Whether there is nothing to undo, or no longer."""
        return self._before is None or self._before.restored


@dataclass(frozen=True)
class SceneResult(_OfRun):
    """The nodes of one CT's result, and what they say.

    Attributes:
        segmentationNode: Right lung, left lung and lesion classes.
        probabilityNode: Lesion probability, 0 to 1, on the CT's grid.
        severityTableNode: Severity by region; this and what follows are None where the user deleted
            them.
        rulesTableNode: Severity by published rule.
        slicesTableNode: Severity by axial slice.
        disagreementNode: Disagreement of an ensemble's members, 0 to 1, on the CT's grid; None
            with a single model.
        chartNode: Infected share by axial slice, for plot views; None without
            ``slicesTableNode``, and in scenes of earlier versions.
        predictionNode: Hidden; lungs and lesions as the run gave them, before any correction. None
            in scenes of earlier versions.
        severity: What the tables show: after a correction, of the corrected segmentation.
        original: Severity as the run gave it; None without ``predictionNode``.
        correction: What the user changed since the run, as last measured; None if nothing.
        flags: What a reader must know before trusting the result.
        provenance: How the result came about.
    """

    segmentationNode: vtkMRMLSegmentationNode
    probabilityNode: vtkMRMLScalarVolumeNode
    severity: SeverityReport
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]
    severityTableNode: vtkMRMLTableNode | None = None
    rulesTableNode: vtkMRMLTableNode | None = None
    slicesTableNode: vtkMRMLTableNode | None = None
    disagreementNode: vtkMRMLScalarVolumeNode | None = None
    predictionNode: vtkMRMLSegmentationNode | None = None
    chartNode: vtkMRMLPlotChartNode | None = None
    original: SeverityReport | None = None
    correction: Correction | None = None

    @property
    def nodes(self) -> tuple[vtkMRMLNode, ...]:
        """All nodes of the result that are there."""
        others = (
            self.severityTableNode,
            self.rulesTableNode,
            self.slicesTableNode,
            self.disagreementNode,
            self.predictionNode,
            self.chartNode,
        )
        return (self.segmentationNode, self.probabilityNode, *filter(None, others))


def show_result(
    ct_node: vtkMRMLScalarVolumeNode,
    result: SegmentationResult | PreparedResult,
    surfaces: bool = True,
) -> SceneResult:
    """Create or update every node of one CT's result.

    The same CT keeps the same nodes, whatever they are called by now; other nodes of the user are
    left alone, also those that bear the same names. Segments that the user corrected are kept as
    copies, which a note among the flags names. Results go under the CT's parent transform. What a
    result does not have, as the disagreement with a single model, is removed where an earlier one
    had it; undo puts it back. Results of an untrained network are marked as such by their names.
    With its first result, a CT in Slicer's automatic window gets a lung window. If anything fails,
    the scene is as it was before.

    A prepared result takes milliseconds; one that is not takes seconds, most of them for surfaces.

    Args:
        ct_node: The CT that was segmented.
        result: On that CT's grid, as :func:`.volumes.volume_from_node_in_steps` gives it; or
            the same prepared, as :func:`.prepared.load_prepared` gives it.
        surfaces: Whether to make the 3D model and show it.

    Raises:
        InputError: ``result`` does not lie on the CT's grid, or was made from other voxels than it
            holds now.
        OutputError: A surface could not be made.
    """
    severity = (result.result if isinstance(result, PreparedResult) else result).severity
    outputs, before = _show(ct_node, result, surfaces)
    return _scene_result(outputs, severity, before)


def _show(
    ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult | PreparedResult, surfaces: bool
) -> tuple[dict[str, vtkMRMLNode], Snapshot]:
    """Create or update the nodes of a result; give them by role, and what was there before."""
    if isinstance(result, PreparedResult):
        prepared, result = result, result.result
        _check_result_fits(ct_node, result)
    else:
        _check_result_fits(ct_node, result)
        prepared = finish(prepare_result(ct_node, result))
    if not np.allclose(prepared.ijk_to_ras, local_ijk_to_ras(ct_node), rtol=0, atol=_MOVED_MM):
        raise moved()
    if prepared.voxels != voxel_state(ct_node):
        finish(check_made_from(ct_node, result.provenance))
    bring_prediction_along(ct_node)  # or undo would take its voxels and its grid apart
    existing = find_outputs(ct_node)
    before = Snapshot(ct_node)
    scene = ct_node.GetScene()
    earlier = existing.get(names.SEGMENTATION_ROLE)
    visibility = {} if earlier is None else segment_visibility(earlier)
    _save_scene_state(scene, existing.values())
    try:
        with _batch(scene):
            roles = [role for role in names.NODE_CLASSES if role not in _absent(result)]
            outputs = {role: find_or_create_output(ct_node, role) for role in roles}
            _fill(outputs, ct_node, prepared)
            for role in _absent(result) & set(existing):
                if role in STYLES:
                    hide_overlay(nodes_by_class(scene, _SLICE_VIEW), existing[role])
                before.remove(role)
        restore_visibility(outputs[names.SEGMENTATION_ROLE], visibility)
        if surfaces:
            show_surfaces(outputs[names.SEGMENTATION_ROLE])
        # In the application, items of new nodes exist only once the batch has ended.
        place_beside_ct(ct_node, [node for r, node in outputs.items() if r not in existing])
        if not existing:
            show_lung_window(ct_node)
    except BaseException:
        before.restore()
        raise
    return outputs, before


@dataclass(frozen=True)
class SceneLungs(_OfRun):
    """The lungs of one CT, to be corrected before lesions are looked for in them.

    Attributes:
        segmentationNode: Right and left lung.
        flags: What a reader must know before trusting the lungs.
        provenance: How they came about.
    """

    segmentationNode: vtkMRMLSegmentationNode
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]


def show_lungs(
    ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult | PreparedResult
) -> SceneLungs:
    """Create or update the segmentation of one CT with its lungs, and nothing else.

    As :func:`show_result`; lesions and figures of an earlier result leave the scene, and undo
    brings them back.

    Args:
        ct_node: The CT.
        result: Without lesion classes, see :func:`~COVIDLesionSegLib.engine.pipeline.find_lungs`.
    """
    outputs, before = _show(ct_node, result, surfaces=True)
    node = outputs[names.SEGMENTATION_ROLE]
    return SceneLungs(node, read_flags(node), read_provenance(node), _before=before)


def find_result(ct_node: vtkMRMLScalarVolumeNode) -> SceneResult | None:
    """The result that the scene holds for ``ct_node``, e.g. when loaded.

    None if a node is missing without which there is none, see :func:`.nodes.lost_role`, or it was
    saved by a version with other figures.
    """
    outputs = find_outputs(ct_node)
    if not set(names.NEEDED_ROLES) <= set(outputs):
        return None
    severity = read_severity(outputs[names.SEGMENTATION_ROLE])
    return None if severity is None else _scene_result(outputs, severity, None)


def _absent(result: SegmentationResult) -> set[str]:
    """Roles that this result has no node for."""
    if not result.classes:
        return set(names.NODE_CLASSES) - {names.SEGMENTATION_ROLE, names.PREDICTION_ROLE}
    return set() if result.disagreement is not None else {names.DISAGREEMENT_ROLE}


def _fill(
    outputs: dict[str, vtkMRMLNode], ct_node: vtkMRMLScalarVolumeNode, prepared: PreparedResult
) -> None:
    segmentation = outputs[names.SEGMENTATION_ROLE]
    result = prepared.result
    untrained = is_untrained(result.flags)
    for role, node in outputs.items():
        node.SetName(names.marked(node.GetName(), untrained))
        if role in prepared.volumes:
            update_overlay(node, ct_node, prepared.volumes[role], untrained)
        if node.IsA("vtkMRMLTransformableNode"):
            node.SetAndObserveTransformNodeID(ct_node.GetTransformNodeID())
    is_first = segmentation.GetAttribute(names.PROVENANCE_ATTRIBUTE) is None
    kept = keep_corrections(segmentation, prepared)
    update_segmentation(segmentation, ct_node, prepared)
    prediction = outputs[names.PREDICTION_ROLE]
    update_prediction(prediction, ct_node, prepared)
    for node in (segmentation, prediction):
        write_provenance(node, replace(result, flags=(*result.flags, *kept)))
        _name_run(node, is_first)
    segmentation.RemoveAttribute(names.CORRECTION_ATTRIBUTE)
    # What was said of an earlier prediction says nothing of this one; a note is about the CT.
    write_review(segmentation, read_review(segmentation).of_another_result())
    if result.classes:
        show_severity(outputs, result.severity)
    else:
        segmentation.RemoveAttribute(names.SEVERITY_ATTRIBUTE)


def _name_run(node: vtkMRMLSegmentationNode, is_first: bool) -> None:
    # The first result needs no name, so that the same CT gives the same scene.
    if is_first:
        node.RemoveAttribute(names.RUN_ATTRIBUTE)
    else:
        node.SetAttribute(names.RUN_ATTRIBUTE, uuid.uuid4().hex)


def _scene_result(
    outputs: dict[str, vtkMRMLNode], severity: SeverityReport, before: Snapshot | None
) -> SceneResult:
    segmentation = outputs[names.SEGMENTATION_ROLE]
    prediction = outputs.get(names.PREDICTION_ROLE)
    return SceneResult(
        segmentationNode=segmentation,
        probabilityNode=outputs[names.PROBABILITY_ROLE],
        severityTableNode=outputs.get(names.SEVERITY_ROLE),
        rulesTableNode=outputs.get(names.RULES_ROLE),
        slicesTableNode=outputs.get(names.SLICES_ROLE),
        disagreementNode=outputs.get(names.DISAGREEMENT_ROLE),
        predictionNode=prediction,
        chartNode=outputs.get(names.CHART_ROLE) if names.SLICES_ROLE in outputs else None,
        severity=severity,
        original=None if prediction is None else read_severity(prediction),
        correction=read_correction(segmentation),
        flags=read_flags(segmentation),
        provenance=read_provenance(segmentation),
        _before=before,
    )


def _check_result_fits(ct_node: vtkMRMLScalarVolumeNode, result: SegmentationResult) -> None:
    if not same_grid(result.geometry, world_geometry(ct_node)):
        raise moved()
    arrays: tuple[np.ndarray | None, ...] = (
        result.lungs,
        result.lesions,
        result.probability,
        result.disagreement,
    )
    if any(array is not None and array.shape != result.geometry.shape for array in arrays):
        raise InputError("The result's arrays do not have the shape of the CT: segment it again.")


def _save_scene_state(scene: vtkMRMLScene, nodes: Iterable[vtkMRMLNode]) -> None:
    # Does nothing unless the user turned MRML's undo on for these nodes.
    collection = vtk.vtkCollection()
    for node in nodes:
        collection.AddItem(node)
    scene.SaveStateForUndo(collection)


@contextmanager
def _batch(scene: vtkMRMLScene) -> Iterator[None]:
    scene.StartState(scene.BatchProcessState)
    try:
        yield
    finally:
        scene.EndState(scene.BatchProcessState)
