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
from ..inference.ensemble import LabelledSlices
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..software import describe_software
from ..text import share_text
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
            would be called lesion, before small areas are left out of CTs; empty where something
            else decides, such as a majority of votes.
    """

    protocol: str
    unit: str
    slices: dict[str, int]
    models: tuple[ModelScores, ...]
    examples: tuple[Example, ...]
    provenance: dict[str, Any]
    counted: tuple[dict[str, list[SliceCount]], ...] = ()
    threshold_dice: tuple[dict[float, float | None], ...] = ()


def evaluate_models(
    data: LabelledData,
    models: list[EvaluatedModel],
    lung_mask: bool | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    watch: Callable[[LabelledImage, list[np.ndarray]], None] | None = None,
) -> Evaluation:
    """Score the predictions of every model on every slice or CT.

    Args:
        data: Slices or CTs with expert masks.
        models: The models, all with the same threshold.
        lung_mask: Whether what a model finds outside the lungs is dropped; an expert's lesion
            there still counts as missed. None leaves it to the data.
        progress: Called with progress.
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
    all_counts = [_ModelCounts(model, data) for model in models]
    chooser = ExampleChooser()
    flags: list[Flag] = []
    total, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        placement = Placement()
        shown = {patient}
        for sample in map(LabelledImage.as_stack, data.read(patient, cancel)):
            _check_can_be_scored(sample)
            # All other scores take the classes together.
            told_apart, sample = sample, replace(sample, lesion=sample.lesion > 0)
            placement.add(sample)
            shown.update(sample.patients)
            predicted = []
            for number, counts in enumerate(all_counts):
                start = (done + number / len(models)) / total
                end = (done + (number + 1) / len(models)) / total
                progress(Progress("Finding lesions", start, f"{sample.name}: {counts.model.name}"))
                began = perf_counter()
                decision = counts.model.predict(
                    sample, lung_mask, sub_progress(progress, start, end), cancel
                )
                counts.seconds += perf_counter() - began
                cancel.raise_if_cancelled()
                counts.add(sample, told_apart, decision)
                predicted.append(decision.labels > 0)
            chooser.consider(sample, predicted)
            if watch is not None:
                watch(sample, predicted)
            done += 1
        for counts in all_counts:
            counts.end_patient(patient, shown)
        flags += _flags(patient, placement)
    flags += _flags_of_slices(all_counts[0].counted)
    progress(Progress("Finding lesions", 1.0))
    lungs = data.lungs if lung_mask else None
    protocol = protocol_of(models[0].parameters, lungs, of_cts=data.unit == "mm")
    return Evaluation(
        protocol=protocol,
        unit=data.unit,
        slices={name: scores.slices for name, scores in all_counts[0].patients.items()},
        models=tuple(counts.scores(protocol, flags) for counts in all_counts),
        examples=tuple(chooser.examples),
        counted=tuple(counts.counted for counts in all_counts),
        threshold_dice=tuple(counts.threshold_dice() for counts in all_counts),
        provenance={
            "models": {id_: facts for model in models for id_, facts in model.describe().items()},
            "parameters": _common_parameters(models[0], data),
            "software": describe_software(),
        },
    )


class _ModelCounts:
    """What is counted of one model: of the patient in turn, and of all before.

    Attributes:
        model: The model.
        seconds: Wall time of its predictions.
        patients: Scores of those that were ended.
        counted: Their slices.
    """

    def __init__(self, model: EvaluatedModel, data: LabelledData) -> None:
        self.model = model
        self.seconds = 0.0
        self.patients: dict[str, PatientScores] = {}
        self.counted: dict[str, list[SliceCount]] = {}
        self._without_classes: list[str] = []
        self._data = data
        self._pooled, self._pooled_classes = Counts(), self._class_counts()
        self._counts, self._classes = Counts(), self._class_counts()

    def add(
        self, sample: LabelledImage, told_apart: LabelledImage, decision: LabelledSlices
    ) -> None:
        """Count a prediction; ``told_apart`` is the sample with its classes of lesions."""
        self._counts.add(sample, decision)
        self._classes.add(decision.labels, told_apart)

    def end_patient(self, patient: str, shown: set[str]) -> None:
        """What was added is one patient's; ``shown`` are all that are in these images."""
        self.patients[patient] = PatientScores.of(
            self._counts, self.model.learned_from(*shown), self._classes
        )
        self.counted[patient] = self._counts.slices
        if self._classes.left_out:
            self._without_classes.append(patient)
        self._pooled.merge(self._counts)
        self._pooled_classes.merge(self._classes)
        self._counts, self._classes = Counts(), self._class_counts()

    def scores(self, protocol: str, flags: list[Flag]) -> ModelScores:
        """Over all patients.

        Args:
            protocol: What the models' protocols share.
            flags: Quality flags of the data.
        """
        return ModelScores(
            model=self.model.name,
            title=self.model.title,
            protocol=protocol + self.model.own_protocol(self._data.lungs),
            seconds_per_slice=self.seconds / len(self._pooled.slices),
            flags=tuple(
                flag.message for flag in (*flags, *self._flags_of_classes(), *self.model.flags)
            ),
            classes=self._pooled_classes.scores(),
            **summarise(self.patients, self._pooled),
        )

    def _flags_of_classes(self) -> Iterator[Flag]:
        if self._without_classes:
            yield Flag(
                "classes-not-told-apart",
                f"Masks of {', '.join(self._without_classes)} do not tell "
                f"{' and '.join(self._data.classes)} apart and are left out of the scores of each "
                "class: a label map with 1 alone, 255, and a segment called lesion mean lesion of "
                "any class.",
            )

    def threshold_dice(self) -> dict[float, float | None]:
        """Dice of all pixels by threshold; empty where no threshold of the probability decides."""
        if not self.model.decides_by_probability:
            return {}
        dice_above = self._pooled.probabilities.dice_above
        return {threshold: dice_above(threshold) for threshold in THRESHOLDS}

    def _class_counts(self) -> ClassCounts:
        return ClassCounts(self.model.cards[0].classes, self._data.classes)


def _check_can_be_scored(sample: LabelledImage) -> None:
    """Raises InputError where there is no expert's mask to score a prediction by."""
    if sample.pseudo:
        raise InputError(
            f"{sample.name} has pseudo-labels, which nobody checked, so they cannot be used for "
            "evaluation: correct them in 3D Slicer, and rename the segments."
        )
    if sample.is_not_outlined:
        raise InputError(
            f"Slice {sample.name} has a class, {sample.slice_class!r}, but no lesion is outlined "
            "on it: such slices evaluate a detector, or leave out their class."
        )


def _flags(patient: str, placement: Placement) -> Iterator[Flag]:
    """Masks that are unlikely to be those of lesions in the lungs."""
    outside, filled = placement.outside, placement.of_lungs
    if outside is not None and outside > _MOSTLY_OUTSIDE:
        yield Flag(
            "lesions-outside-lungs",
            f"{share_text(outside)} of the lesions of {patient} lie outside the lungs: check "
            "that the "
            "masks belong to the images, and that the lungs include the lesions.",
        )
    if filled is not None and filled > FILLED_ABOVE:
        yield Flag(
            "lesions-fill-lungs",
            f"The lesions of {patient} fill {share_text(filled)} of the lungs: check that the "
            "masks show "
            "lesions, not lungs.",
        )


def _flags_of_slices(counted: dict[str, list[SliceCount]]) -> Iterator[Flag]:
    """Slices that are neither of small nor of large lesions, by patient."""
    beside = {
        patient: sum(slice_.is_beside_lungs for slice_ in slices)
        for patient, slices in counted.items()
    }
    told = [f"{number} of {patient}" for patient, number in beside.items() if number]
    if told:
        yield Flag(
            "slices-beside-lungs",
            "Slices whose lesion lies outside the lungs alone are neither of small nor of large "
            f"lesions: {', '.join(told)}.",
        )


def _common_parameters(model: EvaluatedModel, data: LabelledData) -> dict[str, Any]:
    """The parameters of all models, with the origin of the lungs of the data."""
    parameters = model.parameters.to_dict() | {"lungs": data.lungs}
    del parameters["model"]
    return parameters
