"""The charts of an evaluation's page, as SVG: agreement, slices one by one, Dice by threshold.

They show what ``slices.csv``, ``limits-of-agreement.csv`` and ``thresholds.csv`` hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ..engine.evaluation.counts import SliceCount
from ..engine.evaluation.examples import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from ..engine.evaluation.limits_of_agreement import (
    LimitsOfAgreement,
    Pairs,
    limits_of_agreement,
    rate_pairs,
    volume_pairs,
)
from ..engine.evaluation.run import Evaluation
from ..engine.text import printable, score_text
from .figures import DARK, GRID, figure_style, named_legend, plain_axes, svg_element

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

RATE, VOLUME = "infection rate of slices, %", "volume of lesion of CTs, ml"
"""What is compared with the expert."""
_COLORS = ("#c62828", "#2e8fcf", "#2aa866", "#8a5a00", "#7b4fa3", "#46525e")
_LINE = "#c62828"
_LONGEST_NAME = 48


def compared(evaluation: Evaluation) -> list[tuple[str, str, Pairs, LimitsOfAgreement]]:
    """For each model and quantity: the model, the quantity, its pairs, and how they agree."""
    found = []
    for scores, counted in zip(evaluation.models, evaluation.counted, strict=False):
        rates = [
            (100 * true, 100 * predicted)
            for true, predicted in rate_pairs([one for of in counted.values() for one in of])
        ]
        for quantity, pairs in ((RATE, rates), (VOLUME, volume_pairs(counted))):
            if pairs:
                found.append((scores.model, quantity, pairs, limits_of_agreement(pairs)))
    return found


@figure_style()
def agreement_svg(model: str, quantity: str, pairs: Pairs, found: LimitsOfAgreement) -> str:
    """The model against the expert (COVID-Rate, Figure 12), and their differences (Bland, Altman).

    Returns:
        ``<svg>...</svg>``.
    """
    true, predicted = np.array(pairs).T
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    against, apart = figure.subplots(1, 2)
    most = max(true.max(), predicted.max(), 1e-9) * 1.05
    against.plot([0, most], [0, most], color=GRID, linewidth=1.2)
    against.scatter(true, predicted, s=10, color=_LINE, alpha=0.5, linewidths=0)
    against.set(xlim=(0, most), ylim=(0, most), xlabel=f"expert: {quantity}", ylabel="model")
    against.set_title(
        f"n {found.count}, Pearson {score_text(found.pearson)}, R² {score_text(found.r_squared)}",
        fontsize=8.5,
        color=DARK,
    )
    apart.scatter((true + predicted) / 2, predicted - true, s=10, color=_LINE, alpha=0.5)
    for value, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
        if value is not None:
            apart.axhline(value, color=DARK, linewidth=1, linestyle=style)
    apart.set(xlabel="mean of expert and model", ylabel="model less expert")
    apart.set_title(
        f"bias {score_text(found.bias)}, limits of agreement {score_text(found.lower)} to "
        f"{score_text(found.upper)}",
        fontsize=8.5,
        color=DARK,
    )
    for axes in (against, apart):
        plain_axes(axes)
    figure.suptitle(printable(model, _LONGEST_NAME), fontsize=9.5, color=DARK, x=0.01, ha="left")
    return svg_element(figure)


@figure_style()
def slices_svg(model: str, counted: dict[str, list[SliceCount]]) -> str:
    """Pixels found, missed and found wrongly in every slice (EAMC, Figures 8 and 9), and its Dice.

    Args:
        model: Its name.
        counted: The slices of every patient, in their order.

    Returns:
        ``<svg>...</svg>``.
    """
    slices = [one for of_patient in counted.values() for one in of_patient]
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    pixels, dice = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    numbers = np.arange(len(slices) + 1)
    found, missed, wrong = (
        np.array([getattr(slice_.pixels, name) for slice_ in slices]) for name in ("tp", "fn", "fp")
    )
    bars = [
        _bars(pixels, numbers, np.zeros_like(found), found, TRUE_POSITIVE),
        _bars(pixels, numbers, found, found + missed, FALSE_NEGATIVE),
        _bars(pixels, numbers, np.zeros_like(wrong), -wrong, FALSE_POSITIVE),
    ]
    pixels.axhline(0, color=DARK, linewidth=0.8)
    pixels.set_ylabel("pixels")
    pixels.ticklabel_format(axis="y", style="plain")
    values = [(number + 0.5, slice_.pixels.dice) for number, slice_ in enumerate(slices)]
    known = [(place, value) for place, value in values if value is not None]
    if known:
        dice.plot(*zip(*known, strict=True), ".", color=_LINE, markersize=3)
    dice.set(ylim=(0, 1.02), ylabel="Dice", xlabel="slices, patient after patient")
    for edge in [*accumulate(map(len, counted.values()))][:-1]:
        for axes in (pixels, dice):
            axes.axvline(edge, color=GRID, linewidth=1)
    for axes in (pixels, dice):
        axes.set_xlim(0, max(len(slices), 1))
        plain_axes(axes)
    named_legend(
        figure,
        bars,
        ("found", "missed", "found wrongly"),
        loc="outside upper right",
        ncols=3,
        frameon=False,
        fontsize=8,
        labelcolor=DARK,
    )
    figure.suptitle(printable(model, _LONGEST_NAME), fontsize=9.5, color=DARK, x=0.01, ha="left")
    return svg_element(figure)


def _bars(
    axes: Axes,
    numbers: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    color: tuple[int, int, int],
) -> Artist:
    """Bars from start to end, as one shape: a page of thousands of bars could not be opened."""
    low, high = (np.append(one, one[-1:]) for one in (start, end))
    return axes.fill_between(
        numbers, low, high, step="post", color=np.array(color) / 255, linewidth=0
    )


@figure_style()
def thresholds_svg(
    models: Sequence[str],
    curves: Sequence[dict[float, float | None]],
    used: float,
    reported: Sequence[float | None],
) -> str:
    """Dice of all pixels by the probability above which they are called lesion.

    Args:
        models: Their names.
        curves: For each model Dice by threshold.
        used: The threshold of the evaluation.
        reported: For each model the Dice of the evaluation, which is a point of the chart: small
            areas are left out of it.

    Returns:
        ``<svg>...</svg>``.
    """
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    axes = figure.subplots()
    lines = []
    for number, (curve, dice) in enumerate(zip(curves, reported, strict=True)):
        known = {threshold: value for threshold, value in curve.items() if value is not None}
        color = _COLORS[number % len(_COLORS)]
        lines += axes.plot([*known], [*known.values()], color=color, linewidth=1.6)
        if dice is not None:
            axes.plot([used], [dice], "o", color=color, markersize=5)
    axes.axvline(used, color=DARK, linewidth=1, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold of the probability", ylabel="Dice")
    plain_axes(axes)
    named_legend(
        figure,
        lines,
        [printable(model, _LONGEST_NAME) for model in models],
        loc="outside right upper",
        frameon=False,
        fontsize=8,
        labelcolor=DARK,
    )
    return svg_element(figure)
