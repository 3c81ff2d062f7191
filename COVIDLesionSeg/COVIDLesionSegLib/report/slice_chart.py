"""The report's chart of lesion along the lungs, as SVG."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..engine.labels import class_style
from ..engine.severity.report import SeverityReport
from ..engine.text import printable
from .figures import DARK, figure_style, named_legend, plain_axes, svg_element

_LESION, _LUNG = "#c62828", "#b9c6d2"
_PALE = 0.2
_LONGEST_NAME = 40


@figure_style()
def slice_chart_svg(severity: SeverityReport) -> str:
    """Share of lesion and areas of lung and lesion against the slice position, as an SVG element.

    Several lesion classes are stacked, each in the colour of its segment. A slice that is not
    segmented is a gap; a single one between two of these is a dot.

    Returns:
        ``<svg>...</svg>``; text stays text; equal slices give equal characters.
    """
    slices, classes = severity.slices, severity.classes
    positions = [slice_.position_mm for slice_ in slices]
    figure = Figure(figsize=(9.6, 3.5), layout="constrained")
    share, area = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))

    several = len(classes) > 1
    colors = [class_style(name).color if several else _LESION for name in classes]
    segmented = np.array([slice_.segmented for slice_ in slices])
    areas = np.array([[slice_.lesion_class_mm2[name] for slice_ in slices] for name in classes])
    areas = np.where(segmented, areas, np.nan)
    lung_areas = np.array([slice_.lung_mm2 for slice_ in slices])
    alpha = 1.0 if several else _PALE
    share.stackplot(positions, 100 * areas / lung_areas, colors=colors, alpha=alpha, linewidth=0)
    total = DARK if several else _LESION
    shares = [100 * slice_.ratio if slice_.segmented else np.nan for slice_ in slices]
    beside = np.r_[False, segmented[:-1]] | np.r_[segmented[1:], False]
    alone = np.flatnonzero(segmented & ~beside).tolist()
    share.plot(positions, shares, color=total, linewidth=1.6, marker=".", markevery=alone)
    share.set_ylabel("lesion, % of lung")

    lungs = area.fill_between(positions, lung_areas / 100, color=_LUNG, linewidth=0)
    lesions = area.stackplot(positions, areas / 100, colors=colors, linewidth=0)
    area.set_ylabel("area, cm²")
    area.set_xlabel("inferior   ←   slice position, mm   →   superior")

    names = ["lung", *(printable(name, _LONGEST_NAME) for name in classes)]
    named_legend(
        figure,
        [lungs, *lesions],
        names,
        loc="outside upper right",
        ncols=len(names),
        frameon=False,
        fontsize=8,
        labelcolor=DARK,
    )
    for axes in (share, area):
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
        plain_axes(axes)
    return svg_element(figure)
