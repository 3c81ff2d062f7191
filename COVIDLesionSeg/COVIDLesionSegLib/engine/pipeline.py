"""The main job: one chest CT in; lungs, lesions and severity out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from .flags import POOR_MODEL, Flag, is_untrained, untrained_flag
from .inference.allocator import give_back_freed_memory
from .inference.ensemble import LabelledSlices
from .inference.predictor import Predictor
from .inference.provenance import describe_run
from .inference.slice_classes import CleanSlices, SliceClassifier
from .inference.small_lesions import SmallLesions, remove_small_lesions
from .inference.volume_prediction import predict_volume
from .inference.whole_ct import WholeCtPredictor, predictor_of
from .lungs import LungExtractor, get_extractor
from .lungs.extractor import LungLabels
from .lungs.given import GivenLungs
from .lungs.second_opinion import SecondOpinion, get_opinion
from .models.catalogue import Model, load_catalogue
from .models.scores import poor_sentence
from .models.weights import load_network
from .parameters import NO_CLASSIFIER, Parameters
from .progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    StageClock,
    ignore_progress,
    sub_progress,
)
from .result import SegmentationResult
from .severity import SeverityReport, measure_severity
from .severity.lesions import Confidence
from .severity.quality_flags import severity_flags
from .volume import Volume
from .volume.checks import check_chest_ct
from .volume.plausible_hu import input_flag


class Loaded:
    """What runs with the same parameters compute with, each loaded once, when it is first needed.

    One run at a time.

    Attributes:
        parameters: Parameters of the runs.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._networks: list[nn.Module] = []

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The members; raises ModelError."""
        return load_catalogue().members(self.parameters.members)

    @cached_property
    def extractor(self) -> LungExtractor:
        """What finds the lungs; raises as :func:`~.lungs.get_extractor` does."""
        return get_extractor(self.parameters)

    @cached_property
    def opinion(self) -> SecondOpinion | None:
        """The second opinion on the lungs, if one is wanted."""
        return get_opinion(self.parameters)

    @cached_property
    def classifier(self) -> SliceClassifier | None:
        """What tells the slices that need no segmentation, if any does; raises ParameterError."""
        wanted = self.parameters.slice_classifier != NO_CLASSIFIER
        return SliceClassifier(self.parameters) if wanted else None

    def predictors(self, volume: Volume, cancel: CancelToken) -> list[Predictor | WholeCtPredictor]:
        """The members, set up for a CT."""
        for model in self.models[len(self._networks) :]:
            cancel.raise_if_cancelled()
            self._networks.append(load_network(model, self.parameters.allow_untrained))
        return [
            predictor_of(model.card, network, self.parameters, volume)
            for model, network in zip(self.models, self._networks, strict=True)
        ]


def segment(
    volume: Volume,
    parameters: Parameters | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    lungs: npt.NDArray[Any] | None = None,
    loaded: Loaded | None = None,
) -> SegmentationResult:
    """Find lungs and lesions in a chest CT and grade its severity.

    Args:
        volume: The CT in HU, in any orientation.
        parameters: Everything else that decides the result; defaults where None.
        progress: Called with progress.
        cancel: Looked at between steps.
        lungs: Lungs that are given instead of found, see :class:`.lungs.given.GivenLungs`.
        loaded: What a run before this one, of the same parameters, has loaded.

    Returns:
        The result, on the CT's own grid.

    Raises:
        CovidLesionSegError: One of its kinds: not a chest CT, no lungs, unknown model, damaged
            weights, no such device, out of memory.
        Cancelled: The token was set.
    """
    parameters = parameters or Parameters()
    loaded = loaded or Loaded(parameters)
    cancel = cancel or CancelToken()
    clock = StageClock()

    with clock.stage("check"):
        volume = check_chest_ct(volume)
        models = loaded.models
        extractor = loaded.extractor if lungs is None else GivenLungs(lungs, volume)
        opinion = loaded.opinion
        classifier = loaded.classifier
    with clock.stage("model"):
        progress(Progress("Loading the model", 0.0, parameters.model))
        members = loaded.predictors(volume, cancel)
    with clock.stage("lungs"):
        found = _find_lungs(extractor, opinion, volume, progress, (0.05, 0.3, 0.35), cancel)
        give_back_freed_memory()
    cancel.raise_if_cancelled()
    clean = None
    if classifier is not None:
        with clock.stage("slice classes"):
            clean = classifier.clean_slices(
                volume.axial,
                found.labels,
                volume.axial_spacing[1:],
                progress=sub_progress(progress, 0.35, 0.35),
                cancel=cancel,
            )
    with clock.stage("lesions"):
        skipped = clean.slices if clean else ()
        decision, small = _find_lesions(
            members, volume, found, skipped, parameters, sub_progress(progress, 0.35, 0.95), cancel
        )
    with clock.stage("severity"):
        progress(Progress("Grading severity", 0.95))
        lung_labels = volume.on_grid(found.labels)
        lesions = _on_grid(decision, volume)
        severity = _severity(lung_labels, lesions, volume, loaded)
        if clean is not None:
            severity = severity.without_slices(clean.slices)
        flags = _flags(loaded, volume, found, clean, members, small, severity)
        if is_untrained(flags):
            severity = severity.ungraded()
        progress(Progress("Grading severity", 1.0))
    return SegmentationResult(
        geometry=volume.geometry,
        lungs=lung_labels,
        lesions=lesions.labels,
        probability=lesions.probability,
        disagreement=lesions.disagreement,
        classes=models[0].card.classes,
        severity=severity,
        flags=flags,
        provenance=describe_run(
            volume,
            parameters,
            found.provenance,
            [(model, member.plan) for model, member in zip(models, members, strict=True)],
            clock.seconds,
            clean.facts if clean else None,
        ),
    )


def find_lungs(
    volume: Volume,
    parameters: Parameters | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Find the lungs in a chest CT and nothing else, to be corrected before lesions are looked for.

    Args and errors: as for :func:`segment`.

    Returns:
        A result without lesion classes, whose severity is not graded.
    """
    parameters = parameters or Parameters()
    clock = StageClock()
    with clock.stage("check"):
        volume = check_chest_ct(volume)
        extractor = get_extractor(parameters)
        opinion = get_opinion(parameters)
    with clock.stage("lungs"):
        cancel = cancel or CancelToken()
        found = _find_lungs(extractor, opinion, volume, progress, (0.0, 0.9, 1.0), cancel)
    lungs = volume.on_grid(found.labels)
    nothing = np.zeros_like(lungs)
    return SegmentationResult(
        geometry=volume.geometry,
        lungs=lungs,
        lesions=nothing,
        probability=nothing.astype(np.float32),
        classes=(),
        severity=measure_severity(lungs, nothing, (), volume.geometry).ungraded(),
        flags=(*found.flags, *map(input_flag, volume.warnings)),
        provenance=describe_run(volume, parameters, found.provenance, [], clock.seconds),
    )


def _find_lungs(
    extractor: LungExtractor,
    opinion: SecondOpinion | None,
    volume: Volume,
    progress: ProgressCallback,
    steps: tuple[float, float, float],
    cancel: CancelToken,
) -> LungLabels:
    """The lungs of a CT, in axial order, with what a second opinion says of them, if one is wanted.

    Args:
        extractor, opinion, volume, cancel: As their names say.
        progress: Called with progress.
        steps: Progress at the start, before the second opinion and at the end.
    """
    start, between, end = steps
    found = extractor.extract(
        volume.axial,
        volume.axial_spacing,
        progress=sub_progress(progress, start, end if opinion is None else between),
        cancel=cancel,
    )
    if opinion is None:
        return found
    asked = sub_progress(progress, between, end)
    said = opinion.of(found, volume.axial, volume.axial_spacing, asked, cancel)
    provenance = {**found.provenance, "second_opinion": said.facts}
    return replace(found, flags=(*found.flags, *said.flags), provenance=provenance)


def _find_lesions(
    members: Sequence[Predictor | WholeCtPredictor],
    volume: Volume,
    lungs: LungLabels,
    skipped: Sequence[int],
    parameters: Parameters,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> tuple[LabelledSlices, SmallLesions]:
    """The lesions of a CT, in axial order, and what was too small to be one of them."""
    decision = predict_volume(
        volume.axial,
        lungs.labels,
        volume.axial_spacing[1:],
        members,
        parameters.threshold,
        parameters.combination,
        progress=progress,
        cancel=cancel,
        skipped=skipped,
    )
    small = remove_small_lesions(
        decision.labels, parameters.smallest_lesion_ml, volume.geometry.voxel_volume_ml
    )
    return decision, small


def _on_grid(decision: LabelledSlices, volume: Volume) -> LabelledSlices:
    """What was found in axial order, on the CT's own grid."""
    disagreement = decision.disagreement
    return LabelledSlices(
        probability=volume.on_grid(decision.probability),
        labels=volume.on_grid(decision.labels),
        disagreement=None if disagreement is None else volume.on_grid(disagreement),
    )


def _severity(
    lungs: npt.NDArray[Any], lesions: LabelledSlices, volume: Volume, loaded: Loaded
) -> SeverityReport:
    """The severity of lungs and lesions on the CT's own grid."""
    return measure_severity(
        lungs,
        lesions.labels,
        loaded.models[0].card.classes,
        volume.geometry,
        lesions.disagreement,
        lesion_free_ml=loaded.parameters.lesion_free_ml,
        confidence=_confidence(lesions.probability, loaded.models),
    )


def _flags(
    loaded: Loaded,
    volume: Volume,
    found: LungLabels,
    clean: CleanSlices | None,
    members: Sequence[Predictor | WholeCtPredictor],
    small: SmallLesions,
    severity: SeverityReport,
) -> tuple[Flag, ...]:
    """The flags of all steps, each once: members of an ensemble may give the same flag."""
    flags = (
        *_model_flags(loaded),
        *found.flags,
        *(clean.flags if clean else ()),
        *(flag for member in members for flag in member.flags),
        *map(input_flag, volume.warnings),
        *_small_lesion_flags(small, loaded.parameters),
        *severity_flags(severity),
    )
    return tuple(dict.fromkeys(flags))


def _model_flags(loaded: Loaded) -> Iterator[Flag]:
    """Which models are not trained, and which hardly find what they should."""
    asked = [*loaded.models, *([loaded.classifier.model] if loaded.classifier else [])]
    untrained = [model.id for model in asked if model.card.weights is None]
    if untrained:
        yield untrained_flag(untrained)
    for model in loaded.models:
        if sentence := poor_sentence(model.id, model.card.scores):
            yield Flag(POOR_MODEL, sentence)


def _small_lesion_flags(small: SmallLesions, parameters: Parameters) -> Iterator[Flag]:
    if small.count:
        areas = "1 area" if small.count == 1 else f"{small.count} areas"
        yield Flag(
            "small-lesions-left-out",
            f"{areas} below {parameters.smallest_lesion_ml:g} ml, {small.volume_ml:.2f} ml "
            "together, too small to be told from vessels and noise, were left out.",
            "note",
        )


def _confidence(probability: npt.NDArray[Any], models: tuple[Model, ...]) -> Confidence | None:
    """What confidence is computed from; the mean of several models is not calibrated."""
    calibration = models[0].card.calibration if len(models) == 1 else None
    if calibration is None or not calibration.bins:
        return None
    return Confidence(probability, calibration.frequency)
