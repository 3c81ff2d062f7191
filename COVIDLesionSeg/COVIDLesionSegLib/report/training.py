"""What a training leaves for people: learning curve, scores before and after, levels, folds."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from ..engine.metrics.overlap import mean_and_sd
from ..engine.models.retrained import CURVE_CSV
from ..engine.self_training.confidence import Candidate
from ..engine.text import score_text
from ..engine.training.export import PatientResult
from .figures import DARK, GRID, figure_style, save_png
from .tables import write_table

if TYPE_CHECKING:
    from ..engine.self_training.self_learning import SelfLearned
    from ..engine.training.cross_validation import Member

CURVES_PICTURE = "curves.png"

_PANELS = (
    ("loss", {"loss": ("training", "#b9c6d2"), "validation_loss": ("validation", "#c62828")}),
    ("validation Dice", {"validation_dice": ("validation", "#c62828")}),
    ("learning rate", {"learning_rate": ("learning rate", DARK)}),
)


@figure_style()
def write_curves(folder: Path) -> None:
    """Draw the columns of a training's ``metrics.csv`` against steps, beside it.

    Raises:
        OutputError: The picture cannot be written.
    """
    with (folder / CURVE_CSV).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(8.0, 7.0), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    for axes, (title, lines) in zip(panels, _PANELS, strict=True):
        for column, (label, color) in lines.items():
            known = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
            if known:
                axes.plot(*zip(*known, strict=True), color=color, label=label, marker=".")
        if len(axes.lines) > 1:
            axes.legend(frameon=False, fontsize=8, labelcolor=DARK)
        axes.set_ylabel(title)
        axes.set_ylim(bottom=0)
        axes.grid(color=GRID, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=DARK, labelsize=8)
    panels[-1].set_xlabel("optimiser steps")
    save_png(figure, folder / CURVES_PICTURE, dpi=120)


@dataclass(frozen=True)
class BeforeAfter:
    """Dice of a held-out patient before and after fine-tuning; None where undefined."""

    patient: str
    slices: int
    before: float | None
    after: float | None


def before_and_after(
    before: Mapping[str, PatientResult], after: Mapping[str, PatientResult]
) -> list[BeforeAfter]:
    """One row for each patient of ``before``."""
    return [
        BeforeAfter(patient, scores.slices, scores.values["dice"], after[patient].values["dice"])
        for patient, scores in before.items()
    ]


def write_candidates(candidates: Iterable[Candidate], measure: str, path: Path) -> None:
    """Write every predicted slice; without lesion its confidence is ``n/a``.

    Args:
        candidates: In the data's order.
        measure: What the confidence is.
        path: A file ``.csv``.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["name", "patient", "measure", "confidence", "lesion_pixels", "verdict"],
        [
            [c.name, c.patient, measure, c.confidence, c.lesion_pixels, c.outcome]
            for c in candidates
        ],
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
        rows: Rows of every held-out patient.
        parent: Id of the model as it was.
    """
    lines = [
        f"{row.patient}  Dice {_change(row.before, row.after)}, {row.slices} slices" for row in rows
    ]
    before, after = _means(rows)
    mean = f"mean Dice {_change(before, after)}"
    if before is not None and after is not None and after < before:
        return [*lines, f"The new model is WORSE: {mean}. Stay with {parent}."]
    if worse := [row.patient for row in rows if _worse(row)]:
        return [*lines, f"The new model is not worse: {mean}; but it is for {', '.join(worse)}."]
    return [*lines, f"The new model is not worse: {mean}."]


def _change(before: float | None, after: float | None) -> str:
    return f"{score_text(before)} before, {score_text(after)} after"


def _worse(row: BeforeAfter) -> bool:
    """Dice is undefined where neither truth nor prediction hold lesion: both are right then."""
    return row.after is not None and (row.before is None or row.after < row.before)


def _means(rows: Sequence[BeforeAfter]) -> tuple[float | None, float | None]:
    """Both over the same patients: those where Dice is defined before and after."""
    both = [row for row in rows if row.before is not None and row.after is not None]
    return mean_and_sd([row.before for row in both])[0], mean_and_sd([row.after for row in both])[0]


def write_levels(learned: SelfLearned, path: Path) -> None:
    """Write a row for each level of recursive self-learning, as Table 15 of the DRSegUNet thesis.

    Columns: ``level``, ``validation_dice``, ``frozen_parameters``, and ``kept``, which is ``yes``
    for the level whose network became the model.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["level", "validation_dice", "frozen_parameters", "kept"],
        [
            [
                level.number,
                level.dice,
                level.frozen_parameters,
                "yes" if level.number == learned.best else "no",
            ]
            for level in learned.levels
        ],
        path,
    )


@dataclass(frozen=True)
class HeldOutScore:
    """Dice of a held-out patient by the model that was not trained on them; or mean or sd of all.

    Attributes:
        model: Id of the fold's model; None for mean and sd.
        patient: Its id, ``"mean"`` or ``"sd"``.
        slices: Of the patient; None for mean and sd.
        dice: None where it is undefined.
    """

    model: str | None
    patient: str
    slices: int | None
    dice: float | None


def cross_validation_scores(members: Iterable[Member]) -> list[HeldOutScore]:
    """Every held-out patient's Dice, as Table 2 of the EAMC paper; then mean and sd."""
    scores = [
        HeldOutScore(member.model, patient, of_patient.slices, of_patient.values["dice"])
        for member in members
        for patient, of_patient in member.patients.items()
    ]
    mean, sd = mean_and_sd([score.dice for score in scores])
    return [*scores, HeldOutScore(None, "mean", None, mean), HeldOutScore(None, "sd", None, sd)]


def write_cross_validation(members: Iterable[Member], path: Path) -> None:
    """Write :func:`cross_validation_scores`.

    Columns: ``model``, ``patient``, ``slices``, ``dice``.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["model", "patient", "slices", "dice"],
        [
            [score.model, score.patient, score.slices, score.dice]
            for score in cross_validation_scores(members)
        ],
        path,
    )


def cross_validation_lines(members: Iterable[Member]) -> list[str]:
    """The same for people."""
    return [
        f"Dice {score_text(score.dice)}  {score.patient}"
        for score in cross_validation_scores(members)
    ]
