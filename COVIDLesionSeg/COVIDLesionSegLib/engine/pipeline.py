"""The main job: one chest CT in; lungs, lesions and severity out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .flags import Flag
from .inference.device import make_plan
from .inference.predictor import predict_volume
from .inference.slice_network import SliceNetwork
from .lungs import get_extractor
from .models.catalogue import load_catalogue
from .models.weights import load_network
from .parameters import Parameters
from .progress import CancelToken, Progress, ProgressCallback, ignore_progress, share_of
from .provenance import describe_run
from .result import SegmentationResult
from .severity import SeverityReport, measure_severity
from .volume import Volume
from .volume.checks import check_chest_ct

_TINY_SHARE = 0.001


def segment(
    volume: Volume,
    parameters: Parameters | None = None,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Find lungs and lesions in a chest CT and grade its severity.

    Args:
        volume: The CT in HU, in any orientation.
        parameters: Everything else that decides the result; defaults where None.
        report: Called with progress.
        cancel: Looked at between steps.

    Returns:
        The result, on the CT's own grid.

    Raises:
        CovidLesionSegError: One of its kinds: not a chest CT, no lungs, unknown model, damaged
            weights, no such device, out of memory.
        Cancelled: The token was set.
    """
    parameters = parameters or Parameters()
    cancel = cancel or CancelToken()
    clock = _Clock()

    with clock.stage("check"):
        volume = check_chest_ct(volume)
        model = load_catalogue().get(parameters.model)
        plan = make_plan(parameters, model.card.bfloat16)
    with clock.stage("model"):
        report(Progress("Loading the model", 0.0, model.title))
        network = load_network(model)
    cancel.raise_if_cancelled()
    with clock.stage("lungs"):
        extractor = get_extractor(parameters.lungs)
        found = extractor.extract(
            volume.axial,
            volume.axial_spacing,
            progress=share_of(report, 0.05, 0.35),
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    with clock.stage("lesions"):
        pixel_mm = volume.axial_spacing[1:]
        slices = SliceNetwork(
            network,
            model.card.preprocessing,
            plan,
            parameters.tiling,
            parameters.batch_size,
            pixel_mm,
        )
        probability = predict_volume(
            volume.axial,
            found.labels,
            pixel_mm,
            slices,
            whole_slices=parameters.tiling == "non-overlapping",
            progress=share_of(report, 0.35, 0.95),
            cancel=cancel,
        )
    with clock.stage("severity"):
        report(Progress("Grading severity", 0.95))
        lungs = volume.on_grid(found.labels)
        probability = volume.on_grid(probability)
        lesions = (probability > np.float32(parameters.threshold)).astype(np.uint8)
        severity = measure_severity(lungs, lesions, model.card.classes, volume.geometry)
        report(Progress("Grading severity", 1.0))
    compute = {"device": slices.plan.device, "hardware": slices.plan.name}
    compute["precision"] = "bfloat16" if slices.plan.bfloat16 else "float32"
    return SegmentationResult(
        geometry=volume.geometry,
        lungs=lungs,
        lesions=lesions,
        probability=probability,
        classes=model.card.classes,
        severity=severity,
        flags=(
            *(Flag("input", warning) for warning in volume.warnings),
            *found.flags,
            *slices.flags,
            *_severity_flags(severity),
        ),
        provenance=describe_run(volume, parameters, model, compute, clock.seconds),
    )


def _severity_flags(severity: SeverityReport) -> Iterator[Flag]:
    both = severity.region("both lungs")
    if both.ratio is not None and 0 < both.ratio < _TINY_SHARE:
        yield Flag(
            "lesion-volume-tiny",
            f"Only {both.lesion_ml:.2f} ml of lesion was found, less than {_TINY_SHARE:.1%} of the "
            f"lungs: {severity.category} rests on what may be noise, so look at the slices.",
        )


class _Clock:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
