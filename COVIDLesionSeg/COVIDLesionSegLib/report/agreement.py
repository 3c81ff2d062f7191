"""Files of a comparison of severity with a reader: tables, JSON, page and confusion matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import RESEARCH_USE_NOTICE
from ..engine.evaluation.reader_agreement import (
    BOOTSTRAP_SAMPLES,
    CATEGORY_MEASURES,
    KAPPAS,
    MOST_UNDEFINED,
    Agreement,
    ReaderAgreement,
    ScoreWithInterval,
)
from ..engine.severity.categories import CATEGORIES
from ..engine.text import interval_text, percent, score_text
from .figures import figure_style, save_png
from .html_page import data_uri, write_page
from .json_file import head, write_json
from .result_files import (
    AGREEMENT_CSV,
    AGREEMENT_FORMAT,
    AGREEMENT_HTML,
    AGREEMENT_JSON,
    AGREEMENT_VERSION,
    CONFUSION_CSV,
    CONFUSION_PICTURE,
    SCORES_CSV,
)
from .tables import write_table

_PANEL_INCHES, _HEIGHT_INCHES, _DPI = 3.7, 4.1, 120
_INK, _MUTED = "#17222d", "#5b6875"
_DARK = 0.55
"""Share of a row from which on its cell is dark, and the text in it white."""
_OVERALL = {"accuracy": "Same category", "within_one": "Same or next category", **KAPPAS}


def write_agreement(agreement: Agreement, folder: Path) -> None:
    """Write every file of the result folder.

    ``agreement.csv`` has one row for each case of either table: ``case``; ``reader``; one column by
    rule; ``compared``, ``yes`` or why not. ``confusion.csv``: ``rule``, ``reader``, ``software``,
    ``cases``. ``scores.csv``: ``rule``; ``category``, or ``all``; ``score``; ``value``; ``low`` and
    ``high`` of the 95 % interval; ``cases`` of the reader. What is undefined is ``n/a``.

    Raises:
        OutputError: A file cannot be written.
    """
    rules = [rule.rule for rule in agreement.rules]
    why_not = {case: why for names, why in _left_out(agreement) for case in names}
    write_table(
        ["case", "reader", *rules, "compared"],
        [
            [one.case, one.reader, *(one.software[rule] for rule in rules), compared]
            for one in sorted((*agreement.cases, *agreement.others), key=lambda one: one.case)
            if (compared := why_not.get(one.case) or ("yes" if one.graded_by_software else _FAILED))
        ],
        folder / AGREEMENT_CSV,
    )
    write_table(
        ["rule", "reader", "software", "cases"],
        [
            [rule.rule, reader, software, count]
            for rule in agreement.rules
            for reader, row in zip(CATEGORIES, rule.matrix, strict=True)
            for software, count in zip(CATEGORIES, row, strict=True)
        ],
        folder / CONFUSION_CSV,
    )
    write_table(
        ["rule", "category", "score", "value", "low", "high", "cases"],
        [row for rule in agreement.rules for row in _score_rows(rule)],
        folder / SCORES_CSV,
    )
    content = {
        **head(AGREEMENT_FORMAT, AGREEMENT_VERSION),
        "categories": list(CATEGORIES),
        "scores": {**_OVERALL, **CATEGORY_MEASURES},
        "intervals": _HOW,
        **asdict(agreement),
    }
    write_json(content, folder / AGREEMENT_JSON)
    _write_matrices(agreement, folder / CONFUSION_PICTURE)
    write_page(
        "agreement_template.html",
        folder / AGREEMENT_HTML,
        agreement=agreement,
        categories=CATEGORIES,
        measures=CATEGORY_MEASURES,
        overall={
            rule.rule: [(title, told(_overall(rule)[key])) for key, title in _OVERALL.items()]
            for rule in agreement.rules
        },
        left_out=[(names, why) for names, why in _left_out(agreement) if names],
        told=told,
        score=score_text,
        how=_HOW,
        picture=data_uri((folder / CONFUSION_PICTURE).read_bytes()),
    )


_FAILED = "not graded by the software"
_HOW = (
    "95 % confidence intervals: of proportions Wilson's; of F1 and kappa the percentiles of "
    f"{BOOTSTRAP_SAMPLES} bootstrap samples of the cases, and none where more than "
    f"{percent(MOST_UNDEFINED)} of the samples leave the score undefined. Each case counts as one "
    "patient."
)


def told(score: ScoreWithInterval) -> str:
    """``0.843 (0.790 to 0.884)``."""
    return interval_text(score.value, score.interval)


def _left_out(agreement: Agreement) -> Iterator[tuple[tuple[str, ...], str]]:
    yield agreement.only_reader, "not in the software's table"
    yield agreement.only_software, "not in the reader's table"
    yield agreement.reader_not_graded, "not graded by the reader"


def _overall(rule: ReaderAgreement) -> dict[str, ScoreWithInterval]:
    return {"accuracy": rule.accuracy, "within_one": rule.within_one, **rule.kappas}


def _score_rows(rule: ReaderAgreement) -> Iterator[list[object]]:
    for key, score in _overall(rule).items():
        yield [rule.rule, "all", key, score.value, *(score.interval or (None, None)), rule.cases]
    for category in rule.categories:
        for key, score in category.scores.items():
            ends = score.interval or (None, None)
            yield [rule.rule, category.category, key, score.value, *ends, category.cases]
    for key, value in rule.average.items():
        yield [rule.rule, "average", key, value, None, None, rule.cases]


@figure_style()
def _write_matrices(agreement: Agreement, path: Path) -> None:
    """A confusion matrix by rule, as the cascade paper's Figure 8: cases, and share of the row."""
    rules = agreement.rules
    width = max(_PANEL_INCHES * len(rules), 2 * _PANEL_INCHES)
    figure = Figure(figsize=(width, _HEIGHT_INCHES), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.supxlabel("Category by the software", fontsize=9, color=_INK)
    figure.supylabel("Category by the reader", fontsize=9, color=_INK)
    figure.suptitle(RESEARCH_USE_NOTICE, fontsize=7, color=_MUTED)
    for axes, rule in zip(figure.subplots(1, len(rules), squeeze=False)[0], rules, strict=True):
        counts = np.array(rule.matrix)
        rows = counts.sum(axis=1, keepdims=True)
        shares = counts / np.maximum(rows, 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(rule.title.replace(" (", "\n("), fontsize=8, color=_INK)
        axes.set_xticks(range(len(CATEGORIES)), CATEGORIES, fontsize=8, color=_INK)
        axes.set_yticks(range(len(CATEGORIES)), CATEGORIES, fontsize=8, color=_INK)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for (row, column), count in np.ndenumerate(counts):
            text = f"{count}\n{percent(shares[row, column])}" if rows[row, 0] else "0"
            color = "white" if shares[row, column] > _DARK else _INK
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=color)
    save_png(figure, path, _DPI)
