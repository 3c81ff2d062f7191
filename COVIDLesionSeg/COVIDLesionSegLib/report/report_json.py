"""``report.json``: every number of a result, for programs; ``report.schema.json`` is its schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import RESEARCH_USE_NOTICE
from ..engine.result import SegmentationResult
from .result_files import REPORT_FORMAT, REPORT_VERSION


def write_report_json(result: SegmentationResult, path: Path) -> None:
    """Write :func:`report_content` as indented JSON."""
    text = json.dumps(report_content(result), indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


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
            **severity.to_dict(),
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


def report_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) that every ``report.json`` fulfils."""
    return json.loads(files(__package__).joinpath("report.schema.json").read_text("utf-8"))
