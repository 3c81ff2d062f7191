"""Scores on cards, in the few numbers that fit into a list of models."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .card import Score

POOR_DICE = 0.3
"""Below it a model is warned of. The models that ship have 0.4 and more."""
PUBLIC_SETS = {"Radiopaedia": "radiopaedia", "MedSeg": "medseg", "coronacases": "coronacases"}
"""Public sets of slices by their usual name: what the names of their patients begin with."""
_DATA = re.compile(r"(?P<patient>.+), (?P<slices>\d{1,9}) slices?")


@dataclass(frozen=True)
class ScoreSummary:
    """One measure over all patients that were measured by the same protocol.

    Attributes:
        metric: For example ``"Dice"``.
        value: Of all pixels together where ``pooled``. Otherwise the mean over the patients,
            weighted by their numbers of slices: a patient with a single slice counts little.
        patients, slices: Their numbers.
        data: Name of the data set, of :data:`PUBLIC_SETS` where it is one of them: what the
            patients' names begin with. The patient's name where there is one patient; "" where the
            names have nothing in common.
        protocol: How it was measured.
        pooled: Whether all slices of all patients were taken together.
    """

    metric: str
    value: float
    patients: int
    slices: int
    data: str
    protocol: str
    pooled: bool = False


def summarise_scores(scores: Iterable[Score]) -> list[ScoreSummary]:
    """Dice on a card, one summary for each protocol, in the order of the card.

    Left out are scores whose data do not end in a number of slices, as those on cards that were
    written by hand.
    """
    groups: dict[str, list[tuple[str, int, float]]] = {}
    for score in scores:
        found = _DATA.fullmatch(score.data)
        if score.metric == "Dice" and found and int(found["slices"]) > 0:
            group = groups.setdefault(score.protocol, [])
            group.append((found["patient"], int(found["slices"]), score.value))
    return [_summary(protocol, group) for protocol, group in groups.items()]


def poor_score(scores: Iterable[Score]) -> ScoreSummary | None:
    """The best Dice on a card, where even that is below :data:`POOR_DICE`."""
    best = max(summarise_scores(scores), key=lambda summary: summary.value, default=None)
    return best if best is not None and best.value < POOR_DICE else None


def poor_sentence(model_id: str, scores: Iterable[Score]) -> str | None:
    """A warning about a model that hardly finds what it should; None about any other."""
    poor = poor_score(scores)
    if poor is None:
        return None
    data = f" on {poor.data}" if poor.data else ""
    return (
        f"Model {model_id} has a Dice of {poor.value:.2f}{data}, by its card: what it finds, and "
        "what it does not find, says next to nothing."
    )


def _summary(protocol: str, group: list[tuple[str, int, float]]) -> ScoreSummary:
    names = {patient for patient, _, _ in group}
    slices = sum(count for _, count, _ in group)
    mean = sum(count * value for _, count, value in group) / slices
    return ScoreSummary("Dice", mean, len(names), slices, _data_set(names), protocol)


def _data_set(names: set[str]) -> str:
    if len(names) == 1:
        return next(iter(names))
    common = os.path.commonprefix(sorted(names))
    for public, prefix in PUBLIC_SETS.items():
        if common.startswith(prefix):
            return public
    # Not in the middle of a word or number.
    return common[: max(map(common.rfind, "_- ")) + 1].rstrip("_- ")
