"""A trained model with its weights in 8 bits, where no patient's Dice moves by more than it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from torch import nn

from ..data.labelled import LabelledImage, evaluation_slice
from ..data.splits import learned_patients
from ..errors import InputError, ModelError
from ..files import write_bytes
from ..models.card import BFLOAT16_NOTE, LARGEST_BFLOAT16_CHANGE, ModelCard
from ..models.card_json import write_card
from ..models.catalogue import Model
from ..models.eight_bit import DICE
from ..models.eight_bit_trial import InEightBit, try_eight_bit
from ..models.weights import load_network
from ..models.weights_file import read_weights
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .card_scores import card_scores, score_patients
from .scores import PatientScores, protocol_of


@dataclass(frozen=True)
class Compressed:
    """A model that was written with its weights in 8 bits.

    Attributes:
        card: Its card.
        changes: How much each patient's Dice moved.
        bytes_before, bytes_after: Size of its weights.
    """

    card: ModelCard
    changes: dict[str, float]
    bytes_before: int
    bytes_after: int


def compress_weights(
    model: Model,
    slices: Sequence[LabelledImage],
    folder: Path,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Compressed:
    """Write ``<id>.safetensors`` in 8 bits and ``<id>.json`` into ``folder``.

    Where kernels in 8 bits move a patient's Dice too far, the smaller ones of them stay in half
    precision, and if need be more of them.

    The card keeps no score of the earlier weights: its scores are those of the new weights on those
    of the patients that the model was not trained on. It allows bfloat16 where it did before and
    that still moves no such patient's Dice by more than 0.002.

    Args:
        model: With trained weights.
        slices: All slices of the patients to try it on; a model of lungs is judged by their lungs.
        folder: Exists.
        progress: Called with progress.
        cancel: Looked at between patients.

    Raises:
        ModelError: The weights are in 8 bits already, cannot be loaded, have no large kernel, or a
            patient's Dice would move by more than 0.002, and then the message names the patient; or
            the model does not segment.
        InputError: There are no slices, the card scores a patient who is not among them, or a model
            of lungs meets slices without lungs.
        OutputError: The folder cannot be written to.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    card = model.card
    if card.trained_weights.bits == 8:
        raise ModelError(f"The weights of model {model.id} are stored in 8 bits already.")
    if card.task not in ("lesions", "lungs"):
        raise ModelError(
            f"Model {model.id} is judged by other scores than Dice: choose 8 bits in its training."
        )
    by_patient = {
        patient: [evaluation_slice(item, card.task) for item in slices if item.patient == patient]
        for patient in sorted({item.patient for item in slices})
    }
    if not by_patient:
        raise InputError(
            "There are no slices to try 8 bits on: name a slice folder that holds some."
        )
    _check_all_are_there(card, list(by_patient))
    before = load_network(model)
    exact = cache(lambda patient: score_patients(before, card, by_patient[patient])[patient])
    tried = try_eight_bit(
        before,
        replace(card, scores=()),
        folder,
        DICE,
        lambda small, own, part: _compare(small, own, by_patient, exact, part, cancel),
        progress,
    )
    if tried is None:
        raise ModelError(
            f"The network of model {model.id} has no large kernel, so 8 bits would save nothing: "
            "it stays as it is."
        )
    if tried.too_large:
        patient, change = next(iter(tried.too_large.items()))
        raise ModelError(
            f"In 8 bits the Dice of {patient} would move by {change:+.4f}, which is more than "
            f"{DICE.largest_change:g}: model {model.id} stays as it is."
        )
    outside = {name: scores for name, scores in tried.scores.items() if not scores.learned_from}
    in_bfloat16 = _bfloat16_change(tried, outside if card.bfloat16 else {}, by_patient, cancel)
    own = replace(
        tried.card,
        scores=tuple(card_scores(outside, protocol_of(Parameters()))),
        bfloat16=in_bfloat16 is not None and in_bfloat16 <= LARGEST_BFLOAT16_CHANGE,
        notes=(*_notes(card, in_bfloat16), _note(tried.changes)),
    )
    write_bytes(tried.data, folder / own.trained_weights.file)
    write_card(own, folder)
    return Compressed(own, tried.changes, len(read_weights(model)), len(tried.data))


def _check_all_are_there(card: ModelCard, patients: Sequence[str]) -> None:
    scored = {score.data.rpartition(",")[0] for score in card.scores}
    scored -= learned_patients(card.learned_from or ())
    if missing := sorted(scored - set(patients)):
        raise InputError(
            f"The card of model {card.id} has scores of {missing[0]}, who is not among the slices: "
            "name the slice folder with all of its patients."
        )


def _compare(
    network: nn.Module,
    card: ModelCard,
    by_patient: Mapping[str, Sequence[LabelledImage]],
    exact: Callable[[str], PatientScores],
    progress: ProgressCallback,
    cancel: CancelToken,
) -> tuple[dict[str, PatientScores], dict[str, float]]:
    """Scores of the network in 8 bits, and how much each patient's Dice moved from the exact ones.

    The first patient whose Dice moved too far is the last of them.
    """
    compared: dict[str, PatientScores] = {}
    changes: dict[str, float] = {}
    for done, (patient, items) in enumerate(by_patient.items()):
        cancel.raise_if_cancelled()
        progress(Progress("Comparing 8 bits", done / len(by_patient), patient))
        compared[patient] = score_patients(network, card, items)[patient]
        changes |= _change(patient, exact(patient), compared[patient])
        if DICE.too_large(changes):
            break
    return compared, changes


def _bfloat16_change(
    tried: InEightBit[dict[str, PatientScores]],
    exact: Mapping[str, PatientScores],
    by_patient: Mapping[str, Sequence[LabelledImage]],
    cancel: CancelToken,
) -> float | None:
    """Largest change of the Dice of any patient of ``exact`` in bfloat16; None without any."""
    changes: dict[str, float] = {}
    for patient, scores in exact.items():
        cancel.raise_if_cancelled()
        items = by_patient[patient]
        lower = score_patients(tried.network, tried.card, items, "bfloat16")[patient]
        changes |= _change(patient, scores, lower)
    return max(map(abs, changes.values()), default=None)


def _change(patient: str, old: PatientScores, new: PatientScores) -> dict[str, float]:
    return DICE.changes({patient: old.values[DICE.key]}, {patient: new.values[DICE.key]})


def _notes(card: ModelCard, bfloat16_change: float | None) -> list[str]:
    """The card's notes, that on bfloat16 anew."""
    about_bfloat16, _, _ = BFLOAT16_NOTE.partition("{change")
    kept = [note for note in card.notes if not note.startswith(about_bfloat16)]
    if bfloat16_change is not None:
        kept.append(BFLOAT16_NOTE.format(change=bfloat16_change))
    return kept


def _note(changes: dict[str, float]) -> str:
    largest = max(0.0001, *map(abs, changes.values()))  # as exact as it is printed
    return (
        f"Stored in 8 bits per channel, which moves the Dice of none of {len(changes)} patients by "
        f"more than {largest:.4f}."
    )
