"""The chart of lesions over several studies of one patient, as SVG."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ..engine.followup.compare import Comparison
from ..engine.labels import BOTH_LUNGS, class_style
from ..engine.text import printable
from .figures import DARK, figure_style, named_legend, plain_axes, save_png, svg_element

_LESION, _RIGHT, _LEFT = "#c62828", "#2e8fcf", "#2aa866"
_LONGEST_NAME, _DPI = 40, 110


@figure_style()
def write_trend_picture(comparison: Comparison, path: Path) -> None:
    """Write the chart as a PNG picture; equal comparisons give equal files.

    Raises:
        OutputError: The file cannot be written.
    """
    save_png(_figure(comparison), path, _DPI)


@figure_style()
def trend_chart_svg(comparison: Comparison) -> str:
    """The chart as ``<svg>...</svg>``; equal comparisons give equal characters."""
    return svg_element(_figure(comparison))


def _figure(comparison: Comparison) -> Figure:
    """Lesion volume by class, and infected share of each lung, against day or number of study.

    Days are taken only where every study has one. A study has no bar of a class that it does not
    know.
    """
    studies = comparison.studies
    days = [study.day for study in studies]
    known = [day for day in days if day is not None]
    by_day = len(known) == len(days) and len(set(known)) == len(days)
    places = [float(day) for day in known] if by_day else [float(n + 1) for n in range(len(days))]
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    volume, share = figure.subplots(1, 2)

    both = [study.region(BOTH_LUNGS) for study in studies]
    classes = list(dict.fromkeys(name for one in both for name in one.lesion_class_ml))
    width = 0.5 * min(b - a for a, b in zip(places, places[1:], strict=False))
    bottom = [0.0] * len(both)
    bars = []
    for name in classes:
        heights = [one.lesion_class_ml.get(name, 0.0) for one in both]
        color = class_style(name).color if len(classes) > 1 else _LESION
        bars.append(volume.bar(places, heights, width, bottom=bottom, color=color))
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    volume.set_ylabel("lesions, ml")

    lines = []
    sides = (("right lung", _RIGHT), ("left lung", _LEFT), (BOTH_LUNGS, DARK))
    for region, color in sides:
        ratios = [study.region(region).ratio for study in studies]
        shown = [None if ratio is None else 100 * ratio for ratio in ratios]
        heights = [float("nan") if one is None else one for one in shown]
        lines += share.plot(places, heights, color=color, linewidth=1.6, marker="o", markersize=4)
    share.set_ylabel("lesion, % of lung")

    style = {"loc": "best", "frameon": False, "fontsize": 8, "labelcolor": DARK}
    named_legend(volume, bars, [printable(name, _LONGEST_NAME) for name in classes], **style)
    named_legend(share, lines, [region for region, _ in sides], **style)
    for axes in (volume, share):
        axes.set_ylim(bottom=0)
        axes.set_xlabel("days from the first study" if by_day else "study")
        axes.set_xticks(places)
        plain_axes(axes)
    return figure
