"""Models and ensembles in one list, as people choose from it: the best measured first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .card import Score
from .catalogue import Catalogue, Model
from .development_scores import (
    OUTSIDE_SET,
    DevelopmentScore,
    read_development_scores,
    weights_key,
)
from .scores import ScoreSummary, summarise_scores


@dataclass(frozen=True)
class ListedModel:
    """A model, or an ensemble that ships.

    Attributes:
        id: What ``Parameters.model`` calls it.
        title: Name for people.
        models: The model itself, or all members of the ensemble.
        scores: All measured scores.
        notes: What users should know, one sentence each.
        development: On the development sets, if it ships.
        dice: Measured Dice: pooled on the outside set if it ships; otherwise that of its card, on
            the data that most models were measured on where it was measured there; None where it
            was not measured.
    """

    id: str
    title: str
    models: tuple[Model, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]
    development: tuple[DevelopmentScore, ...] = ()
    dice: ScoreSummary | None = None

    @property
    def is_ensemble(self) -> bool:
        """Whether it stands for several models."""
        return len(self.models) > 1

    @property
    def papers(self) -> tuple[str, ...]:
        """Citations, each once."""
        return tuple(dict.fromkeys(model.card.paper for model in self.models))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the lesion classes."""
        return self.models[0].card.classes

    @property
    def trained(self) -> bool:
        """Whether all of it has trained weights, be they present or not."""
        return all(model.card.weights is not None for model in self.models)

    @property
    def weights_present(self) -> bool:
        """Whether all weights files are there."""
        return all(model.weights_present for model in self.models)

    @property
    def licences(self) -> dict[str, str]:
        """Licence of the weights to what it means for the user; empty where there are none."""
        stated = [model.card.weights for model in self.models if model.card.weights]
        return {weights.licence: weights.licence_note for weights in stated}

    def matches(self, search: str) -> bool:
        """Whether every word of ``search`` is in its title, id, papers, classes or licences."""
        texts = (self.title, self.id, *self.papers, *self.classes, *self.licences)
        haystack = " ".join(texts).casefold()
        return all(word in haystack for word in search.casefold().split())


def list_models(catalogue: Catalogue, task: str = "lesions") -> list[ListedModel]:
    """Models and ensembles of one task: trained ones by measured Dice, then untrained ones.

    Scores on different data cannot be compared. So the pooled Dice on the outside set decides,
    which was measured of every model that ships; then follow models with scores on their cards, by
    the data set that most of them were measured on, then by others, and last those that were not
    measured. Among equals the order of the catalogue holds.
    """
    listed = [
        ListedModel(
            ensemble.id,
            ensemble.title,
            tuple(catalogue.get(member) for member in ensemble.members),
            ensemble.scores,
            ensemble.notes,
        )
        for ensemble in catalogue.ensembles
    ]
    listed += [
        ListedModel(model.id, model.title, (model,), model.card.scores, model.card.notes)
        for model in catalogue.models
    ]
    listed = [model for model in listed if model.models[0].card.task == task]
    rows = read_development_scores()
    listed = [replace(model, development=_development(model, rows)) for model in listed]
    summaries = {model.id: summarise_scores(model.scores) for model in listed}
    shared = _shared_data(summaries.values())
    listed = [replace(model, dice=_dice(model, summaries[model.id], shared)) for model in listed]
    return sorted(listed, key=lambda model: _rank(model, shared))


def _development(
    model: ListedModel, rows: Iterable[DevelopmentScore]
) -> tuple[DevelopmentScore, ...]:
    """Its rows of the table that ships, of these very weights."""
    if not model.trained:
        return ()
    key = weights_key([member.card for member in model.models])
    return tuple(row for row in rows if row.model == model.id and row.weights == key)


def _shared_data(summaries: Iterable[list[ScoreSummary]]) -> str | None:
    """The data set that most models were measured on, among equals the first."""
    counts = Counter(
        data
        for found in summaries
        for data in dict.fromkeys(summary.data for summary in found)
        if data
    )
    return counts.most_common(1)[0][0] if counts else None


def _dice(
    model: ListedModel, summaries: list[ScoreSummary], shared: str | None
) -> ScoreSummary | None:
    for row in model.development:
        if row.data == OUTSIDE_SET:
            return row.summary
    there = [summary for summary in summaries if summary.data == shared] or summaries
    return max(there, key=lambda summary: summary.slices, default=None)


def _rank(model: ListedModel, shared: str | None) -> tuple[bool, int, float]:
    if model.dice is None:
        return not model.trained, 3, 0.0
    place = 0 if model.dice.pooled else 1 + int(model.dice.data != shared)
    return not model.trained, place, -model.dice.value
