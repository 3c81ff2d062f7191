"""Scores slice by slice, and their spread over groups of slices, as the papers' tables have them.

Sources: COVID-Rate (Enshaei et al., 2022), Table 3: median and quartiles over slices infected by
less than 0.015 of the lungs (group A) and by 0.015 or more (group B). EAMC (Pal Das et al., 2022),
Table 3: mean and standard deviation of Dice over slices; Table 5: the infected share of slices
beside the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.infection import SMALL_LESIONS_BELOW
from ..metrics.overlap import Value, mean_and_sd
from .counts import SliceCount

GROUP_MEASURES = {"dice": "Dice", "specificity": "Specificity", "sensitivity": "Sensitivity"}


@dataclass(frozen=True)
class GroupScore:
    """One score of the infected slices of a group; all None where it is defined on none of them.

    Attributes:
        group: ``"infected"``, all infected slices; ``"A"`` and ``"B"``, those with lesion in lungs
            that are known.
        slices: Number of slices on which the score is defined.
        measure: Key of ``GROUP_MEASURES``.
        median, lower, upper: Over slices: median, 25 % and 75 % quantile.
        mean, sd: Over slices; no standard deviation of a single one.
    """

    group: str
    slices: int
    measure: str
    median: Value
    lower: Value
    upper: Value
    mean: Value
    sd: Value


def group_scores(slices: Sequence[SliceCount]) -> list[GroupScore]:
    """The scores of every group that has slices."""
    infected = [slice_ for slice_ in slices if slice_.infected]
    measured = [slice_ for slice_ in infected if slice_.true_rate]  # not where it is 0 or None
    groups = {
        "infected": infected,
        "A": [slice_ for slice_ in measured if (slice_.true_rate or 0.0) < SMALL_LESIONS_BELOW],
        "B": [slice_ for slice_ in measured if (slice_.true_rate or 0.0) >= SMALL_LESIONS_BELOW],
    }
    return [
        _score(name, measure, members)
        for name, members in groups.items()
        if members
        for measure in GROUP_MEASURES
    ]


def _score(group: str, measure: str, slices: Sequence[SliceCount]) -> GroupScore:
    every = [getattr(slice_.pixels, measure) for slice_ in slices]
    values = [value for value in every if value is not None]
    if not values:
        return GroupScore(group, 0, measure, None, None, None, None, None)
    lower, median, upper = (float(value) for value in np.percentile(values, [25, 50, 75]))
    return GroupScore(group, len(values), measure, median, lower, upper, *mean_and_sd(values))
