"""The options of every job; the command line is made from them."""

from .cohort import BatchOptions, OpenCaseOptions
from .evaluation import AgreementOptions, EvaluateDetectorOptions, EvaluateOptions
from .follow_up import CompareOptions
from .models import (
    CheckInstallationOptions,
    CompressOptions,
    ImportModelOptions,
    StoredModelOptions,
)
from .one_ct import (
    BundleSceneOptions,
    DemoOptions,
    DetectOptions,
    DetectVolumeOptions,
    ExplainOptions,
    ExportDicomOptions,
    PseudoLabelOptions,
    RestoreCaseOptions,
    SampleCtOptions,
    SegmentOptions,
    SegmentVolumeOptions,
)
from .self_training import (
    EnhanceOptions,
    KeepRetrainedOptions,
    RetrainOptions,
    SelfLearnOptions,
    SynthesizeOptions,
)
from .studies import StudyOptions
from .training import TrainDetectorOptions, TrainOptions

__all__ = [
    "AgreementOptions",
    "BatchOptions",
    "BundleSceneOptions",
    "CheckInstallationOptions",
    "CompareOptions",
    "CompressOptions",
    "DemoOptions",
    "DetectOptions",
    "DetectVolumeOptions",
    "EnhanceOptions",
    "EvaluateDetectorOptions",
    "EvaluateOptions",
    "ExplainOptions",
    "ExportDicomOptions",
    "ImportModelOptions",
    "KeepRetrainedOptions",
    "OpenCaseOptions",
    "PseudoLabelOptions",
    "RestoreCaseOptions",
    "RetrainOptions",
    "SampleCtOptions",
    "SegmentOptions",
    "SegmentVolumeOptions",
    "SelfLearnOptions",
    "StoredModelOptions",
    "StudyOptions",
    "SynthesizeOptions",
    "TrainDetectorOptions",
    "TrainOptions",
]
