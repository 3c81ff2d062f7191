"""``slices.csv`` and ``groups.csv``: an evaluation slice by slice, and over groups of slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..engine.evaluation.groups import GROUP_MEASURES, group_scores
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.scores import ModelScores
from ..engine.text import score_text
from .tables import write_table


def write_slices_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model and slice.

    Columns: ``model``, ``patient``, ``slice``; ``tp``, ``fp``, ``fn``, ``tn``, numbers of pixels;
    ``dice``; ``true_rate`` and ``predicted_rate``, the infected share of the lungs, ``n/a`` without
    lungs.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        [
            *("model", "patient", "slice", "tp", "fp", "fn", "tn"),
            *("dice", "true_rate", "predicted_rate"),
        ],
        [
            [
                *(scores.model, patient, one.name),
                *(one.pixels.tp, one.pixels.fp, one.pixels.fn, one.pixels.tn),
                *(one.pixels.dice, one.true_rate, one.predicted_rate),
            ]
            for scores, counted in zip(evaluation.models, evaluation.counted, strict=True)
            for patient, slices in counted.items()
            for one in slices
        ],
        path,
    )


def write_groups_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model, group of infected slices and measure.

    Columns: ``model``; ``group``, ``infected``, ``A`` (less than 0.015 of the lungs) or ``B``;
    ``measure``; ``slices``; ``median``, ``quantile_25``, ``quantile_75``, ``mean`` and ``sd`` over
    slices.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        [
            *("model", "group", "measure", "slices"),
            *("median", "quantile_25", "quantile_75", "mean", "sd"),
        ],
        [
            [
                *(scores.model, one.group, one.measure, one.slices),
                *(one.median, one.lower, one.upper, one.mean, one.sd),
            ]
            for scores, groups in _groups(evaluation)
            for one in groups
        ],
        path,
    )


_TITLES = {
    "infected": "All infected slices",
    "A": "Less than 1.5 % of the lungs (A)",
    "B": "1.5 % or more (B)",
}


def groups_for_page(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the page: model, group, and for each measure ``median (25 %, 75 %)``."""
    rows = []
    for scores, groups in _groups(evaluation):
        for group, title in _TITLES.items():
            own = {one.measure: one for one in groups if one.group == group}
            if own:
                told = [
                    f"{score_text(one.median)} ({score_text(one.lower)}, {score_text(one.upper)})"
                    for one in (own[measure] for measure in GROUP_MEASURES)
                ]
                count = max(one.slices for one in own.values())
                rows.append({"model": scores.model, "group": title, "slices": count, "told": told})
    return rows


def _groups(evaluation: Evaluation) -> list[tuple[ModelScores, Any]]:
    return [
        (scores, group_scores([one for slices in counted.values() for one in slices]))
        for scores, counted in zip(evaluation.models, evaluation.counted, strict=False)
    ]
