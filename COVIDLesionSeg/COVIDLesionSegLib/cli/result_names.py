"""The files of a result folder: a contract that scripts rely on."""

from __future__ import annotations

from typing import Any

SEGMENTATION = "segmentation.seg.nrrd"
PROBABILITY = "probability.nrrd"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
SLICES_PICTURE = "slices.png"
INFECTION_PICTURE = "infection3d.png"
SCENE = "scene.mrb"
GENERATED_CT = "generated-ct.nrrd"
"""Only in a demo's result: the CT it made."""

RESULT_FILES = frozenset(
    {
        SEGMENTATION,
        PROBABILITY,
        REPORT_JSON,
        REPORT_HTML,
        SLICES_PICTURE,
        INFECTION_PICTURE,
        SCENE,
        GENERATED_CT,
    }
)

REPORT_FORMAT = "covid-lesion-seg-report"
REPORT_VERSION = 1


def is_report(content: Any) -> bool:
    """Whether parsed JSON is a report of this package, of any version."""
    return isinstance(content, dict) and content.get("format") == REPORT_FORMAT
