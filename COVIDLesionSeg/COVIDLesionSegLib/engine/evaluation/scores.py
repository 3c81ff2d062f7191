"""Scores of a model: patient by patient, and over all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..metrics.decisions import RuleAgreement, agreement_by_rule
from ..metrics.overlap import Confusion, Value, mean_and_sd
from ..parameters import Parameters
from .classes import ClassCounts
from .counts import Counts, MeasuredOn
from .measures import MEASURES


@dataclass(frozen=True)
class PatientScores:
    """Scores of one patient.

    Attributes:
        slices: Number of slices.
        learned_from: Whether the model was trained on the patient, so that the scores are
            optimistic; None where its card does not record its training patients.
        windowed: The images were windowed by their publisher.
        values: Every score, by the key of its measure; None where it is undefined.
        classes: Scores of each class by itself, see :mod:`.classes`; empty where model or expert
            does not tell classes apart.
        decisions: Which slices are called infected, by rule, see :mod:`..metrics.decisions`.
        hd95_on: What the mean of the Hausdorff distance is of.
    """

    slices: int
    learned_from: bool | None
    windowed: bool
    values: dict[str, Value]
    classes: dict[str, dict[str, Value]] = field(default_factory=dict)
    decisions: dict[str, Confusion] = field(default_factory=dict)
    hd95_on: MeasuredOn = MeasuredOn()

    @classmethod
    def of(
        cls, counts: Counts, learned_from: bool | None, classes: ClassCounts | None = None
    ) -> PatientScores:
        """Every score of what was counted on one patient."""
        by_class = {} if classes is None else classes.scores()
        return cls(
            len(counts.slices),
            learned_from,
            counts.windowed,
            _values(counts),
            by_class,
            dict(counts.decisions),
            counts.hd95_on,
        )


@dataclass(frozen=True)
class ModelScores:
    """Scores of one model, or ensemble; the dictionaries go by the keys of the measures.

    Attributes:
        model: Its id, or those of its members joined by ``+``.
        title: For people.
        protocol: How its scores were measured, as its card states it.
        patients: Scores by patient.
        slices: Number of slices of all patients.
        pooled: All slices of all patients taken together.
        intervals: Wilson's 95 % confidence intervals of ``pooled``, lower and upper end; None for
            scores without one.
        means, sds: Mean and sample standard deviation over patients.
        seconds_per_slice: Wall time of the predictions, on their device.
        flags: Quality flags of the predictions and of the data, one sentence each.
        classes: Scores of each class by itself, all slices pooled, see :mod:`.classes`.
        decisions: Which slices and cases are called infected, by rule.
        hd95_on: What the mean of the Hausdorff distance is of.
    """

    model: str
    title: str
    protocol: str
    patients: dict[str, PatientScores]
    slices: int
    pooled: dict[str, Value]
    intervals: dict[str, tuple[float, float] | None]
    means: dict[str, Value]
    sds: dict[str, Value]
    seconds_per_slice: float
    flags: tuple[str, ...]
    classes: dict[str, dict[str, Value]] = field(default_factory=dict)
    decisions: dict[str, RuleAgreement] = field(default_factory=dict)
    hd95_on: MeasuredOn = MeasuredOn()

    @property
    def learned_from(self) -> list[str]:
        """Patients that the model was trained on, so that their scores are optimistic."""
        return [name for name, scores in self.patients.items() if scores.learned_from]


def _values(counts: Counts) -> dict[str, Value]:
    return {measure.key: measure.of(counts) for measure in MEASURES}


def summarise(patients: dict[str, PatientScores], pooled: Counts) -> dict[str, Any]:
    """The fields of :class:`ModelScores` that follow from the patients and their common counts."""
    values = _values(pooled)
    spread = {
        measure.key: mean_and_sd([scores.values[measure.key] for scores in patients.values()])
        for measure in MEASURES
    }
    return {
        "patients": patients,
        "slices": len(pooled.slices),
        "pooled": values,
        "intervals": {
            measure.key: measure.interval(pooled, values[measure.key]) for measure in MEASURES
        },
        "means": {key: mean for key, (mean, _) in spread.items()},
        "sds": {key: sd for key, (_, sd) in spread.items()},
        "hd95_on": pooled.hd95_on,
        "decisions": agreement_by_rule(patient.decisions for patient in patients.values()),
    }


def protocol_of(parameters: Parameters, lungs: str | None = None, of_cts: bool = False) -> str:
    """How scores are measured, in the words of a model's card.

    Args:
        parameters: Give threshold, tiling and the smallest lesion of CTs.
        lungs: Where the lungs come from that findings are limited to; None without a lung mask.
        of_cts: Whether CTs are scored, and not single slices: with a lung mask they are answered
            just as by the main job, without areas that are too small.
    """
    tiling = "" if parameters.tiling == "whole-slice" else f" in {parameters.tiling} patches"
    mask = f"findings outside the lungs ({lungs}) dropped" if lungs else "no lung mask"
    if lungs and of_cts and parameters.smallest_lesion_ml:
        mask += f", areas below {parameters.smallest_lesion_ml:g} ml left out"
    return (
        f"pixels of all slices pooled, whole slices{tiling}, p > {parameters.threshold:g}, {mask}"
    )
