"""The report's chart of lesion along the lungs, as SVG."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..engine.severity.report import SliceSeverity

_INK, _GRID = "#46525e", "#e3e8ed"
_LESION, _LUNG = "#c62828", "#b9c6d2"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def slice_chart_svg(slices: tuple[SliceSeverity, ...]) -> str:
    """Share of lesion and areas of lung and lesion against the slice position, as an SVG element.

    Args:
        slices: Every slice with lung, inferior to superior.

    Returns:
        ``<svg>...</svg>``; text stays text; equal slices give equal characters.
    """
    positions = [one.position_mm for one in slices]
    figure = Figure(figsize=(9.6, 3.3), layout="constrained")
    share, area = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))

    share.fill_between(positions, [100 * one.ratio for one in slices], color=_LESION, alpha=0.2)
    share.plot(positions, [100 * one.ratio for one in slices], color=_LESION, linewidth=1.6)
    share.set_ylabel("lesion, % of lung")

    for label, values, color in (
        ("lung", [one.lung_mm2 / 100 for one in slices], _LUNG),
        ("lesion", [one.lesion_mm2 / 100 for one in slices], _LESION),
    ):
        area.fill_between(positions, values, color=color, linewidth=0, label=label)
    area.set_ylabel("area, cm²")
    area.legend(loc="upper right", ncols=2, frameon=False, fontsize=8, labelcolor=_INK)
    area.set_xlabel("inferior   ←   slice position, mm   →   superior")

    for axes in (share, area):
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
        axes.grid(color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_GRID)
        axes.tick_params(colors=_INK, labelsize=8, length=0)
        axes.yaxis.label.set(color=_INK, fontsize=8.5)
        axes.xaxis.label.set(color=_INK, fontsize=8.5)
    return _svg_element(figure)


def _svg_element(figure: Figure) -> str:
    buffer = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "covid-lesion-seg"}
    with matplotlib.rc_context(settings):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=_NO_METADATA)
    svg = buffer.getvalue()
    # An SVG within HTML has no XML declaration and no document type of its own.
    return svg[svg.index("<svg") :]
