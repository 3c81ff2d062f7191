"""Scores of a network that tells the class of slices, on patients that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from ..data.labelled import LabelledImage, class_of
from ..inference.slice_classes import class_probabilities, is_clean, slice_image
from ..metrics.overlap import Confusion, wilson_interval
from ..models.calibration import Calibration
from ..models.card import ModelCard, Score
from ..models.eight_bit import StorageCriterion

PROTOCOL = "every slice with lung once, infected where its most probable class is not the first"


@dataclass(frozen=True)
class SliceClassScores:
    """Scores of one patient, or of several together.

    Attributes:
        decisions: Slices called infected, against the truth.
        lesion: Pixels of lesion in all slices.
        missed: Those of them in slices that are called clean.
    """

    decisions: Confusion = field(default_factory=Confusion)
    lesion: int = 0
    missed: int = 0

    def __add__(self, other: SliceClassScores) -> SliceClassScores:
        return SliceClassScores(
            self.decisions + other.decisions, self.lesion + other.lesion, self.missed + other.missed
        )

    @property
    def slices(self) -> int:
        """Their number."""
        return self.decisions.total

    @property
    def values(self) -> Mapping[str, float | None]:
        """Every score by a short name, 0 to 1; None where undefined."""
        return {
            "sensitivity": self.decisions.sensitivity,
            "specificity": self.decisions.specificity,
            "missed_lesion": self.missed / self.lesion if self.lesion else None,
        }


@dataclass(frozen=True)
class HeldOutClasses:
    """As :class:`~..training.export.HeldOutResult`; bfloat16 is not measured."""

    patients: Mapping[str, SliceClassScores]
    scores: Sequence[Score]
    bfloat16_change: float | None = None
    calibration: Calibration | None = None
    measure: StorageCriterion | None = None


def evaluate_slice_classes(
    network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage]
) -> HeldOutClasses:
    """Scores for the card of a freshly trained slice classifier, on the CPU, all slices together.

    Slices whose lungs are known and empty are left out: nothing looks for lesions there.

    Args:
        network: In evaluation mode.
        card: Its card.
        slices: Of patients that it was not trained on.

    Raises:
        InputError: A slice's class is none of the card's.
    """
    patients: dict[str, SliceClassScores] = {}
    for item in slices:
        if item.lungs is not None and not item.lungs.any():
            continue
        unit = item.in_unit(card.preprocessing)
        image = slice_image(card.preprocessing, unit, item.lungs)
        called = not is_clean(class_probabilities(network, image[None])[0])
        infected = class_of(item, card.outputs) > 0
        lesion = int(np.count_nonzero(item.lesion))
        of_slice = SliceClassScores(
            Confusion.of(np.array([called]), np.array([infected])), lesion, 0 if called else lesion
        )
        patients[item.patient] = patients.get(item.patient, SliceClassScores()) + of_slice
    together = sum(patients.values(), SliceClassScores())
    names = ", ".join(
        f"{name}, {scores.slices} slices" for name, scores in sorted(patients.items())
    )
    return HeldOutClasses(patients, tuple(_card_scores(together, names)))


def _card_scores(scores: SliceClassScores, data: str) -> list[Score]:
    """Scores for a card; what is undefined is left out."""
    counts = scores.decisions
    listed = [
        ("slice sensitivity", counts.sensitivity, counts.tp + counts.fn),
        ("slice specificity", counts.specificity, counts.tn + counts.fp),
        ("share of lesion missed", scores.values["missed_lesion"], None),
    ]
    found = []
    for name, value, count in listed:
        if value is None:
            continue
        told = f"pixels of lesion in slices called clean; {PROTOCOL}"
        if count is not None:
            low, high = wilson_interval(value, count) or (0.0, 1.0)
            told = f"of {count} slices, 95 % interval {low:.4f} to {high:.4f}; {PROTOCOL}"
        found.append(Score(name, round(value, 4), data, told))
    return found
