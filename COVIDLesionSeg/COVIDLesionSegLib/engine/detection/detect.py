"""Lesions of a CT one by one, by a detector or by a model that segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..errors import ModelError, ParameterError
from ..flags import Flag, untrained_flag
from ..inference.device import make_plan
from ..inference.provenance import describe_run
from ..lesions import connected_areas
from ..lobes import LOBES
from ..lungs import get_extractor
from ..lungs.given import GivenLungs
from ..models.card import ModelCard
from ..models.catalogue import Model, load_catalogue
from ..models.weights import load_network
from ..networks.affinity import AffinityMaskRCNN
from ..parameters import NO_CLASSIFIER, Parameters
from ..pipeline import segment
from ..progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    StageClock,
    ignore_progress,
    sub_progress,
)
from ..steps import finish
from ..text import share_text
from ..volume import Volume
from ..volume.checks import check_chest_ct
from ..volume.placed_labels import PlacedLabels, labels_on_grid
from ..volume.plausible_hu import input_flag
from .detector import detect_slice
from .lesion_table import tabulate
from .linking import Linker
from .result import LesionDetection, SliceClass

LEAST_SCORE = 0.5
_LEAST_SENSITIVITY = 0.8
"""Of every class on held-out slices, for the classes of slices to be shown without a warning."""

_LUNGS, _DETECTING = 0.3, 0.95
"""Fractions of the whole at which lungs and slices are done."""


DETECTOR_RULE = (
    "Instances of neighbouring slices are one lesion where they share at least half of the "
    "smaller one's pixels."
)
SEGMENTATION_RULE = "Voxels of lesion that share a corner are one lesion."


def find_lesions(
    volume: Volume,
    parameters: Parameters,
    least_score: float = LEAST_SCORE,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    lobes: PlacedLabels | None = None,
    lungs: npt.NDArray[Any] | None = None,
) -> LesionDetection:
    """Find the lesions of a chest CT one by one.

    Args:
        volume: The CT in HU, in any orientation.
        parameters: Their model is a detector; or one or several that segment, whose lesions are
            then told apart.
        least_score: Instances of a detector below this score are left out.
        progress: Called with progress.
        cancel: Looked at between steps.
        lobes: By the names in ``LOBES``; each lesion is put into one.
        lungs: Lungs that are given instead of found, see :class:`~..lungs.given.GivenLungs`.

    Raises:
        CovidLesionSegError: One of its kinds, as for :func:`~..pipeline.segment`.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    detector = detector_of(parameters)
    if detector is not None:
        return _by_detector(
            detector, volume, parameters, least_score, progress, cancel, lobes, lungs
        )
    result = segment(volume, parameters, progress, cancel, lungs)
    axial = volume.order.to_axial
    axial_lungs, lesions = axial(result.lungs), axial(result.lesions)
    areas = connected_areas((axial_lungs > 0) & (lesions > 0))
    numbers, scores = np.zeros(axial_lungs.shape, np.int32), np.zeros(0)
    if areas is not None:
        numbers[areas.box] = areas.numbers
        scores = ndimage.mean(
            axial(result.probability)[areas.box],
            areas.numbers,
            np.arange(1, len(areas.voxels)),
        )
    labels, table = tabulate(
        numbers, list(scores), axial_lungs, volume, lobes=_axial_lobes(lobes, volume)
    )
    return LesionDetection(
        geometry=result.geometry,
        lungs=result.lungs,
        labels=volume.on_grid(labels),
        lesions=table,
        slices=(),
        rule=SEGMENTATION_RULE,
        flags=result.flags,
        provenance=result.provenance,
    )


def detector_of(parameters: Parameters) -> Model | None:
    """The detector that the parameters name; None where their models segment.

    Raises:
        ModelError: There is no such model, or a detector shall vote with others.
        ParameterError: A slice classifier is named beside a detector.
    """
    catalogue = load_catalogue()
    models = [catalogue.get(name) for name in catalogue.expand(parameters.members)]
    detectors = [model for model in models if model.card.finds_instances]
    if detectors and len(models) > 1:
        raise ModelError(f"Model {detectors[0].id} finds lesions one by one: it cannot vote.")
    if detectors and parameters.slice_classifier != NO_CLASSIFIER:
        raise ParameterError(
            f"Model {detectors[0].id} tells the classes of slices itself: name no slice classifier "
            "with it."
        )
    return detectors[0] if detectors else None


def _by_detector(
    model: Model,
    volume: Volume,
    parameters: Parameters,
    least_score: float,
    progress: ProgressCallback,
    cancel: CancelToken,
    lobes: PlacedLabels | None,
    given: npt.NDArray[Any] | None,
) -> LesionDetection:
    clock = StageClock()
    with clock.stage("model"):
        volume = check_chest_ct(volume)
        extractor = get_extractor(parameters) if given is None else GivenLungs(given, volume)
        progress(Progress("Loading the model", 0.0, parameters.model))
        plan = make_plan(parameters, bfloat16_allowed=False)
        network = load_network(model, parameters.allow_untrained).to(plan.device)
        assert isinstance(network, AffinityMaskRCNN)
    with clock.stage("lungs"):
        found = extractor.extract(
            volume.axial,
            volume.axial_spacing,
            progress=sub_progress(progress, 0.05, _LUNGS),
            cancel=cancel,
        )
    with clock.stage("lesions"):
        lungs = found.labels
        detecting = sub_progress(progress, _LUNGS, _DETECTING)
        linker, slices, whole = _linked_instances(
            network, model.card, volume, lungs, least_score, detecting, cancel
        )
        numbers, scores = linker.finish()
        labels, table = tabulate(
            numbers,
            scores,
            lungs,
            volume,
            parameters.smallest_lesion_ml,
            _axial_lobes(lobes, volume),
        )
    flags = (
        *([untrained_flag([model.id])] if model.card.weights is None else []),
        *found.flags,
        *map(input_flag, volume.warnings),
        *class_flags(model.card),
        *_whole_slice_flags(whole),
    )
    return LesionDetection(
        geometry=volume.geometry,
        lungs=volume.on_grid(lungs),
        labels=volume.on_grid(labels),
        lesions=table,
        slices=tuple(slices),
        rule=DETECTOR_RULE,
        flags=tuple(dict.fromkeys(flags)),
        provenance=describe_run(
            volume, parameters, found.provenance, [(model, plan)], clock.seconds
        ),
    )


def _linked_instances(
    network: AffinityMaskRCNN,
    card: ModelCard,
    volume: Volume,
    lungs: npt.NDArray[Any],
    least_score: float,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> tuple[Linker, list[SliceClass], list[int]]:
    """Instances of every slice with lung, linked, and the class of each of these slices.

    The last are the indices of slices without a region, whose class is that of the whole slice.
    """
    prepared, names = card.preprocessing, card.outputs
    linker = Linker(lungs.shape)
    slices, whole = [], []
    with_lung = np.flatnonzero(lungs.any(axis=(1, 2)))
    for done, index in enumerate(map(int, with_lung)):
        cancel.raise_if_cancelled()
        message = f"slice {done + 1} of {len(with_lung)}"
        progress(Progress("Finding lesions", done / len(with_lung), message))
        instances = detect_slice(
            network,
            prepared,
            prepared.to_unit(volume.axial[index]),
            lungs[index],
            volume.axial_spacing[1:],
            least_score,
        )
        linker.add(index, instances, lungs[index], least_score)
        own = [round(float(value), 4) for value in instances.class_probabilities]
        slices.append(
            SliceClass(
                index,
                names[instances.slice_class],
                dict(zip(names, own, strict=True)),
                len(instances.scores),
            )
        )
        if instances.no_region:
            whole.append(index)
    return linker, slices, whole


def _axial_lobes(lobes: PlacedLabels | None, volume: Volume) -> npt.NDArray[Any] | None:
    """n + 1 for ``LOBES[n]``, (z, y, x) in axial order."""
    if lobes is None:
        return None
    labels = {name: number for number, name in enumerate(LOBES, start=1)}
    return volume.order.to_axial(finish(labels_on_grid([lobes], labels, volume.geometry)))


def class_flags(card: ModelCard) -> list[Flag]:
    """A warning where the classes of slices are unproven, or wrong too often."""
    measured: dict[str, float] = {}
    for score in card.scores:
        title, _, name = score.metric.partition(", ")
        if title == "sensitivity":
            measured[name] = min(score.value, measured.get(name, 1.0))
    unproven = [name for name in card.outputs if name not in measured]
    weak = [name for name, value in measured.items() if value < _LEAST_SENSITIVITY]
    reasons = []
    if weak:
        least = min(weak, key=lambda name: measured[name])
        reasons.append(f"it told {share_text(measured[least])} of the held-out slices of '{least}'")
    if unproven:
        reasons.append(f"it was never measured for '{unproven[0]}' on held-out slices")
    if not reasons:
        return []
    why = ", and ".join(reasons)
    return [
        Flag("slice-classes-weak", f"Do not rely on this detector for the class of a slice: {why}.")
    ]


def _whole_slice_flags(slices: list[int]) -> list[Flag]:
    if not slices:
        return []
    listed = ", ".join(map(str, slices[:10])) + (" and others" if len(slices) > 10 else "")
    return [
        Flag(
            "class-without-region",
            f"No region was found in slice {listed}, so the class is that of the whole slice.",
            "note",
        )
    ]
