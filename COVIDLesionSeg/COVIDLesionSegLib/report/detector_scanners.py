"""``scanners.png``: what a detector tells on each scanner, beside what the scanner alone tells."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ..engine.detection.evaluation import DetectorEvaluation
from ..engine.text import printable
from .figures import figure_style, named_legend, plain_axes, save_png

_WIDTH, _ROW, _FRAME, _DPI = 7.2, 0.34, 1.2, 110
_DETECTOR, _ALONE = "#1f6feb", "#c2410c"
_LONGEST_NAME = 40


@figure_style()
def write_scanners(evaluation: DetectorEvaluation, path: Path) -> None:
    """Sensitivity of every class on every scanner, with its 95 % interval, and that of the rule.

    The rule knows the scanner alone: 1 for the class that it calls all slices of the scanner, and 0
    for the others. A detector tells more than the scanner where it is above 0 for those, too.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [
        (scanner, class_)
        for scanner, scores in evaluation.scanners.items()
        for class_ in scores.classes.classes
        if class_.slices
    ]
    figure = Figure(figsize=(_WIDTH, _FRAME + _ROW * len(rows)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    places = range(len(rows))
    for place, (_, one) in zip(places, rows, strict=True):
        assert one.sensitivity_interval is not None  # the class has slices
        axes.plot(one.sensitivity_interval, [place] * 2, color=_DETECTOR, linewidth=1.6)
    sensitivities = [row.sensitivity or 0.0 for _, row in rows]  # never None, for the same reason
    (found,) = axes.plot(sensitivities, places, "o", color=_DETECTOR, markersize=6)
    alone = [float(evaluation.scanner_class[scanner] == row.name) for scanner, row in rows]
    (rule,) = axes.plot(alone, places, "D", color=_ALONE, fillstyle="none", markersize=9)
    axes.set(xlim=(-0.03, 1.03), ylim=(len(rows) - 0.5, -0.5), xlabel="sensitivity, 95 % interval")
    axes.set_yticks(
        places,
        [f"{printable(name, _LONGEST_NAME)}: {row.name}, n = {row.slices}" for name, row in rows],
    )
    named_legend(
        figure,
        [found, rule],
        ["detector", "rule that knows the scanner alone"],
        loc="outside upper right",
        ncols=2,
        frameon=False,
        fontsize=8,
    )
    save_png(figure, path, _DPI)
