"""Ensembles that ship: models that vote together under one name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .card import Score

_FILE = Path(__file__).parent / "ensembles.json"


@dataclass(frozen=True)
class Ensemble:
    """Models that vote together under one name.

    Attributes:
        id: Stands for the members wherever models may vote.
        title: Name for people.
        members: Ids of packaged models, which tell the same classes.
        scores: Measured scores of the members' common answer.
        notes: What else users should know.
    """

    id: str
    title: str
    members: tuple[str, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def read_ensembles() -> tuple[Ensemble, ...]:
    """Every ensemble that ships."""
    return tuple(
        Ensemble(
            values["id"],
            values["title"],
            tuple(values["members"]),
            tuple(Score(**score) for score in values["scores"]),
            tuple(values["notes"]),
        )
        for values in json.loads(_FILE.read_text(encoding="utf-8"))
    )
