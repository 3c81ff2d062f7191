"""Scores of a detector: table, JSON, and pictures of examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..engine.boxes import bounding_box
from ..engine.detection.evaluation import DetectorEvaluation, DetectorExample
from ..engine.detection.held_out import PROTOCOL, RULE_TEXTS, DetectorScores
from ..engine.metrics.decisions import CASE_RULE
from ..engine.metrics.overlap import Confusion
from ..engine.text import yes_or_no
from .decisions import ALL, decision_rows, write_decisions_csv
from .detector_scanners import write_scanners
from .figures import (
    FOOT_INCHES,
    black_figure,
    draw_box,
    figure_style,
    label,
    research_notice,
    save_png,
)
from .json_file import head, write_json
from .result_files import (
    DECISIONS_CSV,
    DETECTOR_FORMAT,
    DETECTOR_JSON,
    DETECTOR_PICTURE,
    DETECTOR_VERSION,
    SCANNERS_PICTURE,
    SCORES_CSV,
)
from .tables import write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL, _DPI = 2.6, 110
_FOUND, _TRUE = "#ffbf00", "#2fbf71"
_POOLED = "pooled"


def write_detector_scores(evaluation: DetectorEvaluation, folder: Path) -> None:
    """Write all files of :data:`~.result_files.DETECTOR_RESULT`; raises OutputError."""
    names = list(evaluation.pooled.values)
    write_table(
        ("patient", "scanner", "learned_from", "slices", "lesions", *names),
        [
            (patient, scanner, learned, one.slices, one.instances, *map(one.values.get, names))
            for patient, scanner, learned, one in _rows(evaluation)
        ],
        folder / SCORES_CSV,
    )
    by_group: dict[tuple[str, ...], Mapping[str, Confusion]] = {
        (name, ALL): scores.decisions for name, scores in evaluation.patients.items()
    }
    by_group |= {(ALL, name): scores.decisions for name, scores in evaluation.scanners.items()}
    rows = decision_rows(by_group, (ALL, ALL), evaluation.decisions)
    write_decisions_csv(("patient", "scanner"), rows, folder / DECISIONS_CSV)
    content = {
        **head(DETECTOR_FORMAT, DETECTOR_VERSION),
        "software": __version__,
        "model": evaluation.model,
        "classes": list(evaluation.classes),
        "protocol": PROTOCOL,
        "rules": RULE_TEXTS,
        "pooled": _content(evaluation.pooled),
        "patients": {
            name: {"learned_from": evaluation.learned_from[name], **_content(scores)}
            for name, scores in evaluation.patients.items()
        },
        "scanners": {name: _content(scores) for name, scores in evaluation.scanners.items()},
        "scanner_alone": evaluation.scanner_alone and asdict(evaluation.scanner_alone),
        "cases": {
            rule: asdict(agreement.cases) for rule, agreement in evaluation.decisions.items()
        },
        "case_rule": CASE_RULE,
    }
    write_json(content, folder / DETECTOR_JSON)
    write_examples(evaluation, folder / DETECTOR_PICTURE)
    if evaluation.scanners:
        write_scanners(evaluation, folder / SCANNERS_PICTURE)


def _rows(
    evaluation: DetectorEvaluation,
) -> Iterator[tuple[str, str, str | None, DetectorScores]]:
    """Patient, scanner, whether it was learned from, and scores; of all together first."""
    yield _POOLED, ALL, None, evaluation.pooled
    for name, scores in evaluation.patients.items():
        yield name, ALL, yes_or_no(evaluation.learned_from[name]), scores
    for name, scanner_scores in evaluation.scanners.items():
        yield _POOLED, name, None, scanner_scores


def _content(scores: DetectorScores) -> dict[str, Any]:
    return {
        "slices": scores.slices,
        "lesions": scores.instances,
        "average_precision": {
            rule: asdict(precision) for rule, precision in scores.precision.items()
        },
        "classes": asdict(scores.classes),
        "decisions": {rule: asdict(agreement) for rule, agreement in scores.decisions.items()},
    }


@figure_style()
def write_examples(evaluation: DetectorEvaluation, path: Path) -> None:
    """A row for each example: boxes with scores, mask probability, truth, and the affinities Y."""
    examples = evaluation.examples
    height = len(examples) * _CELL + FOOT_INCHES
    figure = black_figure(4 * _CELL, height)
    for row, one in enumerate(examples):
        bottom = (height - (row + 1) * _CELL) / height
        cells = [
            figure.add_axes((column / 4 + 0.003, bottom, 0.244, (_CELL - 0.06) / height))
            for column in range(4)
        ]
        for axes in cells:
            axes.set_axis_off()
        _draw_found(cells[0], one, evaluation.classes)
        cells[1].imshow(one.found.probability, cmap="inferno", vmin=0, vmax=1)
        label(cells[1], "mask probability", 7)
        cells[2].imshow(one.unit, cmap="gray", vmin=0, vmax=1)
        if one.truth.any():
            cells[2].contour(one.truth, levels=[0.5], colors=[_TRUE], linewidths=0.9)
        label(cells[2], "expert", 7)
        largest = float(np.abs(one.found.affinities).max()) or 1.0
        cells[3].imshow(
            one.found.affinities,
            "seismic",
            aspect="auto",
            interpolation="nearest",
            vmin=-largest,
            vmax=largest,
        )
        label(cells[3], "affinities Y: rows C*, columns channels", 7)
    research_notice(figure)
    save_png(figure, path, _DPI)


def _draw_found(axes: Axes, one: DetectorExample, classes: tuple[str, ...]) -> None:
    axes.imshow(one.unit, cmap="gray", vmin=0, vmax=1)
    for score, mask in zip(one.found.scores, one.found.masks, strict=True):
        box = bounding_box(mask)
        if box is None:
            continue
        draw_box(axes, box, _FOUND, 1.0)
        rows, columns = box
        corner = (columns.start - 0.5, rows.start - 0.5)
        axes.text(*corner, f"{score:.2f}", color=_FOUND, fontsize=6, va="bottom")
    found = one.found.slice_class
    label(axes, f"{one.name}: {classes[found]} {one.found.class_probabilities[found]:.2f}", 7)
