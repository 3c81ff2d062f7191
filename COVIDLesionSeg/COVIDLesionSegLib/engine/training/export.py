"""From a trained network to a model of the catalogue: weights, card, held-out scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from torch import nn

from ..data.labelled import LabelledImage, evaluation_slice, fingerprint_of_slices
from ..data.training_data import TrainingData
from ..files import write_bytes
from ..models.calibration import Calibration
from ..models.card import (
    BFLOAT16_NOTE,
    LARGEST_BFLOAT16_CHANGE,
    ModelCard,
    Score,
    Weights,
)
from ..models.card_json import write_card
from ..models.catalogue import Model
from ..models.eight_bit import StorageCriterion
from ..models.eight_bit_trial import try_eight_bit
from ..models.lineage import parent_facts
from ..models.weights import load_network, save_weights
from ..networks import count_parameters
from ..progress import ProgressCallback
from .new_model import NewModel
from .recipe import Recipe

_EIGHT_BIT = (
    "Stored in 8 bits per channel, which moves the {measure} of {whose} by at most {change:.4f}."
)
_NOT_EIGHT_BIT = (
    "Stored in half precision: in 8 bits the {measure} of {whose} moves by more than {most:g}."
)
_EVERY_PATIENT, _ALL_SLICES = "every held-out patient", "all held-out slices together"
_TOO_LOW = (
    "Stored in half precision: the {score} is {mean:.4f} in the mean of the held-out patients, and "
    "below {least:g} it does not show what 8 bits change."
)
_NO_PATIENT_TO_TRY = "Stored in half precision: there were no held-out patients to try 8 bits on."
_NO_LARGE_KERNEL = "Stored in half precision: it has no kernel that is large enough for 8 bits."
_SELECTED = (
    "The weights, or the length of the training, were selected on the validation patients, so "
    "their scores are optimistic."
)
_CALIBRATED = (
    "The probabilities were calibrated on the validation patients, so their scores, which are of "
    "the calibrated model, are optimistic."
)
_NO_HELD_OUT = (
    "There were no held-out patients, so the performance is unknown: these weights were trained on "
    "all patients there were."
)
_PSEUDO = (
    "These weights were trained on pseudo-labels: the lesions of {patients} were computed, and no "
    "expert checked them."
)


class PatientResult(Protocol):
    """Scores of one patient, such as :class:`~..evaluation.scores.PatientScores`."""

    @property
    def slices(self) -> int: ...

    @property
    def values(self) -> Mapping[str, float | None]: ...


class HeldOutResult(Protocol):
    """What an evaluation says of a model on slices of patients that it was not trained on.

    Attributes:
        patients: Scores by patient.
        scores: The same for the model's card, each with its data and protocol.
        bfloat16_change: Largest change of any patient's Dice in bfloat16; None where it was not
            measured.
        calibration: Of the probabilities; None where it was not measured.
        measure: What decides whether the weights can be stored in 8 bits; None where they cannot.
    """

    @property
    def patients(self) -> Mapping[str, PatientResult]: ...

    @property
    def scores(self) -> Sequence[Score]: ...

    @property
    def bfloat16_change(self) -> float | None: ...

    @property
    def calibration(self) -> Calibration | None: ...

    @property
    def measure(self) -> StorageCriterion | None: ...


class Evaluate(Protocol):
    """Evaluates a network on whole slices; :func:`~..evaluation.card_scores.evaluate_held_out`."""

    def __call__(
        self, network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage], /
    ) -> HeldOutResult: ...


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Attributes:
        card: Its card.
        patients: Its scores by patient: those of validation, then those from outside. Of patients
            that it was calibrated on, those before calibration.
    """

    card: ModelCard
    patients: Mapping[str, PatientResult]


def export_model(
    network: nn.Module,
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    new: NewModel,
    evaluate: Evaluate,
    *,
    selected_on_validation: bool = False,
    calibrate: bool = False,
    eight_bit: bool = False,
) -> Exported:
    """Write ``<id>.safetensors`` in half precision and ``<id>.json`` into ``folder``.

    The scores on the card are those of the written file, read back. They are measured in float32,
    and again in bfloat16 where the processor computes in it; the card allows bfloat16 where no
    patient's Dice changes by more than 0.002. Without held-out patients there are none. The
    calibration of a parent holds for what goes on from it, too, unless it is calibrated anew.

    Args:
        network: Trained.
        recipe: What it was trained by.
        data: What it was trained on, and the held-out patients.
        folder: Exists.
        new: What else its card says.
        evaluate: Scores the written weights on the held-out patients.
        selected_on_validation: The weights, or the length of the training, were selected on the
            validation patients.
        calibrate: Calibrate the probabilities on the validation patients; scores are then those of
            the calibrated model. For networks of one channel.
        eight_bit: Store the weights in 8 bits instead, where that moves the measure on held-out
            patients by no more than it may; half precision stays where it does, where the model is
            too weak to tell, and without such patients.

    Raises:
        OutputError: The folder cannot be written to.
    """
    file = f"{new.id}.safetensors"
    digest = save_weights(network, folder / file)
    card = _card(network, recipe, data, new, Weights(file, digest, new.licence, new.licence_note))
    calibrate = calibrate and bool(data.validation) and len(recipe.channels) == 1
    if calibrate:  # anew, from what the network itself gives
        card = replace(card, calibration=None)
    written = load_network(Model(card, folder))
    groups = [
        [evaluation_slice(item, recipe.task) for item in group]
        for group in (data.validation, data.outside)
        if group
    ]
    results = [evaluate(written, card, group) for group in groups]
    uncalibrated: Mapping[str, PatientResult] = {}
    if calibrate and results[0].calibration is not None:
        # Images of an unknown window would tell little of probabilities in HU.
        card, uncalibrated = replace(card, calibration=results[0].calibration), results[0].patients
        results = [evaluate(written, card, group) for group in groups]
    stored = _NO_PATIENT_TO_TRY if eight_bit else ""
    measure = results[0].measure if results else None
    if eight_bit and measure is not None:
        card, results, stored = _in_eight_bit(
            network, card, folder, groups, results, evaluate, measure
        )
    patients = {name: scores for result in results for name, scores in result.patients.items()}
    changes = [r.bfloat16_change for r in results if r.bfloat16_change is not None]
    change = max(changes, default=None)
    said = (
        "" if patients else _NO_HELD_OUT,
        "" if change is None else BFLOAT16_NOTE.format(change=change),
        stored,
        _SELECTED if selected_on_validation else "",
        _CALIBRATED if uncalibrated else "",
        _pseudo_label_note(card),
    )
    card = replace(
        card,
        scores=tuple(score for result in results for score in result.scores),
        bfloat16=change is not None and change <= LARGEST_BFLOAT16_CHANGE,
        notes=(*filter(None, said), *new.notes),
    )
    write_card(card, folder)
    return Exported(card, {**patients, **uncalibrated})


def _card(
    network: nn.Module, recipe: Recipe, data: TrainingData, new: NewModel, weights: Weights
) -> ModelCard:
    """The card before anything is measured."""
    return ModelCard(
        id=new.id,
        title=new.title,
        paper=new.paper,
        network=recipe.network,
        # Dropout is for training alone, and a card describes the network that runs.
        arguments={k: v for k, v in recipe.network_arguments.items() if k != "dropout"},
        parameters=count_parameters(network),
        task=recipe.task,
        classes=recipe.classes,
        channels=recipe.channels,
        preprocessing=recipe.preprocessing,
        weights=weights,
        training=_training_facts(recipe, data, new),
        calibration=None if new.parent is None else _inherited(new.parent.calibration),
    )


def _inherited(calibration: Calibration | None) -> Calibration | None:
    """The parent's, without which weights that go on from its own call less or more lesion.

    How reliable it is was measured with the parent's weights only, so no confidence follows.
    """
    return None if calibration is None else replace(calibration, bins=())


def _training_facts(recipe: Recipe, data: TrainingData, new: NewModel) -> dict[str, Any]:
    """What a card says of the training; what the parent learned from is among its data."""
    described, lineage = data.describe(), {}
    if (parent := new.parent) is not None:
        lineage["parent"] = parent_facts(parent)
        described["training"] = {**(parent.learned_from or {}), **described["training"]}
        inherited = parent.training["data"].get("pseudo_labels", {})
        if pseudo := {**inherited, **described.get("pseudo_labels", {})}:
            described["pseudo_labels"] = pseudo
    return {
        **lineage,
        "data": described,
        "data_fingerprint": fingerprint_of_slices(data.training),
        "recipe": recipe.to_dict(),
        "command": new.command,
        **({"date": new.date} if new.date else {}),
    }


def _pseudo_label_note(card: ModelCard) -> str:
    pseudo = card.training["data"].get("pseudo_labels")
    return _PSEUDO.format(patients=", ".join(pseudo)) if pseudo else ""


def _in_eight_bit(
    network: nn.Module,
    card: ModelCard,
    folder: Path,
    groups: Sequence[Sequence[LabelledImage]],
    results: list[HeldOutResult],
    evaluate: Evaluate,
    measure: StorageCriterion,
) -> tuple[ModelCard, list[HeldOutResult], str]:
    """Write the weights in 8 bits where that moves the measure by no more than it may.

    Gives the card, the results of what is written in the end, and a note that says what that is.
    """
    if (needed := measure.required) is not None:
        mean = needed.mean(_values(results, needed.key).values())
        if mean < needed.least:
            note = _TOO_LOW.format(score=needed.name, mean=mean, least=needed.least)
            return card, results, note
    before = _values(results, measure.key)

    def compare(
        small: nn.Module, own: ModelCard, _: ProgressCallback
    ) -> tuple[list[HeldOutResult], dict[str, float]]:
        own_results = [evaluate(small, own, group) for group in groups]
        changes = measure.changes(before, _values(own_results, measure.key))
        if measure.together:
            scored = {name: changes[name] for name, score in before.items() if score is not None}
            changes = {_ALL_SLICES: _mean_over_slices(scored, results)}
        return own_results, changes

    tried = try_eight_bit(network, card, folder, measure, compare)
    if tried is None:
        return card, results, _NO_LARGE_KERNEL
    if tried.too_large:
        note = _NOT_EIGHT_BIT.format(
            measure=measure.name, whose=next(iter(tried.too_large)), most=measure.largest_change
        )
        return card, results, note
    write_bytes(tried.data, folder / tried.card.trained_weights.file)
    change = max(map(abs, tried.changes.values()))
    whose = _ALL_SLICES if measure.together else _EVERY_PATIENT
    note = _EIGHT_BIT.format(measure=measure.name, whose=whose, change=change)
    return tried.card, tried.scores, note


def _mean_over_slices(changes: Mapping[str, float], results: Sequence[HeldOutResult]) -> float:
    slices = {name: scores.slices for result in results for name, scores in result.patients.items()}
    weights = [slices[name] for name in changes]
    return fmean(changes.values(), weights) if changes else 0.0


def _values(results: Sequence[HeldOutResult], key: str) -> dict[str, float | None]:
    return {
        name: scores.values[key] for result in results for name, scores in result.patients.items()
    }
