"""Scores of a detector on slices of patients that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from ..data.labelled import LabelledImage, class_of
from ..errors import ModelError
from ..metrics.decisions import RULES as DECISION_RULES
from ..metrics.decisions import SLICE_CLASS, called_infected, counted
from ..metrics.infection import infection_rate
from ..metrics.instances import (
    ClassAgreement,
    ImageMatch,
    class_agreement,
    coco_average_precision,
    mean_over_thresholds,
    paper_average_precision,
    resampled_interval,
)
from ..metrics.overlap import Confusion
from ..models.calibration import Calibration
from ..models.card import ModelCard, Score
from ..models.eight_bit import MEAN_PRECISION, StorageCriterion
from ..networks.affinity import AffinityMaskRCNN
from ..progress import CancelToken
from .detector import SHOWN_SCORE, SliceInstances, detect_slice
from .instances import components

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
            single = np.array([mean_over_thresholds(compute, [match]) for match in matches])
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
        decisions: Which slices are called infected, by rule, see :mod:`..metrics.decisions`: by
            the instances of a score of 0.5 or more, within the lungs where these are known, or by
            the class.
    """

    slices: int
    instances: int
    precision: Mapping[str, Precision]
    classes: ClassAgreement
    decisions: Mapping[str, Confusion]

    @property
    def values(self) -> Mapping[str, float | None]:
        """Every score by a short name."""
        found: dict[str, float | None] = {}
        for rule, precision in self.precision.items():
            found |= {
                f"{rule}_ap50": precision.at_50,
                f"{rule}_ap75": precision.at_75,
                f"{rule}_map": precision.mean,
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
    measure: StorageCriterion = MEAN_PRECISION


def evaluate_detector(
    network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage]
) -> HeldOutDetector:
    """Scores for the card of a freshly trained detector, on the CPU: by patient, and of all."""
    by_patient: dict[str, list[LabelledImage]] = defaultdict(list)
    for item in slices:
        by_patient[item.patient].append(item)
    found = {name: Found.of(network, card, own, CancelToken()) for name, own in by_patient.items()}
    patients = {name: one.scores(card) for name, one in sorted(found.items())}
    pooled = sum(found.values(), Found()).scores(card)
    names = ", ".join(f"{name}, {scores.slices} slices" for name, scores in patients.items())
    return HeldOutDetector(patients, tuple(card_scores(pooled, names)))


def card_scores(scores: DetectorScores, data: str) -> list[Score]:
    """Scores for a card, each with its rule; what is undefined is left out."""
    listed: list[tuple[str, float | None, str]] = []
    for rule, precision in scores.precision.items():
        text = RULE_TEXTS[rule]
        listed += [
            ("AP@0.50", precision.at_50, text),
            ("AP@0.75", precision.at_75, text),
            ("mAP@.50:.05:.95", precision.mean, text + _interval(precision.mean_interval)),
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
    """What was found in slices, and the truth.

    Attributes:
        matches: Of slices whose lesions are outlined, or which have none.
        real, named: Number of the true and of the found class of every slice.
        called: By rule, for every slice that it can decide, whether it is called infected, and is.
    """

    matches: tuple[ImageMatch, ...] = ()
    real: tuple[int, ...] = ()
    named: tuple[int, ...] = ()
    called: Mapping[str, tuple[tuple[bool, bool], ...]] = field(
        default_factory=lambda: dict.fromkeys(DECISION_RULES, ())
    )

    def __add__(self, other: Found) -> Found:
        return Found(
            self.matches + other.matches,
            self.real + other.real,
            self.named + other.named,
            {rule: own + other.called[rule] for rule, own in self.called.items()},
        )

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
            parts.append(cls.of_slice(look_at(network, card, item), card, item))
        return sum(parts, cls())

    @classmethod
    def of_slice(cls, found: SliceInstances, card: ModelCard, item: LabelledImage) -> Found:
        """The same of one slice."""
        number = class_of(item, card.outputs)
        matches = []
        if item.has_lesion or number == 0:
            labels = components(item.lesion)
            truth = labels == np.arange(1, labels.max() + 1)[:, None, None]
            matches = [ImageMatch.of(found.scores, found.masks, truth)]
        lesion, rate = found.of_score(SHOWN_SCORE).lesion, None
        if item.lungs is not None:
            lesion &= item.lungs > 0
            rate = infection_rate(lesion, item.lungs)
        answers = called_infected(int(np.count_nonzero(lesion)), rate)
        answers[SLICE_CLASS] = found.slice_class > 0
        called = {
            rule: ((answers[rule], number > 0),) if rule in answers else ()
            for rule in DECISION_RULES
        }
        return cls(tuple(matches), (number,), (found.slice_class,), called)

    def scores(self, card: ModelCard) -> DetectorScores:
        return DetectorScores(
            len(self.real),
            sum(match.iou.shape[1] for match in self.matches),
            {rule: Precision.of(rule, self.matches) for rule in RULES},
            class_agreement(card.outputs, self.real, self.named),
            {rule: counted(pairs) for rule, pairs in self.called.items()},
        )


def look_at(network: AffinityMaskRCNN, card: ModelCard, item: LabelledImage) -> SliceInstances:
    """What a detector finds in a labelled slice, on its own pixels."""
    return detect_slice(network, card.preprocessing, item.in_unit(card.preprocessing), item.lungs)
