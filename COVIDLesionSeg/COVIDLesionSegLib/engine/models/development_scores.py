"""Every model that ships on every development set, by one protocol: a table that ships, too.

``python -m benchmarks.accuracy`` writes it. A row belongs to certain weights, and counts for no
others.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from .card import ModelCard
from .scores import ScoreSummary

SCORES_CSV = Path(__file__).parent / "development_scores.csv"
OUTSIDE_SET = "Radiopaedia"
"""The set that no model that ships has learned from: models are ranked by it."""


@dataclass(frozen=True)
class DevelopmentScore:
    """One model on one set.

    Attributes:
        model: Its id, or an ensemble's.
        data: Name of the set.
        patients, slices: How many were evaluated.
        pooled_dice: Of all pixels of all slices together.
        median_dice: Median over the patients.
        lowest_dice: The lowest patient of several slices; None where all have a single one.
        sensitivity, precision: Scores of all pixels together.
        seconds_per_slice: Processor time on one thread, in float32.
        learned: ``"outside"``, ``"seen"``, or how many of the patients it learned from.
        protocol: How it was measured.
        weights: Of which weights: see :func:`weights_key`.
    """

    model: str
    data: str
    patients: int
    slices: int
    pooled_dice: float
    median_dice: float
    lowest_dice: float | None
    sensitivity: float | None
    precision: float | None
    seconds_per_slice: float | None
    learned: str
    protocol: str
    weights: str

    @property
    def summary(self) -> ScoreSummary:
        """Its pooled Dice, as lists of models show it."""
        return ScoreSummary(
            "Dice",
            self.pooled_dice,
            self.patients,
            self.slices,
            self.data,
            self.protocol,
            pooled=True,
        )


def read_development_scores(path: Path = SCORES_CSV) -> tuple[DevelopmentScore, ...]:
    """All rows; none where there is no such file. ValueError if a row is damaged."""
    if not path.is_file():
        return ()
    return _read_once(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_once(path: Path, _state: int) -> tuple[DevelopmentScore, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_row(cells) for cells in csv.DictReader(file))


def write_development_scores(rows: Sequence[DevelopmentScore], path: Path = SCORES_CSV) -> None:
    """Write all rows, by set, the best of each first."""
    ordered = sorted(rows, key=lambda row: (row.data, -row.pooled_dice, row.model))
    names = [field.name for field in fields(DevelopmentScore)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in ordered:
            writer.writerow([_cell(getattr(row, name)) for name in names])


def weights_key(cards: Sequence[ModelCard]) -> str:
    """Tells the weights of a model, or of all members of an ensemble, from any others."""
    digests = [card.trained_weights.sha256 for card in cards]
    joined = (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )
    return joined[:16]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _row(cells: dict[str, str]) -> DevelopmentScore:
    values: dict[str, Any] = {}
    for field in fields(DevelopmentScore):
        text, kind = cells[field.name], str(field.type)
        if kind == "int":
            values[field.name] = int(text)
        elif kind.startswith("float"):
            values[field.name] = None if text == "" and "None" in kind else float(text)
        else:
            values[field.name] = text
    return DevelopmentScore(**values)
