"""Jobs: one typed function for each thing the software does; its public Python API.

A job takes its options and the folder or file to write, reports progress, can be cancelled, raises
typed errors, and returns a result::

    job(options, out, *, progress=ignore_progress, cancel=None) -> Result

What it writes appears complete or not at all. The command line, the worker process and Slicer's
console call these same functions.

>>> import tempfile
>>> from pathlib import Path
>>> from COVIDLesionSegLib import jobs
>>> out = Path(tempfile.mkdtemp()) / "result"
>>> result = jobs.demo(jobs.DemoOptions(), out)
>>> result.severity.category
'CT-1'
>>> sorted(path.name for path in out.glob("*.html"))
['report.html']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..engine.options import Options
from .options import (
    AgreementOptions,
    BatchOptions,
    BundleSceneOptions,
    CheckInstallationOptions,
    CompareOptions,
    CompressOptions,
    DemoOptions,
    DetectOptions,
    DetectVolumeOptions,
    EnhanceOptions,
    EvaluateDetectorOptions,
    EvaluateOptions,
    ExplainOptions,
    ExportDicomOptions,
    ImportModelOptions,
    KeepRetrainedOptions,
    OpenCaseOptions,
    PseudoLabelOptions,
    RestoreCaseOptions,
    RetrainOptions,
    SampleCtOptions,
    SegmentOptions,
    SegmentVolumeOptions,
    SelfLearnOptions,
    StoredModelOptions,
    StudyOptions,
    SynthesizeOptions,
    TrainDetectorOptions,
    TrainOptions,
)

if TYPE_CHECKING:
    from .cohort import batch
    from .cohort_opening import open_case
    from .comparison import compare
    from .compression import compress
    from .detection import detect, detect_volume
    from .detector_evaluation import evaluate_detector
    from .detector_training import train_detector
    from .dicom_export import export_dicom
    from .enhancement import enhance
    from .evaluation import evaluate
    from .explanation import explain
    from .installation import check_installation
    from .model_store import (
        download_model,
        export_model,
        import_model,
        make_default,
        verify_model,
    )
    from .pseudo_labels import pseudo_label
    from .restoring import restore_case
    from .retrained_model import keep_retrained
    from .retraining import retrain
    from .sample import sample_ct
    from .scene_bundle import bundle_scene
    from .segmentation import demo, segment, segment_volume
    from .self_learning import self_learn
    from .severity_agreement import agreement
    from .studies import study
    from .synthesis import synthesize
    from .training import train

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
    "agreement",
    "batch",
    "bundle_scene",
    "compare",
    "compress",
    "check_installation",
    "demo",
    "detect",
    "detect_volume",
    "download_model",
    "enhance",
    "evaluate",
    "evaluate_detector",
    "explain",
    "export_dicom",
    "export_model",
    "import_model",
    "keep_retrained",
    "make_default",
    "open_case",
    "pseudo_label",
    "restore_case",
    "retrain",
    "sample_ct",
    "segment",
    "segment_volume",
    "self_learn",
    "study",
    "synthesize",
    "train",
    "train_detector",
    "verify_model",
]

# The job's options, and the module of this package that holds it: loaded when the job is used, as
# torch and MONAI take seconds.
_JOBS = {
    "agreement": (AgreementOptions, "severity_agreement"),
    "batch": (BatchOptions, "cohort"),
    "bundle_scene": (BundleSceneOptions, "scene_bundle"),
    "check_installation": (CheckInstallationOptions, "installation"),
    "compare": (CompareOptions, "comparison"),
    "compress": (CompressOptions, "compression"),
    "demo": (DemoOptions, "segmentation"),
    "detect": (DetectOptions, "detection"),
    "detect_volume": (DetectVolumeOptions, "detection"),
    "download_model": (StoredModelOptions, "model_store"),
    "enhance": (EnhanceOptions, "enhancement"),
    "evaluate": (EvaluateOptions, "evaluation"),
    "evaluate_detector": (EvaluateDetectorOptions, "detector_evaluation"),
    "explain": (ExplainOptions, "explanation"),
    "export_dicom": (ExportDicomOptions, "dicom_export"),
    "export_model": (StoredModelOptions, "model_store"),
    "import_model": (ImportModelOptions, "model_store"),
    "keep_retrained": (KeepRetrainedOptions, "retrained_model"),
    "make_default": (StoredModelOptions, "model_store"),
    "open_case": (OpenCaseOptions, "cohort_opening"),
    "pseudo_label": (PseudoLabelOptions, "pseudo_labels"),
    "restore_case": (RestoreCaseOptions, "restoring"),
    "retrain": (RetrainOptions, "retraining"),
    "sample_ct": (SampleCtOptions, "sample"),
    "segment": (SegmentOptions, "segmentation"),
    "segment_volume": (SegmentVolumeOptions, "segmentation"),
    "self_learn": (SelfLearnOptions, "self_learning"),
    "study": (StudyOptions, "studies"),
    "synthesize": (SynthesizeOptions, "synthesis"),
    "train": (TrainOptions, "training"),
    "train_detector": (TrainDetectorOptions, "detector_training"),
    "verify_model": (StoredModelOptions, "model_store"),
}

OPTIONS: dict[str, type[Options]] = {name: options for name, (options, _) in _JOBS.items()}
"""The options of each job, by its name."""


def __getattr__(name: str) -> Any:
    if name not in _JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_JOBS[name][1]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
