"""How a result came about, kept with its nodes and read back from a saved scene."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ..engine.flags import Flag
from ..engine.result import SegmentationResult
from ..engine.severity.report import SeverityReport
from . import names


def write_provenance(node, result: SegmentationResult) -> None:
    """Keep provenance, flags and severity of ``result`` as JSON attributes of ``node``."""
    for attribute, value in (
        (names.PROVENANCE_ATTRIBUTE, result.provenance),
        (names.FLAGS_ATTRIBUTE, [asdict(flag) for flag in result.flags]),
        (names.SEVERITY_ATTRIBUTE, result.severity.to_dict()),
    ):
        # Unsorted: the order of lesion classes and of members is that of the result.
        node.SetAttribute(attribute, json.dumps(value))


def read_provenance(node) -> dict[str, Any]:
    """Software versions, model, parameters and device of the run that made ``node``."""
    return _read(node, names.PROVENANCE_ATTRIBUTE, {})


def read_flags(node) -> tuple[Flag, ...]:
    """What a reader must know before trusting the result in ``node``."""
    return tuple(Flag(**values) for values in _read(node, names.FLAGS_ATTRIBUTE, []))


def read_severity(node) -> SeverityReport | None:
    """Severity of the result in ``node``; None if it has none that this version understands."""
    values = _read(node, names.SEVERITY_ATTRIBUTE, None)
    if values is None:
        return None
    try:
        return SeverityReport.from_dict(values)
    except (KeyError, TypeError):
        return None


def _read(node, attribute: str, default):
    text = node.GetAttribute(attribute)
    return default if not text else json.loads(text)
