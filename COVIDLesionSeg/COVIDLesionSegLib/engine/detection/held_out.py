"""Scores of a detector on slices of patients that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..data.labelled import LabelledImage
from ..errors import ModelError
from ..metrics.instances import (
    ClassAgreement,
    ImageMatch,
    class_agreement,
    coco_average_precision,
    mean_over_thresholds,
    paper_average_precision,
    resampled_interval,
)
from ..models.calibration import Calibration
from ..models.card import ModelCard, Score
from ..networks.affinity import AffinityMaskRCNN
from ..progress import CancelToken
from .detector import detect_slice
from .instances import class_of, components

Rule = Callable[[Sequence[ImageMatch], float], float | None]

RULES: dict[str, Rule] = {"paper": paper_average_precision, "coco": coco_average_precision}
RULE_TEXTS = {
    "paper": "AP by image, then averaged, clean slices count 1 or 0 (COVID-Affinity, section 4.3)",
    "coco": "AP of all slices pooled, by COCO's rule",
}
PROTOCOL = "every slice once, score > 0.05, mask > 0.5, on the slice's own pixels"


@dataclass(frozen=True)
class Precision:
    """Average precision by one rule; None where undefined.

    Attributes:
        at_50, at_75: At these thresholds of the intersection over union.
        mean: Over .50:.05:.95.
        mean_interval: 95 % interval of the mean, slices drawn again; of the paper's rule only.
    """

    at_50: float | None
    at_75: float | None
    mean: float | None
    mean_interval: tuple[float, float] | None = None

    @classmethod
    def of(cls, rule: str, matches: Sequence[ImageMatch]) -> Precision:
        """By the rule ``"paper"`` or ``"coco"``."""
        compute = RULES[rule]
        interval = None
        if rule == "paper" and matches:
            single = np.array([mean_over_thresholds(compute, [one]) for one in matches])
            interval = resampled_interval(lambda rows: float(single[rows].mean()), len(single))
        return cls(
            compute(matches, 0.5),
            compute(matches, 0.75),
            mean_over_thresholds(compute, matches),
            interval,
        )


@dataclass(frozen=True, eq=False)
class DetectorScores:
    """Scores on some slices.

    Attributes:
        slices: Their number.
        instances: True lesions.
        precision: Average precision by rule.
        classes: Agreement on the class of slices.
    """

    slices: int
    instances: int
    precision: Mapping[str, Precision]
    classes: ClassAgreement

    @property
    def values(self) -> Mapping[str, float | None]:
        """Every score by a short name."""
        found: dict[str, float | None] = {}
        for rule, one in self.precision.items():
            found |= {
                f"{rule}_ap50": one.at_50,
                f"{rule}_ap75": one.at_75,
                f"{rule}_map": one.mean,
            }
        for one_class in self.classes.classes:
            found[f"sensitivity_{one_class.name}"] = one_class.sensitivity
            found[f"precision_{one_class.name}"] = one_class.precision
        return {**found, "f1": self.classes.f1}


@dataclass(frozen=True)
class HeldOutDetector:
    """As :class:`~..training.export.HeldOutResult`; bfloat16 is not measured."""

    patients: Mapping[str, DetectorScores]
    scores: Sequence[Score]
    bfloat16_change: float | None = None
    calibration: Calibration | None = None


def evaluate_detector(
    network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage]
) -> HeldOutDetector:
    """Scores for the card of a freshly trained detector, on the CPU: by patient, and of all."""
    by_patient: dict[str, list[LabelledImage]] = defaultdict(list)
    for item in slices:
        by_patient[item.patient].append(item)
    found = {name: Found.of(network, card, own, CancelToken()) for name, own in by_patient.items()}
    patients = {name: one.scores(card) for name, one in sorted(found.items())}
    pooled = sum(found.values(), Found((), (), ())).scores(card)
    names = ", ".join(f"{name}, {one.slices} slices" for name, one in patients.items())
    return HeldOutDetector(patients, tuple(card_scores(pooled, names)))


def score_detector(
    network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage], cancel: CancelToken
) -> DetectorScores:
    """Scores of a detector on slices together; raises Cancelled."""
    return Found.of(network, card, slices, cancel).scores(card)


def card_scores(scores: DetectorScores, data: str) -> list[Score]:
    """Scores for a card, each with its rule; what is undefined is left out."""
    listed: list[tuple[str, float | None, str]] = []
    for rule, one in scores.precision.items():
        text = RULE_TEXTS[rule]
        listed += [
            ("AP@0.50", one.at_50, text),
            ("AP@0.75", one.at_75, text),
            ("mAP@.50:.05:.95", one.mean, text + _interval(one.mean_interval)),
        ]
    for single in scores.classes.classes:
        listed += [
            (
                f"{measure}, {single.name}",
                value,
                f"classes of slices, {single.slices} of this one" + _interval(interval),
            )
            for measure, value, interval in (
                ("sensitivity", single.sensitivity, single.sensitivity_interval),
                ("precision", single.precision, single.precision_interval),
            )
        ]
    weighted = "classes of slices, weighted by their true shares"
    listed.append(("F1", scores.classes.f1, weighted + _interval(scores.classes.f1_interval)))
    return [
        Score(name, round(value, 4), data, f"{protocol}; {PROTOCOL}")
        for name, value, protocol in listed
        if value is not None
    ]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f", 95 % interval {interval[0]:.4f} to {interval[1]:.4f}"


@dataclass(frozen=True)
class Found:
    """Matches of slices whose lesions are outlined, and true and found classes of all.

    Attributes:
        matches: Of slices whose lesions are outlined, or which have none.
        real, named: Number of the true and of the found class of every slice.
    """

    matches: tuple[ImageMatch, ...]
    real: tuple[int, ...]
    named: tuple[int, ...]

    def __add__(self, other: Found) -> Found:
        return Found(self.matches + other.matches, self.real + other.real, self.named + other.named)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        card: ModelCard,
        slices: Sequence[LabelledImage],
        cancel: CancelToken,
    ) -> Found:
        if not isinstance(network, AffinityMaskRCNN):
            raise ModelError(f"Model {card.id} does not find lesions one by one.")
        parts = []
        for item in slices:
            cancel.raise_if_cancelled()
            parts.append(cls.of_slice(network, card, item))
        return sum(parts, cls((), (), ()))

    @classmethod
    def of_slice(cls, network: AffinityMaskRCNN, card: ModelCard, item: LabelledImage) -> Found:
        """The same of one slice."""
        unit = item.image if item.windowed else card.preprocessing.to_unit(item.image)
        found = detect_slice(network, card.preprocessing, unit, item.lungs)
        number = class_of(item, card.outputs)
        matches = []
        if item.has_lesion or number == 0:
            labels = components(item.lesion)
            truth = labels == np.arange(1, labels.max() + 1)[:, None, None]
            matches = [ImageMatch.of(found.scores, found.masks, truth)]
        return cls(tuple(matches), (number,), (found.slice_class,))

    def scores(self, card: ModelCard) -> DetectorScores:
        return DetectorScores(
            len(self.real),
            sum(one.iou.shape[1] for one in self.matches),
            {rule: Precision.of(rule, self.matches) for rule in RULES},
            class_agreement(card.outputs, self.real, self.named),
        )
