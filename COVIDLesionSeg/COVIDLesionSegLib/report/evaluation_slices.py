"""An evaluation slice by slice, over groups of slices, beside the expert, and by threshold.

``slices.csv``, ``groups.csv``, ``limits-of-agreement.csv`` and ``thresholds.csv``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..engine.evaluation.counts import SliceCount
from ..engine.evaluation.examples import MOST_PATIENTS
from ..engine.evaluation.groups import GROUP_MEASURES, group_scores
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.scores import ModelScores
from ..engine.metrics.infection import Involvement
from ..engine.text import score_text
from .evaluation_charts import compared
from .tables import write_table


def write_slices_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model and slice.

    Columns: ``model``, ``patient``, ``slice``; ``tp``, ``fp``, ``fn``, ``tn``, numbers of pixels;
    ``dice``; ``true_rate`` and ``predicted_rate``, the infected share of the lungs, ``n/a`` without
    lungs; ``true_side`` and ``predicted_side``, which lung is involved, and ``true_side_rate`` and
    ``predicted_side_rate``, the infected share of that lung, or of both where both are involved:
    ``n/a`` where right and left are not told apart.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        [
            *("model", "patient", "slice", "tp", "fp", "fn", "tn"),
            *("dice", "true_rate", "predicted_rate"),
            *("true_side", "predicted_side", "true_side_rate", "predicted_side_rate"),
        ],
        [
            [
                *(scores.model, patient, slice_.name),
                *(slice_.pixels.tp, slice_.pixels.fp, slice_.pixels.fn, slice_.pixels.tn),
                *(slice_.pixels.dice, slice_.true_rate, slice_.predicted_rate),
                *(side and side.side for side in _sides(slice_)),
                *(side and side.rate for side in _sides(slice_)),
            ]
            for scores, counted in zip(evaluation.models, evaluation.counted, strict=True)
            for patient, slices in counted.items()
            for slice_ in slices
        ],
        path,
    )


def _sides(one: SliceCount) -> tuple[Involvement | None, Involvement | None]:
    return one.true_involvement, one.predicted_involvement


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
                *(scores.model, group.group, group.measure, group.slices),
                *(group.median, group.lower, group.upper, group.mean, group.sd),
            ]
            for scores, groups in _groups(evaluation)
            for group in groups
        ],
        path,
    )


def write_limits_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model and quantity that is compared with the expert's.

    Columns: ``model``; ``quantity``; ``n``, its pairs; ``pearson``; ``r_squared``; ``bias``, the
    model's less the expert's; ``lower_limit`` and ``upper_limit`` of agreement.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        [
            *("model", "quantity", "n", "pearson", "r_squared"),
            *("bias", "lower_limit", "upper_limit"),
        ],
        [
            [
                *(model, quantity, found.count, found.pearson, found.r_squared),
                *(found.bias, found.lower, found.upper),
            ]
            for model, quantity, _, found in compared(evaluation)
        ],
        path,
    )


def write_thresholds_csv(evaluation: Evaluation, path: Path) -> None:
    """Write Dice of all pixels by the probability above which they would be called lesion.

    Columns: ``model``; ``threshold`` of the mean probability; ``dice``, before small areas are left
    out. A model that decides in another way, such as by a majority of votes, has no rows.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(
        ["model", "threshold", "dice"],
        [
            [scores.model, threshold, dice]
            for scores, curve in zip(evaluation.models, evaluation.threshold_dice, strict=True)
            for threshold, dice in curve.items()
        ],
        path,
    )


_SLICES_OF_PATIENT = 2
"""As many as EAMC's Table 5 has of each data set."""
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


def rates_for_page(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the page, as EAMC's Table 5: the infected share of slices beside the truth.

    Of each of the first patients the slices with the largest infected share by the expert; none
    where the lungs are not known.
    """
    rows = []
    patients = list(evaluation.slices) if evaluation.counted else []
    for patient in patients[:MOST_PATIENTS]:
        of_models = [counted[patient] for counted in evaluation.counted]
        shares = [counted.true_rate if counted.infected else None for counted in of_models[0]]
        known = [number for number, share in enumerate(shares) if share is not None]
        known.sort(key=lambda number: -(shares[number] or 0.0))
        rows += [
            {
                "patient": patient,
                "slice": of_models[0][number].name,
                "truth": shares[number],
                "found": [slices[number].predicted_rate for slices in of_models],
            }
            for number in known[:_SLICES_OF_PATIENT]
        ]
    return rows


def _groups(evaluation: Evaluation) -> list[tuple[ModelScores, Any]]:
    return [
        (scores, group_scores([slice_ for slices in counted.values() for slice_ in slices]))
        for scores, counted in zip(evaluation.models, evaluation.counted, strict=False)
    ]
