"""Severity in the scene: the run's, or that of the corrected segmentation with what was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .. import __version__
from ..engine.flags import flagged_slices
from ..engine.severity.correction import Correction
from ..engine.severity.report import SeverityReport
from . import names, table
from .chart import update_chart
from .nodes import find_outputs, read_flags, read_provenance, read_severity

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

_PROVENANCE_KEY = "correction"


def show_severity(outputs: Mapping[str, vtkMRMLNode], severity: SeverityReport) -> None:
    """Fill the tables of a result that are there, and its chart, given its nodes by role."""
    if names.SEVERITY_ROLE in outputs:
        table.update_severity_table(outputs[names.SEVERITY_ROLE], severity)
    if names.RULES_ROLE in outputs:
        table.update_rules_table(outputs[names.RULES_ROLE], severity)
    if names.SLICES_ROLE not in outputs:
        return
    flagged = flagged_slices(read_flags(outputs[names.SEGMENTATION_ROLE]))
    table.update_slices_table(outputs[names.SLICES_ROLE], severity, flagged)
    if names.CHART_ROLE in outputs:
        update_chart(outputs[names.CHART_ROLE], outputs[names.SLICES_ROLE])


def show_correction(ct_node: vtkMRMLScalarVolumeNode, correction: Correction) -> None:
    """Bring tables, severity and provenance of the CT's result in line with its segmentation.

    Where nothing differs from the run any more, they are exactly those of the run again.

    Args:
        ct_node: A CT whose result has its prediction.
        correction: What differs now.
    """
    outputs = find_outputs(ct_node)
    segmentation = outputs[names.SEGMENTATION_ROLE]
    prediction = outputs[names.PREDICTION_ROLE]
    shown = read_severity(segmentation)
    was_modifying = segmentation.StartModify()
    if correction.changed:
        changes = correction.to_dict()["changes"]
        severity = json.dumps(correction.severity.to_dict())
        provenance = read_provenance(prediction) | {
            _PROVENANCE_KEY: {
                "severity": "measured again after the user's correction",
                "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "software_version": __version__,
            }
        }
        segmentation.SetAttribute(names.CORRECTION_ATTRIBUTE, json.dumps(changes))
        segmentation.SetAttribute(names.PROVENANCE_ATTRIBUTE, json.dumps(provenance))
    else:
        severity = prediction.GetAttribute(names.SEVERITY_ATTRIBUTE)
        segmentation.RemoveAttribute(names.CORRECTION_ATTRIBUTE)
        segmentation.SetAttribute(
            names.PROVENANCE_ATTRIBUTE, prediction.GetAttribute(names.PROVENANCE_ATTRIBUTE)
        )
    segmentation.SetAttribute(names.SEVERITY_ATTRIBUTE, severity)
    segmentation.EndModify(was_modifying)
    now = read_severity(segmentation)
    if now is not None and now != shown:
        show_severity(outputs, now)


def read_correction(node: vtkMRMLSegmentationNode) -> Correction | None:
    """What was last measured to differ from the run; None if nothing was."""
    text = node.GetAttribute(names.CORRECTION_ATTRIBUTE)
    severity = read_severity(node)
    if not text or severity is None:
        return None
    try:
        return Correction.from_dict({"changes": json.loads(text), "severity": severity.to_dict()})
    except (KeyError, TypeError, ValueError):
        return None
