"""The prediction of a CT, as the scene holds it before any correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import slicer

from ..engine.errors import InputError
from ..engine.result import SegmentationResult, facts_from_result
from ..engine.severity.correction import LabelledCT
from . import names
from .corrections import without_names
from .label_boxes import bring_prediction_along, labelled_ct
from .nodes import find_output, read_flags, read_provenance
from .show import SceneResult, find_result
from .volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode


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
    bring_prediction_along(ct_node)
    labels = labelled_ct(result.predictionNode, ct_node, result.original.classes)
    return ScenePrediction(facts, labels, arrays, run_of(result))


def run_of(result: SceneResult) -> str:
    """Which run the prediction of a result is from: different for any other run."""
    return _run_in(result.predictionNode)


def run_shown(ct_node: vtkMRMLScalarVolumeNode) -> str:
    """What :func:`run_of` says of the result that the scene holds for a CT, or ""."""
    return _run_in(find_output(ct_node, names.PREDICTION_ROLE))


def _run_in(prediction: vtkMRMLNode | None) -> str:
    if prediction is None:
        return ""
    stated = (names.RUN_ATTRIBUTE, names.PROVENANCE_ATTRIBUTE, names.SEVERITY_ATTRIBUTE)
    return " ".join(prediction.GetAttribute(name) or "" for name in stated)
