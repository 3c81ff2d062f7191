"""Severity of COVID-19 pneumonia on CT: volumes, shares, categories."""

from .measure import measure_severity
from .report import RegionSeverity, RuleResult, SeverityReport, SliceSeverity
from .rules import category_of

__all__ = [
    "RegionSeverity",
    "RuleResult",
    "SeverityReport",
    "SliceSeverity",
    "category_of",
    "measure_severity",
]
