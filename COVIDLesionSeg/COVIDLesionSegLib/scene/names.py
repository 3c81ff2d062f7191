"""What the results are called in a scene: roles, titles and attributes of their nodes."""

from __future__ import annotations

from ..engine.flags import UNTRAINED_MARK

SEGMENTATION_ROLE = "segmentation"
PROBABILITY_ROLE = "probability"
SEVERITY_ROLE = "severity"
RULES_ROLE = "rules"
SLICES_ROLE = "slices"
DISAGREEMENT_ROLE = "disagreement"
PREDICTION_ROLE = "prediction"
CHART_ROLE = "slices-chart"
SERIES_ROLE = "slices-series"
"""Of the lines of the chart: several, which come and go with it like display nodes."""

MARKS_ROLE = "lesion-marks"
"""Of the numbered points on lesions, which the user asks for: no part of a result."""
DETECTION_ROLE = "detected-lesions"
"""Of the lesions that a detector found one by one, and their colours: the same."""
INSTANCES_ROLE = "lesion-instances"
"""Of the lesions one by one as segments or labels, and their colours: the same."""
CLASSES_ROLE = "slice-classes"
"""Of the chart, lines and table of the classes of slices that a detector tells."""

FOLLOW_UP_ROLE = "follow-up"
"""Of the segmentation with new, persistent and resolved lesions: no part of a result, either."""
ASKED_FOR = (
    (MARKS_ROLE, "vtkMRMLMarkupsFiducialNode"),
    (INSTANCES_ROLE, "vtkMRMLSegmentationNode"),
    (INSTANCES_ROLE, "vtkMRMLLabelMapVolumeNode"),
    (DETECTION_ROLE, "vtkMRMLSegmentationNode"),
    (DETECTION_ROLE, "vtkMRMLLabelMapVolumeNode"),
    (FOLLOW_UP_ROLE, "vtkMRMLSegmentationNode"),
)
"""Role and MRML class of what the views show of a CT beside its result."""

NODE_CLASSES = {
    SEGMENTATION_ROLE: "vtkMRMLSegmentationNode",
    PROBABILITY_ROLE: "vtkMRMLScalarVolumeNode",
    SEVERITY_ROLE: "vtkMRMLTableNode",
    RULES_ROLE: "vtkMRMLTableNode",
    SLICES_ROLE: "vtkMRMLTableNode",
    DISAGREEMENT_ROLE: "vtkMRMLScalarVolumeNode",
    PREDICTION_ROLE: "vtkMRMLSegmentationNode",
    CHART_ROLE: "vtkMRMLPlotChartNode",
}
"""MRML class of the node that plays each role."""

NEEDED_ROLES = (SEGMENTATION_ROLE, PROBABILITY_ROLE)
"""Roles without which there is no result. A user may delete the rest, members of an ensemble
disagree, a single model does not, and earlier versions kept no prediction and made no chart."""

HIDDEN_ROLES = frozenset({PREDICTION_ROLE})
"""Roles of nodes that lists and trees of nodes leave out: lungs and lesions as the run gave them,
for comparison with what the user corrects."""

NODE_TITLES = {
    SEGMENTATION_ROLE: "COVID-19 segmentation",
    PROBABILITY_ROLE: "COVID-19 lesion probability",
    SEVERITY_ROLE: "COVID-19 severity",
    RULES_ROLE: "COVID-19 severity rules",
    SLICES_ROLE: "COVID-19 severity by slice",
    DISAGREEMENT_ROLE: "COVID-19 ensemble disagreement",
    PREDICTION_ROLE: "COVID-19 segmentation before correction",
    CHART_ROLE: "COVID-19 infected lung by slice",
}
"""What is appended to the CT's name when a node is first created."""

ATTRIBUTE_PREFIX = "COVIDLesionSeg."
"""Of all that this package writes on nodes."""
ROLE_ATTRIBUTE = "COVIDLesionSeg.role"
PROVENANCE_ATTRIBUTE = "COVIDLesionSeg.provenance"
FLAGS_ATTRIBUTE = "COVIDLesionSeg.flags"
SEVERITY_ATTRIBUTE = "COVIDLesionSeg.severity"
CT_REFERENCE = "COVIDLesionSeg.ct"
SELF_REFERENCE = "COVIDLesionSeg.self"
CORRECTION_ATTRIBUTE = "COVIDLesionSeg.correction"
REVIEW_ATTRIBUTE = "COVIDLesionSeg.review"
RUN_ATTRIBUTE = "COVIDLesionSeg.run"
"""Of a result that took the place of an earlier one: tells them apart, even if they are equal."""
LUNGS_ATTRIBUTE = "COVIDLesionSeg.lungs"
"""Of what a detector found: fingerprint of the lungs that it looked at."""
LESIONS_ATTRIBUTE = "COVIDLesionSeg.lesions"
"""Of a node with lesions one by one: fingerprint of these lesions."""
CASE_ATTRIBUTE = "COVIDLesionSeg.case"
"""Of a CT that was opened from the folder of reviewed cases: id of its case."""
KEPT_TAG = "COVIDLesionSeg.kept"
"""Tag of a segment that a run made to keep what the user corrected; holds that segment's id."""

_MARK = f" - {UNTRAINED_MARK}"


def marked(name: str, untrained: bool) -> str:
    """``name`` with a mark at its end if ``untrained``, else without."""
    plain = name.removesuffix(_MARK)
    return plain + _MARK if untrained else plain


def is_marked(name: str) -> bool:
    """Whether ``name`` bears the mark of an untrained network's result."""
    return name.endswith(_MARK)
