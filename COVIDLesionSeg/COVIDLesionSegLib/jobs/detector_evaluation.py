"""A detector against experts: labelled slices in, a folder of scores out."""

from __future__ import annotations

from pathlib import Path

from ..engine.data.slice_folder import SliceData
from ..engine.detection.evaluation import DetectorEvaluation
from ..engine.detection.evaluation import evaluate_on as run_evaluation
from ..engine.errors import ModelError
from ..engine.inference.allocator import tune_allocator
from ..engine.models.catalogue import load_catalogue
from ..engine.models.weights import load_network
from ..engine.networks.affinity import AffinityMaskRCNN
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..report.detector_scores import write_detector_scores
from ..report.result_files import DETECTOR_RESULT
from .options import EvaluateDetectorOptions
from .result_folder import result_folder


def evaluate_detector(
    options: EvaluateDetectorOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> DetectorEvaluation:
    """Score a detector on slices that an expert annotated.

    Args:
        options: The slices and the detector.
        out: Result folder: absent, empty, or an earlier one of this job, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job between two slices.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    progress(Progress("Starting", 0.0))
    with result_folder(Path(out), (options.data,), DETECTOR_RESULT) as staging:
        tune_allocator()
        model = load_catalogue().get(options.model)
        network = load_network(model)
        if not isinstance(network, AffinityMaskRCNN):
            raise ModelError(f"Model {model.id} does not find lesions one by one: use evaluate.")
        data = SliceData(options.data, list(options.patients))
        found = run_evaluation(
            data, model.card, network, sub_progress(progress, 0.02, 0.97), cancel
        )
        progress(Progress("Writing the scores", 0.97))
        write_detector_scores(found, staging)
    progress(Progress("Done", 1.0))
    return found
