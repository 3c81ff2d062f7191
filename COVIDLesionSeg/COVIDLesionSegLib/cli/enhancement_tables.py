"""What ``enhance`` tells: why each slice was chosen or not, and scores before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.evaluation.scores import PatientScores
from ..engine.metrics.overlap import mean_and_sd
from ..engine.self_training.confidence import Candidate
from ..engine.wording import score_text
from .csv_table import write_table


@dataclass(frozen=True)
class BeforeAfter:
    """Dice of a patient who judges a model as it was and as it is; None where undefined."""

    patient: str
    slices: int
    before: float | None
    after: float | None


def before_and_after(
    before: dict[str, PatientScores], after: dict[str, PatientScores]
) -> list[BeforeAfter]:
    """One row for each patient of ``before``."""
    return [
        BeforeAfter(patient, scores.slices, scores.values["dice"], after[patient].values["dice"])
        for patient, scores in before.items()
    ]


def write_candidates(candidates: Iterable[Candidate], path: Path) -> None:
    """Write every slice that the model answered; without lesion its certainty is ``n/a``.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["name", "patient", "certainty", "lesion_pixels", "verdict"],
        [[c.name, c.patient, c.confidence, c.lesion_pixels, c.verdict] for c in candidates],
        path,
    )


def write_before_after(rows: Sequence[BeforeAfter], path: Path) -> None:
    """Write the Dice of every patient, and at last their mean.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["patient", "slices", "dice_before", "dice_after"],
        [
            *([row.patient, row.slices, row.before, row.after] for row in rows),
            ["mean", None, *_means(rows)],
        ],
        path,
    )


def before_after_lines(rows: Sequence[BeforeAfter], parent: str) -> list[str]:
    """The same for people, and whether the model got worse.

    Args:
        rows: Of every patient who judges.
        parent: Id of the model as it was.
    """
    lines = [
        f"{row.patient}  Dice {_change(row.before, row.after)}, {row.slices} slices" for row in rows
    ]
    before, after = _means(rows)
    mean = f"mean Dice {_change(before, after)}"
    if _worse(before, after):
        return [*lines, f"The new model is WORSE: {mean}. Stay with {parent}."]
    if worse := [row.patient for row in rows if _worse(row.before, row.after)]:
        return [*lines, f"The new model is not worse: {mean}; but it is for {', '.join(worse)}."]
    return [*lines, f"The new model is not worse: {mean}."]


def _change(before: float | None, after: float | None) -> str:
    return f"{score_text(before)} before, {score_text(after)} after"


def _worse(before: float | None, after: float | None) -> bool:
    return before is not None and (after is None or after < before)


def _means(rows: Sequence[BeforeAfter]) -> tuple[float | None, float | None]:
    return mean_and_sd([row.before for row in rows])[0], mean_and_sd([row.after for row in rows])[0]
