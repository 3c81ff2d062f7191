"""A detector on labelled slices, patient by patient, with examples to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data.labelled import LabelledData, LabelledImage
from ..data.splits import learned_patients
from ..errors import InputError, ModelError
from ..models.card import ModelCard
from ..networks.affinity import AffinityMaskRCNN
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .detector import SliceInstances, affinity_matrix, detect_slice, mask_probability
from .held_out import DetectorScores, Found

SHOWN_SCORE = 0.5
"""Least score of the boxes of examples."""
_EXAMPLES = 6


@dataclass(frozen=True, eq=False)
class DetectorExample:
    """One slice to look at.

    Attributes:
        name: Of the slice.
        unit: (rows, columns) in 0..1 of the window.
        truth: bool, the expert's lesions.
        found: Instances of a score above 0.5, and the class.
        probability: Highest probability of their masks, float32 (rows, columns).
        affinities: Y of the paper, (C*, 256).
    """

    name: str
    unit: np.ndarray
    truth: np.ndarray
    found: SliceInstances
    probability: np.ndarray
    affinities: np.ndarray


@dataclass(frozen=True, eq=False)
class DetectorEvaluation:
    """Scores of one detector.

    Attributes:
        model, title: Of the catalogue.
        classes: Names of the classes of slices.
        pooled: Of all slices.
        patients: By patient.
        learned_from: Whether the detector was trained on the patient; None where not recorded.
        examples: One slice of each patient at most, the one with most lesion.
    """

    model: str
    title: str
    classes: tuple[str, ...]
    pooled: DetectorScores
    patients: Mapping[str, DetectorScores]
    learned_from: Mapping[str, bool | None]
    examples: tuple[DetectorExample, ...]


def evaluate(
    data: LabelledData,
    card: ModelCard,
    network: AffinityMaskRCNN,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> DetectorEvaluation:
    """Score a detector on every slice.

    Args:
        data: Slices with the lesions that experts outlined, or with classes.
        card: The detector's.
        network: In evaluation mode, on the CPU.
        report: Called with progress.
        cancel: Looked at between slices.

    Raises:
        InputError: A slice cannot be read, or has pseudo-labels; there is none.
        ModelError: The card is not of a detector.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    if not card.finds_instances:
        raise ModelError(f"Model {card.id} does not find lesions one by one: evaluate it instead.")
    learned = None if card.learned_from is None else learned_patients(card.learned_from)
    found: dict[str, Found] = {}
    most: dict[str, LabelledImage] = {}
    knows: dict[str, bool | None] = {}
    done, total = 0, sum(data.samples_of.values())
    for patient in data.samples_of:
        own = Found((), (), ())
        for item in data.read(patient, cancel):
            cancel.raise_if_cancelled()
            if item.pseudo:
                raise InputError(
                    f"{item.name} has pseudo-labels, which nobody checked, so they cannot be used "
                    "for evaluation: give masks of experts."
                )
            report(Progress("Finding lesions", done / total, f"slice {done + 1} of {total}"))
            own += Found.of_slice(network, card, item)
            done += 1
            if patient not in most or item.lesion.sum() > most[patient].lesion.sum():
                most[patient] = item
        knows[patient] = None if learned is None else bool(set(most[patient].patients) & learned)
        found[patient] = own
    return DetectorEvaluation(
        card.id,
        card.title,
        card.outputs,
        sum(found.values(), Found((), (), ())).scores(card),
        {patient: one.scores(card) for patient, one in found.items()},
        knows,
        tuple(_example(network, card, item) for item in list(most.values())[:_EXAMPLES]),
    )


def _example(network: AffinityMaskRCNN, card: ModelCard, item: LabelledImage) -> DetectorExample:
    prepared = card.preprocessing
    unit = item.image if item.windowed else prepared.to_unit(item.image)
    return DetectorExample(
        item.name,
        unit,
        item.lesion > 0,
        detect_slice(network, prepared, unit, item.lungs, least_score=SHOWN_SCORE),
        mask_probability(network, prepared, unit, item.lungs, SHOWN_SCORE),
        affinity_matrix(network, prepared, unit, item.lungs),
    )
