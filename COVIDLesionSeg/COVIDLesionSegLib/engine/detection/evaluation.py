"""A detector on labelled slices, patient by patient, with examples to look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.labelled import LabelledData
from ..data.splits import learned_patients
from ..errors import InputError, ModelError
from ..metrics.decisions import RuleAgreement, agreement_by_rule
from ..metrics.instances import ClassAgreement, class_agreement
from ..models.card import ModelCard
from ..networks.affinity import AffinityMaskRCNN
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .detector import SHOWN_SCORE, SliceInstances
from .held_out import DetectorScores, Found, look_at

UNKNOWN = "not named"
"""Slices of no scanner, beside those of one."""
_EXAMPLES = 6


@dataclass(frozen=True, eq=False)
class DetectorExample:
    """One slice to look at.

    Attributes:
        name: Name of the slice.
        unit: (rows, columns) in 0..1 of the window.
        truth: bool, the expert's lesions.
        found: Instances of a score of 0.5 or more, and the class.
    """

    name: str
    unit: np.ndarray
    truth: np.ndarray
    found: SliceInstances


@dataclass(frozen=True, eq=False)
class DetectorEvaluation:
    """Scores of one detector.

    Attributes:
        model, title: Id and title in the catalogue.
        classes: Names of the classes of slices.
        pooled: Scores of all slices.
        patients: By patient.
        scanners: By scanner; empty where the slices name none.
        scanner_alone: Agreement on the classes by a rule that knows the scanner alone: every slice
            gets the most frequent true class of its scanner. None where the slices name none.
        scanner_class: What that rule calls the slices of every scanner of ``scanners``.
        decisions: Which slices and cases are called infected, by rule.
        learned_from: Whether the detector was trained on the patient; None where not recorded.
        examples: One slice of each patient at most, the one with most lesion.
    """

    model: str
    title: str
    classes: tuple[str, ...]
    pooled: DetectorScores
    patients: Mapping[str, DetectorScores]
    scanners: Mapping[str, DetectorScores]
    scanner_alone: ClassAgreement | None
    scanner_class: Mapping[str, str]
    decisions: Mapping[str, RuleAgreement]
    learned_from: Mapping[str, bool | None]
    examples: tuple[DetectorExample, ...]


def evaluate_on(
    data: LabelledData,
    card: ModelCard,
    network: AffinityMaskRCNN,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> DetectorEvaluation:
    """Score a detector on every slice.

    Args:
        data: Slices with the lesions that experts outlined, or with classes.
        card: The detector's.
        network: In evaluation mode, on the CPU.
        progress: Called with progress.
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
    scanners: dict[str, Found] = defaultdict(Found)
    examples: dict[str, DetectorExample] = {}
    knows: dict[str, bool | None] = {}
    done, total = 0, sum(data.samples_of.values())
    for patient in data.samples_of:
        own, shown = Found(), {patient}
        for item in data.read(patient, cancel):
            cancel.raise_if_cancelled()
            if item.pseudo:
                raise InputError(
                    f"{item.name} has pseudo-labels, which nobody checked, so they cannot be used "
                    "for evaluation: give masks of experts."
                )
            progress(Progress("Finding lesions", done / total, f"slice {done + 1} of {total}"))
            instances = look_at(network, card, item)
            of_slice = Found.of_slice(instances, card, item)
            own += of_slice
            scanners[item.scanner] += of_slice
            shown.update(item.patients)
            done += 1
            before = examples.get(patient)
            if before is None:
                better = len(examples) < _EXAMPLES
            else:
                better = item.lesion.sum() > before.truth.sum()
            if better:
                examples[patient] = DetectorExample(
                    item.name,
                    item.in_unit(card.preprocessing),
                    item.lesion > 0,
                    instances.of_score(SHOWN_SCORE),
                )
        knows[patient] = None if learned is None else bool(shown & learned)
        found[patient] = own
    patients = {patient: of_patient.scores(card) for patient, of_patient in found.items()}
    named = set(scanners) != {""}
    return DetectorEvaluation(
        card.id,
        card.title,
        card.outputs,
        sum(found.values(), Found()).scores(card),
        patients,
        {
            name or UNKNOWN: of_scanner.scores(card)
            for name, of_scanner in sorted(scanners.items())
            if named
        },
        by_scanner_alone(card.outputs, [scanner.real for scanner in scanners.values()])
        if named
        else None,
        {
            name or UNKNOWN: card.outputs[_most_frequent(of_scanner.real)]
            for name, of_scanner in scanners.items()
        },
        agreement_by_rule(patient.decisions for patient in patients.values()),
        knows,
        tuple(examples.values()),
    )


def by_scanner_alone(classes: Sequence[str], scanners: Sequence[Sequence[int]]) -> ClassAgreement:
    """Agreement on the classes where a slice is called what most slices of its scanner are.

    Args:
        classes: Their names.
        scanners: For each the number of the true class of every slice, at least one.
    """
    real: list[int] = []
    named: list[int] = []
    for own in scanners:
        real += own
        named += [_most_frequent(own)] * len(own)
    return class_agreement(classes, real, named)


def _most_frequent(numbers: Sequence[int]) -> int:
    """Of numbers that occur equally often the first."""
    return Counter(numbers).most_common(1)[0][0]
