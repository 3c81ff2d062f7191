"""What a person said of a case, kept with its segmentation and saved with the scene."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.errors import InputError
from ..engine.result import SegmentationResult, facts_from_result
from ..engine.review import Verdict
from ..engine.severity.correction import LabelledCT
from . import names
from .corrections import without_names
from .label_boxes import labelled_ct
from .nodes import read_flags, read_provenance
from .show import SceneResult, find_result
from .volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


@dataclass(frozen=True)
class SceneReview:
    """The review of one CT's result.

    Attributes:
        verdict: None before one was given, or after it was withdrawn.
        note: For people.
        seen: Slices that were looked at, by the index that severity and quality flags use.
        saved: When the folder of reviewed cases got this state, as it says itself; "" if never.
        case: Id of the case there, or "".
    """

    verdict: Verdict | None = None
    note: str = ""
    seen: frozenset[int] = frozenset()
    saved: str = ""
    case: str = ""


@dataclass(frozen=True)
class ScenePrediction:
    """What a run gave, as the scene holds it before any correction.

    Attributes:
        facts: See :func:`~COVIDLesionSegLib.engine.result.facts_from_result`.
        labels: Lungs and lesions; views of Slicer's memory.
        arrays: Probability, and disagreement of an ensemble; views, too.
        run: Different for any other run.
    """

    facts: dict[str, Any]
    labels: LabelledCT
    arrays: dict[str, npt.NDArray[np.float32]]
    run: str


def prediction_of(ct_node: vtkMRMLScalarVolumeNode) -> ScenePrediction:
    """The prediction that the scene holds for a CT.

    Raises:
        InputError: There is none, or it lies on another grid than the CT.
    """
    result = find_result(ct_node)
    if result is None or result.predictionNode is None or result.original is None:
        raise InputError(
            "The scene does not hold what the run gave before any edit, so this case cannot be "
            "kept: run the segmentation again."
        )
    geometry = world_geometry(ct_node)
    arrays = {"probability": slicer.util.arrayFromVolume(result.probabilityNode)}
    if result.disagreementNode is not None:
        arrays["disagreement"] = slicer.util.arrayFromVolume(result.disagreementNode)
    if any(array.shape != geometry.shape for array in arrays.values()):
        raise InputError("The result does not lie on the CT's grid: run the segmentation again.")
    provenance = read_provenance(result.predictionNode)
    nothing = np.zeros((0, 0, 0), np.uint8)
    facts = facts_from_result(
        SegmentationResult(
            geometry=geometry,
            lungs=nothing,
            lesions=nothing,
            classes=result.original.classes,
            severity=result.original,
            flags=without_names(read_flags(result.predictionNode)),
            provenance=provenance,
            **arrays,
        )
    )
    labels = labelled_ct(result.predictionNode, ct_node, result.original.classes)
    return ScenePrediction(facts, labels, arrays, run_of(result))


def run_of(result: SceneResult) -> str:
    """Which run the prediction of a result is from: different for any other run."""
    if result.predictionNode is None:
        return ""
    stated = (names.PROVENANCE_ATTRIBUTE, names.SEVERITY_ATTRIBUTE)
    return " ".join(result.predictionNode.GetAttribute(name) or "" for name in stated)


def read_review(node: vtkMRMLSegmentationNode) -> SceneReview:
    """The review of the result in ``node``; an empty one if there is none."""
    try:
        values = json.loads(node.GetAttribute(names.REVIEW_ATTRIBUTE) or "{}")
        verdict = values.get("verdict")
        return SceneReview(
            verdict=None if verdict is None else Verdict(verdict),
            note=str(values.get("note", "")),
            seen=frozenset(int(index) for index in values.get("seen", ())),
            saved=str(values.get("saved", "")),
            case=str(values.get("case", "")),
        )
    except (ValueError, TypeError, AttributeError):
        return SceneReview()


def write_review(node: vtkMRMLSegmentationNode, review: SceneReview) -> None:
    """Keep ``review`` with the result in ``node``."""
    if review == SceneReview():
        node.RemoveAttribute(names.REVIEW_ATTRIBUTE)
        return
    values = {
        "verdict": None if review.verdict is None else review.verdict.value,
        "note": review.note,
        "seen": sorted(review.seen),
        "saved": review.saved,
        "case": review.case,
    }
    node.SetAttribute(names.REVIEW_ATTRIBUTE, json.dumps(values))
