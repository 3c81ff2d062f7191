"""From a trained network to a model of the catalogue: weights, card, held-out scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from torch import nn

from ..data.labelled import LabelledImage, evaluation_slice, fingerprint_of_slices
from ..data.splits import learned_patients
from ..data.training_data import TrainingData
from ..errors import InputError, ParameterError
from ..files import write_bytes
from ..models.calibration import Calibration
from ..models.card import (
    BFLOAT16_NOTE,
    LARGEST_BFLOAT16_CHANGE,
    ModelCard,
    Score,
    Weights,
    is_model_id,
)
from ..models.card_json import write_card
from ..models.catalogue import Catalogue, Model
from ..models.eight_bit import StorageCriterion, smallest_kernels
from ..models.lineage import parent_facts
from ..models.weights import load_network, models_in_eight_bit, save_weights
from ..networks import count_parameters
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


@dataclass(frozen=True)
class WeightsStatement:
    """What the user says about the weights.

    Attributes:
        licence: SPDX identifier, given by the data's licence.
        licence_note: What it means for the user, one sentence.
        command: The command that trains these weights.
        date: When they were trained, as YYYY-MM-DD; empty where a card is to be the same whenever
            it is written.
    """

    licence: str
    licence_note: str
    command: str
    date: str = ""


def check_new_id(model_id: str, parent: Model, catalogue: Catalogue) -> None:
    """Make sure, before training, that a new model can be called ``model_id``.

    Args:
        model_id: Becomes the name of two files.
        parent: The model whose network is trained. A model that has weights may be trained anew
            under its own id.
        catalogue: All models.

    Raises:
        ParameterError: It is no file name, or another model's id.
    """
    # The model of a fold has its number behind the id.
    if not is_model_id(f"{model_id}-1000"):
        raise ParameterError(
            f"The new model cannot be called {model_id[:80]!r}: use at most 59 letters, digits, "
            "dots, hyphens and underscores, and begin with a letter or digit."
        )
    anew = model_id == parent.id and parent.card.weights is not None
    if not anew and any(model.id == model_id for model in catalogue.models):
        raise ParameterError(f"There is a model called {model_id} already: choose another id.")


def check_held_out(parent: ModelCard, patients: Collection[str]) -> None:
    """Make sure that a model was not trained on patients that are to evaluate what follows from it.

    Raises:
        InputError: It was; or its card does not record its training patients.
    """
    learned = parent.learned_from
    if learned is None:
        raise InputError(
            f"The card of model {parent.id} does not record which patients it learned from, so "
            "no patient is known to be held out from what is trained from it: start with random "
            "weights."
        )
    if shared := sorted(set(patients) & learned_patients(learned)):
        raise InputError(
            f"Model {parent.id} learned from {', '.join(shared)}, so they are not held out from "
            "what is trained from it: name other patients for validation."
        )


def training_lineage(parent: ModelCard | None, described: dict[str, Any]) -> dict[str, Any]:
    """What a card says of the start of its training and of the data.

    Args:
        parent: The model whose weights the training started with; None for random ones.
        described: The data, see :meth:`~..data.training_data.TrainingData.describe`. The parent's
            training patients and pseudo-labels are added to them.
    """
    if parent is None:
        return {"data": described}
    data = {**described, "training": {**(parent.learned_from or {}), **described["training"]}}
    inherited = parent.training["data"].get("pseudo_labels", {})
    if pseudo := {**inherited, **described.get("pseudo_labels", {})}:
        data["pseudo_labels"] = pseudo
    return {"parent": parent_facts(parent), "data": data}


def export_model(
    network: nn.Module,
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    *,
    model_id: str,
    title: str,
    paper: str,
    provenance: WeightsStatement,
    evaluate: Evaluate,
    selected_on_validation: bool = False,
    calibrate: bool = False,
    eight_bit: bool = False,
    parent: ModelCard | None = None,
    notes: Sequence[str] = (),
) -> Exported:
    """Write ``<model_id>.safetensors`` in half precision and ``<model_id>.json`` into ``folder``.

    The scores on the card are those of the written file, read back. They are measured in float32,
    and again in bfloat16, which the card allows where no patient's Dice changes by more than 0.002;
    without held-out patients there are none.

    Args:
        network: Trained.
        recipe: What it was trained by.
        data: What it was trained on, and the held-out patients.
        folder: Exists.
        model_id, title, paper: For the card.
        provenance: For the card.
        evaluate: Scores the written weights on the held-out patients.
        selected_on_validation: The weights, or the length of the training, were selected on the
            validation patients.
        calibrate: Calibrate the probabilities on the validation patients; scores are then those of
            the calibrated model. For networks of one channel.
        eight_bit: Store the weights in 8 bits instead, where that moves the measure on held-out
            patients by no more than it may; half precision stays where it does, where the model is
            too weak to tell, and without such patients.
        parent: Card of the model whose weights the training started with; its calibration holds for
            what goes on from it, too, unless it is calibrated anew.
        notes: More notes for the card, which says by itself where labels were pseudo-labels.

    Raises:
        OutputError: The folder cannot be written to.
    """
    calibrate = calibrate and bool(data.validation) and len(recipe.channels) == 1
    file = f"{model_id}.safetensors"
    digest = save_weights(network, folder / file)
    card = ModelCard(
        id=model_id,
        title=title,
        paper=paper,
        network=recipe.network,
        # Dropout is for training alone, and a card describes the network that runs.
        arguments={k: v for k, v in recipe.network_arguments.items() if k != "dropout"},
        parameters=count_parameters(network),
        task=recipe.task,
        classes=recipe.classes,
        channels=recipe.channels,
        preprocessing=recipe.preprocessing,
        weights=Weights(file, digest, provenance.licence, provenance.licence_note),
        training=_training_facts(recipe, data, parent, provenance),
        calibration=None if calibrate or parent is None else _inherited(parent.calibration),
    )
    written = load_network(Model(card, folder))
    slices = [
        [evaluation_slice(item, recipe.task) for item in group]
        for group in (data.validation, data.outside)
        if group
    ]
    results = [evaluate(written, card, group) for group in slices]
    uncalibrated: Mapping[str, PatientResult] = {}
    if calibrate and results[0].calibration is not None:
        # Images of an unknown window would tell little of probabilities in HU.
        card, uncalibrated = replace(card, calibration=results[0].calibration), results[0].patients
        results = [evaluate(written, card, group) for group in slices]
    stored = _NO_PATIENT_TO_TRY if eight_bit else ""
    measure = results[0].measure if results else None
    if eight_bit and measure is not None:
        card, results, stored = _in_eight_bit(
            network, card, folder, slices, results, evaluate, measure
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
        notes=(*filter(None, said), *notes),
    )
    write_card(card, folder)
    return Exported(card, {**patients, **uncalibrated})


def _inherited(calibration: Calibration | None) -> Calibration | None:
    """The parent's, without which weights that go on from its own call less or more lesion.

    How reliable it is was measured with the parent's weights only, so no confidence follows.
    """
    return None if calibration is None else replace(calibration, bins=())


def _training_facts(
    recipe: Recipe, data: TrainingData, parent: ModelCard | None, provenance: WeightsStatement
) -> dict[str, Any]:
    """What a card says of the training."""
    return {
        **training_lineage(parent, data.describe()),
        "data_fingerprint": fingerprint_of_slices(data.training),
        "recipe": recipe.to_dict(),
        "command": provenance.command,
        **({"date": provenance.date} if provenance.date else {}),
    }


def _pseudo_label_note(card: ModelCard) -> str:
    pseudo = card.training["data"].get("pseudo_labels")
    return _PSEUDO.format(patients=", ".join(pseudo)) if pseudo else ""


def _in_eight_bit(
    network: nn.Module,
    card: ModelCard,
    folder: Path,
    slices: Sequence[Sequence[LabelledImage]],
    results: list[HeldOutResult],
    evaluate: Evaluate,
    measure: StorageCriterion,
) -> tuple[ModelCard, list[HeldOutResult], str]:
    """Write the weights in 8 bits where that moves the measure by no more than it may.

    Where it does, the smaller ones of the kernels stay in half precision, and if need be more.

    Gives the card, the results of what is written in the end, and a note that says what that is.
    """
    if (needed := measure.required) is not None:
        mean = needed.mean(_values(results, needed.key).values())
        if mean < needed.least:
            note = _TOO_LOW.format(score=needed.name, mean=mean, least=needed.least)
            return card, results, note
    if not smallest_kernels(network):
        return card, results, _NO_LARGE_KERNEL
    for one in models_in_eight_bit(network, card, folder):
        own, data, small = one
        own_results = [evaluate(small, own, group) for group in slices]
        before = _values(results, measure.key)
        changes = measure.changes(before, _values(own_results, measure.key))
        if measure.together:
            scored = {name: changes[name] for name, score in before.items() if score is not None}
            changes = {_ALL_SLICES: _mean_over_slices(scored, results)}
        moved = measure.too_large(changes)
        if not moved:
            break
    if moved:
        note = _NOT_EIGHT_BIT.format(
            measure=measure.name, whose=next(iter(moved)), most=measure.largest_change
        )
        return card, results, note
    write_bytes(data, folder / own.trained_weights.file)
    change = max(map(abs, changes.values()))
    whose = _ALL_SLICES if measure.together else _EVERY_PATIENT
    return own, own_results, _EIGHT_BIT.format(measure=measure.name, whose=whose, change=change)


def _mean_over_slices(changes: Mapping[str, float], results: Sequence[HeldOutResult]) -> float:
    slices = {name: scores.slices for result in results for name, scores in result.patients.items()}
    weights = [slices[name] for name in changes]
    return fmean(changes.values(), weights) if changes else 0.0


def _values(results: Sequence[HeldOutResult], key: str) -> dict[str, float | None]:
    return {
        name: scores.values[key] for result in results for name, scores in result.patients.items()
    }
