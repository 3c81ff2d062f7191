"""Questions before corrections of the user are replaced or undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ...engine.labels import LUNG_LABELS, segment_id
from ...scene import names
from ...scene.corrections import corrected_segment_ids, find_prediction
from ...scene.nodes import find_output
from ...scene.segmentation import LUNG_IDS
from ..dialogs import choose
from .segmentation_task import SegmentationTask

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


def ask_before_run(task: SegmentationTask) -> SegmentationTask | None:
    """What to run where the user corrected what would be replaced.

    Returns:
        The task, or one with the user's lungs; None where the user wants none.
    """
    node = None if task.ct is None else find_output(task.ct, names.SEGMENTATION_ROLE)
    if node is None:
        return task
    keeps_lungs = task.lungs is node
    lost = [id_ for id_ in _corrected(node) if not (keeps_lungs and id_ in LUNG_IDS)]
    if not lost:
        return task
    question = _(
        "You corrected {segments} since the last run of this CT. Corrected segments that a run "
        "replaces are kept as copies."
    ).format(segments=_names(node, lost))
    answers = [_("Replace all")]
    if not keeps_lungs and not task.only_lungs:
        answers = [_("Keep my lungs, find lesions in them"), *answers]
    answer = choose(_("Run again"), question, answers)
    if answer is None:
        return None
    if len(answers) > 1 and answer == 0:
        lungs = {segment_id(name): label for name, label in LUNG_LABELS.items()}
        return replace(task, lungs=node, lung_segments=lungs)
    return task


def ask_before_undo(ct: vtkMRMLScalarVolumeNode) -> bool:
    """Whether the last run of a CT may be undone, with what was corrected since."""
    node = find_output(ct, names.SEGMENTATION_ROLE)
    lost = [] if node is None else _corrected(node)
    if not lost:
        return True
    question = _(
        "You corrected {segments} since the last run: to undo the run takes these corrections "
        "away, too."
    ).format(segments=_names(node, lost))
    return choose(_("Undo"), question, [_("Undo all the same")]) is not None


def _corrected(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of the segments that the user corrected; none where the run's are not known."""
    return corrected_segment_ids(node) if find_prediction(node) is not None else []


def _names(node: vtkMRMLSegmentationNode, segment_ids: Iterable[str]) -> str:
    segmentation = node.GetSegmentation()
    return ", ".join(f"'{segmentation.GetSegment(id_).GetName()}'" for id_ in segment_ids)
