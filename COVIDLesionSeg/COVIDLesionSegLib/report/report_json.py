"""``report.json``: every number of a result, for programs; ``report.schema.json`` is its schema."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.metrics.infection import SLICE_RULES, SliceRule
from ..engine.result import SegmentationResult
from ..engine.severity import SeverityReport
from .json_file import grid_content, head, write_json
from .result_files import REPORT_FORMAT, REPORT_VERSION


def write_report_json(result: SegmentationResult, path: Path) -> None:
    """Write :func:`report_content`.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(report_content(result), path)


def report_content(result: SegmentationResult) -> dict[str, Any]:
    """The report as plain values; what is undefined is None, never 0.

    Units are part of the names: ``_ml``, ``_mm``, ``_mm2``; a ratio lies between 0 and 1.
    """
    severity = result.severity
    return {
        **head(REPORT_FORMAT, REPORT_VERSION),
        "severity": {
            "category": severity.category,
            "ratio": severity.ratio,
            "confidence": severity.confidence,
            **severity.to_dict(),
            "rules": [{**asdict(rule), "name": rule.name} for rule in severity.rules],
            "slices": [
                {**asdict(slice_), "positive": severity.positive_by_rule(slice_)}
                for slice_ in severity.slices
            ],
            "lobes": [
                {**asdict(lobe), "score": severity.lobe_scores[lobe.region]}
                for lobe in severity.lobes
            ],
            "ct_severity_score": severity.ct_severity_score,
            "slice_rules": [_slice_rule(rule, severity) for rule in SLICE_RULES],
        },
        "flags": [asdict(flag) for flag in result.flags],
        "classes": [
            {"label": label, "name": name} for label, name in enumerate(result.classes, start=1)
        ],
        "geometry": grid_content(result.geometry),
        "voxels_sha256": voxels_sha256(result.lungs, result.lesions),
        "provenance": result.provenance,
    }


def voxels_sha256(lungs: npt.NDArray[np.uint8], lesions: npt.NDArray[np.uint8]) -> dict[str, str]:
    """SHA-256 of lungs and of lesions: others mean that the segmentation was corrected since.

    Args:
        lungs, lesions: Labels (k, j, i), see :class:`~..engine.result.SegmentationResult`.
    """
    arrays = {"lungs": lungs, "lesions": lesions}
    return {
        name: hashlib.sha256(np.ascontiguousarray(array, np.uint8).data).hexdigest()
        for name, array in arrays.items()
    }


def _slice_rule(rule: SliceRule, severity: SeverityReport) -> dict[str, Any]:
    positive = severity.positive_slices(rule.rule)
    count = None if positive is None else len(positive)
    return {"rule": rule.rule, "title": rule.title, "positive_slices": count}


def report_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) that every ``report.json`` fulfils."""
    text = files(__package__).joinpath("report.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
