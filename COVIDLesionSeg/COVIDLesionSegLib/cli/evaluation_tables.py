"""``scores.csv`` and ``evaluation.json``: every score of an evaluation, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .. import RESEARCH_USE_NOTICE
from ..engine.evaluation.measures import MEASURES
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.scores import ModelScores
from .csv_table import UNDEFINED, write_table
from .result_names import EVALUATION_FORMAT, EVALUATION_VERSION


def write_scores_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model and patient, then five over all patients.

    Columns: ``model``; ``row``: ``patient``, or over all ``pooled``, ``interval_low`` and
    ``interval_high`` of Wilson's 95 % confidence interval, ``mean`` and ``sd``; ``patient``;
    ``slices``; ``learned_from``; and each measure by its key. What is undefined is ``n/a``.
    """
    keys = [measure.key for measure in MEASURES]
    write_table(
        ["model", "row", "patient", "slices", "learned_from", *keys],
        [
            [scores.model, *named, *(values[key] for key in keys)]
            for scores in evaluation.models
            for *named, values in _rows(scores)
        ],
        path,
    )


def _rows(scores: ModelScores) -> Iterator[tuple[str, str, int, str, dict[str, float | None]]]:
    for patient, one in scores.patients.items():
        yield "patient", patient, one.slices, yes_or_no(one.learned_from), one.values
    for row, values in (
        ("pooled", scores.pooled),
        ("interval_low", {key: one and one[0] for key, one in scores.intervals.items()}),
        ("interval_high", {key: one and one[1] for key, one in scores.intervals.items()}),
        ("mean", scores.means),
        ("sd", scores.sds),
    ):
        yield row, "all", scores.slices, UNDEFINED, values


def write_evaluation_json(evaluation: Evaluation, path: Path) -> None:
    """Write the same scores with their protocol and provenance; what is undefined is null."""
    content = {
        "format": EVALUATION_FORMAT,
        "version": EVALUATION_VERSION,
        "research_use_notice": RESEARCH_USE_NOTICE,
        "protocol": evaluation.protocol,
        "distances_in": evaluation.unit,
        "slices": evaluation.slices,
        "measures": measure_titles(evaluation),
        "models": [asdict(scores) for scores in evaluation.models],
        "provenance": evaluation.provenance,
    }
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def measure_titles(evaluation: Evaluation) -> dict[str, str]:
    """Every measure's title, by its key."""
    return {measure.key: measure.title.format(unit=evaluation.unit) for measure in MEASURES}


def yes_or_no(answer: bool | None) -> str:
    """``yes``, ``no``, or ``n/a`` where it is not known."""
    return UNDEFINED if answer is None else ("no", "yes")[answer]
