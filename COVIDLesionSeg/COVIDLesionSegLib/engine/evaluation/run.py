"""Evaluate models on labelled data, one slice or CT after another, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from ..data.labelled import LabelledData, LabelledImage
from ..data.masks import FILLED_ABOVE, Placement
from ..errors import InputError, ParameterError
from ..flags import Flag
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..software import describe_software
from .classes import ClassCounts
from .counts import Counts, SliceCount
from .evaluated_model import EvaluatedModel
from .examples import Example, ExampleChooser
from .scores import ModelScores, PatientScores, protocol_of, summarise

THRESHOLDS = tuple(number / 100 for number in range(1, 100))
"""Probabilities at which Dice is measured, beside the one that decides."""
_MOSTLY_OUTSIDE = 0.5
"""Share of the lesions outside the lungs that gives a flag."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        protocol: How the scores of all models were measured; each model's own says more.
        unit: Unit of distances, ``"mm"`` or ``"px"``.
        slices: Number of slices by patient.
        models: Scores of each model, in the order given.
        examples: Slices to show as pictures.
        provenance: What it was computed with; no paths.
        counted: For each model the slices of every patient.
        threshold_dice: For each model Dice of all pixels, by the probability above which they
            would be called lesion.
    """

    protocol: str
    unit: str
    slices: dict[str, int]
    models: tuple[ModelScores, ...]
    examples: tuple[Example, ...]
    provenance: dict[str, Any]
    counted: tuple[dict[str, list[SliceCount]], ...] = ()
    threshold_dice: tuple[dict[float, float | None], ...] = ()


def evaluate(
    data: LabelledData,
    models: list[EvaluatedModel],
    lung_mask: bool | None = None,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    watch: Callable[[LabelledImage, list[np.ndarray]], None] | None = None,
) -> Evaluation:
    """Score the predictions of every model on every slice or CT.

    Args:
        data: Slices or CTs with expert masks.
        models: The models, all with the same threshold.
        lung_mask: Whether what a model finds outside the lungs is dropped; an expert's lesion
            there still counts as missed. None leaves it to the data.
        report: Called with progress.
        cancel: Looked at between slices or CTs, models and batches.
        watch: Gets every slice or CT as a stack, and what each model calls lesion in it, bool.

    Raises:
        InputError: A slice or CT cannot be read, its mask does not belong to it or is a
            pseudo-label, or a slice has a class and no outlined lesion.
        ParameterError: The lungs are needed, but not known.
        DeviceError: Out of memory, with no smaller step left.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    lung_mask = data.mask_by_default if lung_mask is None else lung_mask
    if lung_mask and data.lungs is None:
        raise ParameterError(
            "A lung mask was asked for, but the data have no lungs: add a folder lung/ with them, "
            "or leave the lung mask out."
        )
    pooled = [Counts() for _ in models]
    pooled_classes = [ClassCounts(model.cards[0].classes, data.classes) for model in models]
    seconds = [0.0 for _ in models]
    patients: list[dict[str, PatientScores]] = [{} for _ in models]
    counted: list[dict[str, list[SliceCount]]] = [{} for _ in models]
    chooser = ExampleChooser()
    flags: list[Flag] = []
    total, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        counts = [Counts() for _ in models]
        classes = [ClassCounts(model.cards[0].classes, data.classes) for model in models]
        placement = Placement()
        shown = {patient}
        for sample in map(LabelledImage.as_stack, data.read(patient, cancel)):
            if sample.pseudo:
                raise InputError(
                    f"{sample.name} has pseudo-labels, which nobody checked, so they cannot be "
                    "used for evaluation: correct them in 3D Slicer, and rename the segments."
                )
            if sample.is_not_outlined:
                raise InputError(
                    f"Slice {sample.name} has a class, {sample.slice_class!r}, but no lesion is "
                    "outlined on it: such slices evaluate a detector, or leave out their class."
                )
            # All other scores take the classes together.
            told_apart, sample = sample, replace(sample, lesion=sample.lesion > 0)
            placement.add(sample)
            shown.update(sample.patients)
            predicted = []
            for number, model in enumerate(models):
                start = (done + number / len(models)) / total
                end = (done + (number + 1) / len(models)) / total
                report(Progress("Finding lesions", start, f"{sample.name}: {model.name}"))
                began = perf_counter()
                decision = model.predict(
                    sample, lung_mask, sub_progress(report, start, end), cancel
                )
                seconds[number] += perf_counter() - began
                cancel.raise_if_cancelled()
                counts[number].add(sample, decision)
                classes[number].add(decision.labels, told_apart)
                predicted.append(decision.labels > 0)
            chooser.consider(sample, predicted)
            if watch is not None:
                watch(sample, predicted)
            done += 1
        for number, (model, of_model) in enumerate(zip(models, counts, strict=True)):
            patients[number][patient] = PatientScores.of(
                of_model, model.learned_from(*shown), classes[number]
            )
            counted[number][patient] = of_model.slices
            pooled[number].merge(of_model)
            pooled_classes[number].merge(classes[number])
        flags += _flags(patient, placement)
    report(Progress("Finding lesions", 1.0))
    protocol = protocol_of(models[0].parameters, data.lungs if lung_mask else None)
    return Evaluation(
        protocol=protocol,
        unit=data.unit,
        slices={name: scores.slices for name, scores in patients[0].items()},
        models=tuple(
            ModelScores(
                model=model.name,
                title=model.title,
                protocol=protocol + model.own_protocol(data.lungs),
                seconds_per_slice=spent / len(of_model.slices),
                remarks=tuple(flag.message for flag in (*flags, *model.flags)),
                classes=by_class.scores(),
                **summarise(of_patient, of_model),
            )
            for model, of_patient, of_model, by_class, spent in zip(
                models, patients, pooled, pooled_classes, seconds, strict=True
            )
        ),
        examples=tuple(chooser.examples),
        counted=tuple(counted),
        threshold_dice=tuple(
            {threshold: one.probabilities.dice_above(threshold) for threshold in THRESHOLDS}
            for one in pooled
        ),
        provenance={
            "models": {id_: facts for one in models for id_, facts in one.describe().items()},
            "parameters": _common_parameters(models[0], data),
            "software": describe_software(),
        },
    )


def _flags(patient: str, placement: Placement) -> Iterator[Flag]:
    """Masks that are unlikely to be those of lesions in the lungs."""
    outside, filled = placement.outside, placement.of_lungs
    if outside is not None and outside > _MOSTLY_OUTSIDE:
        yield Flag(
            "lesions-outside-lungs",
            f"{outside:.0%} of the lesions of {patient} lie outside the lungs: check that the "
            "masks belong to the images, and that the lungs include the lesions.",
        )
    if filled is not None and filled > FILLED_ABOVE:
        yield Flag(
            "lesions-fill-lungs",
            f"The lesions of {patient} fill {filled:.0%} of the lungs: check that the masks show "
            "lesions, not lungs.",
        )


def _common_parameters(model: EvaluatedModel, data: LabelledData) -> dict[str, Any]:
    """The parameters of all models, with the origin of the lungs of the data."""
    parameters = model.parameters.to_dict() | {"lungs": data.lungs}
    del parameters["model"]
    return parameters
