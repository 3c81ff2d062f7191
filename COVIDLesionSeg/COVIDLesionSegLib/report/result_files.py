"""The files of a result folder, by the kind of result: a contract that scripts rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..engine.cohort import COHORT_HTML as COHORT_HTML
from ..engine.followup import (
    COMPARISON_HTML,
    COMPARISON_JSON,
    MOST,
    TREND_PICTURE,
    changes_file,
)

SEGMENTATION = "segmentation.seg.nrrd"
PROBABILITY = "probability.nrrd"
DISAGREEMENT = "disagreement.nrrd"
"""Only of an ensemble."""
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
REPORT_PDF = "report.pdf"
"""Only where it was asked for."""
PAPERS = ("a4", "letter")
"""Sizes of its pages."""
SLICES_PICTURE = "slices.png"
INFECTION_PICTURE = "infection3d.png"
SLICES_CSV = "slices.csv"
"""Of a segmentation or an evaluation: one row for each slice."""
SCENE = "scene.mrb"
GENERATED_CT = "generated-ct.nrrd"
"""Only in a demo's result: the CT it made."""
DICOM_SEGMENTATION = "segmentation.dcm"
DICOM_REPORT = "report.dcm"
DICOM_SLICES = "slices.dcm"
"""Only on request, and only of a CT that came from a DICOM series."""
DICOM_FILES = frozenset({DICOM_SEGMENTATION, DICOM_REPORT, DICOM_SLICES})

RESULT_FILES = frozenset(
    {
        SEGMENTATION,
        PROBABILITY,
        DISAGREEMENT,
        REPORT_JSON,
        REPORT_HTML,
        REPORT_PDF,
        SLICES_CSV,
        SLICES_PICTURE,
        INFECTION_PICTURE,
        SCENE,
        GENERATED_CT,
        *DICOM_FILES,
    }
)

REPORT_FORMAT = "covid-lesion-seg-report"
REPORT_VERSION = 4

LESIONS_CSV = "lesions.csv"
LESIONS_LABELS = "lesions.nrrd"
LESIONS_PICTURE = "lesions.png"
LESIONS_FORMAT = "covid-lesion-seg-lesions"
LESIONS_VERSION = 1

DETECTOR_JSON = "detector-scores.json"
DETECTOR_PICTURE, SCANNERS_PICTURE = "examples.png", "scanners.png"
DETECTOR_FORMAT = "covid-lesion-seg-detector-scores"
DETECTOR_VERSION = 1

EVALUATION_JSON = "evaluation.json"
EVALUATION_HTML = "evaluation.html"
SCORES_CSV = "scores.csv"
GROUPS_CSV = "groups.csv"
LIMITS_CSV = "limits-of-agreement.csv"
THRESHOLDS_CSV = "thresholds.csv"
DECISIONS_CSV = "decisions.csv"
CLASSES_CSV = "classes.csv"
"""Only where model and expert tell classes apart."""
EVALUATION_FORMAT = "covid-lesion-seg-evaluation"
EVALUATION_VERSION = 2

EXPLANATION_JSON = "explanation.json"
FEATURES_PICTURE = "features.png"
EXPLANATION_FORMAT = "covid-lesion-seg-explanation"
EXPLANATION_VERSION = 1

SYNTHESIS_JSON = "synthesis.json"
SYNTHESIS_PICTURE = "examples.png"
SYNTHESIS_FORMAT = "covid-lesion-seg-synthesis"
SYNTHESIS_VERSION = 1

STUDY_JSON = "study.json"
STUDY_HTML = "study.html"
STUDY_CSV = "study.csv"
ROW_FOLDER = "rows"
"""Of a study: a folder for each row, with its training and its evaluations."""
STUDY_FORMAT = "covid-lesion-seg-study"
STUDY_VERSION = 1

AGREEMENT_JSON = "agreement.json"
AGREEMENT_HTML = "agreement.html"
AGREEMENT_CSV = "agreement.csv"
CONFUSION_CSV = "confusion.csv"
CONFUSION_PICTURE = "confusion.png"
AGREEMENT_FORMAT = "covid-lesion-seg-agreement"
AGREEMENT_VERSION = 1

COHORT_JSON = "cohort.json"
COHORT_CSV = "cohort.csv"
CASE_FOLDER = "cases"
"""Of a cohort: a result folder for each case."""
COHORT_FORMAT = "covid-lesion-seg-cohort"
COHORT_VERSION = 1

VOLUMES_CSV = "volumes.csv"
LESION_CHANGES_CSV = "lesion-changes.csv"
COMPARISON_FORMAT = "covid-lesion-seg-comparison"
COMPARISON_VERSION = 2


@dataclass(frozen=True)
class FolderKind:
    """A kind of result folder.

    Attributes:
        files: All that may be in it.
        report: The JSON file that marks it as complete and ours.
        format: What that file's ``format`` says.
    """

    files: frozenset[str]
    report: str
    format: str

    def is_report(self, content: Any) -> bool:
        """Whether parsed JSON is a report of this kind, of any version."""
        return isinstance(content, dict) and content.get("format") == self.format


SEGMENTATION_RESULT = FolderKind(RESULT_FILES, REPORT_JSON, REPORT_FORMAT)
EVALUATION_RESULT = FolderKind(
    frozenset(
        {
            *(EVALUATION_JSON, EVALUATION_HTML, SCORES_CSV, SLICES_CSV, GROUPS_CSV, CLASSES_CSV),
            *(LIMITS_CSV, THRESHOLDS_CSV, DECISIONS_CSV),
        }
    ),
    EVALUATION_JSON,
    EVALUATION_FORMAT,
)
AGREEMENT_RESULT = FolderKind(
    frozenset(
        {
            AGREEMENT_JSON,
            AGREEMENT_HTML,
            AGREEMENT_CSV,
            CONFUSION_CSV,
            CONFUSION_PICTURE,
            SCORES_CSV,
        }
    ),
    AGREEMENT_JSON,
    AGREEMENT_FORMAT,
)
DETECTOR_RESULT = FolderKind(
    frozenset({DETECTOR_JSON, SCORES_CSV, DECISIONS_CSV, DETECTOR_PICTURE, SCANNERS_PICTURE}),
    DETECTOR_JSON,
    DETECTOR_FORMAT,
)
LESIONS_RESULT = FolderKind(
    frozenset({REPORT_JSON, REPORT_HTML, LESIONS_CSV, LESIONS_LABELS, LESIONS_PICTURE}),
    REPORT_JSON,
    LESIONS_FORMAT,
)
EXPLANATION_RESULT = FolderKind(
    frozenset({EXPLANATION_JSON, FEATURES_PICTURE}), EXPLANATION_JSON, EXPLANATION_FORMAT
)
# Slices may have been added to it since, so nothing in such a folder is ever replaced.
SYNTHESIS_RESULT = FolderKind(frozenset(), SYNTHESIS_JSON, SYNTHESIS_FORMAT)
COMPARISON_RESULT = FolderKind(
    frozenset({COMPARISON_JSON, COMPARISON_HTML, TREND_PICTURE, VOLUMES_CSV, LESION_CHANGES_CSV})
    | {changes_file(number, number + 1) for number in range(1, MOST)},
    COMPARISON_JSON,
    COMPARISON_FORMAT,
)
