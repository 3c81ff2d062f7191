"""``report.json``: every number of a result, for programs; ``report.schema.json`` is its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import RESEARCH_USE_NOTICE
from ..engine.files import write_bytes
from ..engine.metrics.infection import SLICE_RULES, SliceRule
from ..engine.result import SegmentationResult
from ..engine.severity import SeverityReport
from .result_files import REPORT_FORMAT, REPORT_VERSION


def write_report_json(result: SegmentationResult, path: Path) -> None:
    """Write :func:`report_content`.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(report_content(result), path)


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write plain values as indented JSON.

    Raises:
        OutputError: The file cannot be written.
        ValueError: A number is not finite.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    # Half of a surrogate pair, which a card's JSON may hold, has no UTF-8; its escape is JSON.
    write_bytes(f"{text}\n".encode(errors="backslashreplace"), path)


def report_content(result: SegmentationResult) -> dict[str, Any]:
    """The report as plain values; what is undefined is None, never 0.

    Units are part of the names: ``_ml``, ``_mm``, ``_mm2``; a ratio lies between 0 and 1.
    """
    severity = result.severity
    geometry = result.geometry
    return {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "research_use_notice": RESEARCH_USE_NOTICE,
        "severity": {
            "category": severity.category,
            "ratio": severity.ratio,
            "confidence": severity.confidence,
            **severity.to_dict(),
            "rules": [{**asdict(rule), "name": rule.name} for rule in severity.rules],
            "slices": [
                {**asdict(one), "positive": severity.verdicts(one)} for one in severity.slices
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
        "geometry": {
            "size_voxels": list(geometry.size),
            "spacing_mm": list(geometry.spacing),
            "origin_lps_mm": list(geometry.origin),
            "direction_lps": list(geometry.direction),
        },
        "provenance": result.provenance,
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
