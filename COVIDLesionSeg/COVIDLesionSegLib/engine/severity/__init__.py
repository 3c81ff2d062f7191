"""Severity of COVID-19 pneumonia on CT: volumes, shares, categories."""

from .correction import Correction, SegmentChange, measure_correction
from .measure import measure_severity
from .report import RegionSeverity, RuleResult, SeverityReport, SliceSeverity
from .rules import category_of

__all__ = [
    "Correction",
    "RegionSeverity",
    "RuleResult",
    "SegmentChange",
    "SeverityReport",
    "SliceSeverity",
    "category_of",
    "measure_correction",
    "measure_severity",
]
