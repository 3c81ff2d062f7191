"""What a finished job prints on standard output: a summary for people, or one JSON line."""

from .cohorts import print_cohort, print_comparison
from .one_ct import (
    print_detection,
    print_dicom_export,
    print_explanation,
    print_pseudo_labels,
    print_segmentation,
)
from .scoring import print_agreement, print_detector_scores, print_evaluation, print_study
from .training import (
    print_compression,
    print_enhancement,
    print_retraining,
    print_self_learning,
    print_synthesis,
    print_training,
)

__all__ = [
    "print_agreement",
    "print_cohort",
    "print_comparison",
    "print_compression",
    "print_detection",
    "print_detector_scores",
    "print_dicom_export",
    "print_enhancement",
    "print_evaluation",
    "print_explanation",
    "print_pseudo_labels",
    "print_retraining",
    "print_segmentation",
    "print_self_learning",
    "print_study",
    "print_synthesis",
    "print_training",
]
