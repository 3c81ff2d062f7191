"""``examples.png``: synthetic slices beside the two slices that each was made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import RESEARCH_USE_NOTICE
from ..engine.synthesis.synthesize import Synthesis
from ..engine.wording import percent
from .slices_figure import LUNG_WINDOW_HU, lung_window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..engine.data.labelled import LabelledImage

_ROWS = 6
_CELL_INCHES = 2.6
_HEAD_INCHES, _FOOT_INCHES, _TITLE_INCHES = 0.35, 0.3, 0.22
_DPI = 100
_PIXELS = (1.0, 1.0, 1.0)  # their size in mm is not known
_INK, _PALE, _LESION_COLOR = "#f2f4f6", "#aab4be", "#ff4d4d"


def write_synthesis_figure(synthesis: Synthesis, path: Path) -> None:
    """Draw up to six of the slices, spread over all, as in Figure 13 of the COVID-Rate paper.

    From left to right: the slice that gave the lesion, the healthy one, the synthetic one. Lesions
    are outlined in red.

    Args:
        synthesis: Of at least one slice.
        path: PNG file.
    """
    count = min(_ROWS, len(synthesis.slices))
    shown = [
        synthesis.slices[n] for n in np.linspace(0, len(synthesis.slices) - 1, count, dtype=int)
    ]
    width = 3 * _CELL_INCHES
    height = count * (_CELL_INCHES + _TITLE_INCHES) + _HEAD_INCHES + _FOOT_INCHES
    figure = Figure(figsize=(width, height), facecolor="black")
    canvas = FigureCanvasAgg(figure)
    for row, one in enumerate(shown):
        bottom = height - _HEAD_INCHES - (row + 1) * (_CELL_INCHES + _TITLE_INCHES)
        for column, (item, title) in enumerate(
            (
                (one.infected, f"lesion of {one.infected.name}"),
                (one.healthy, f"lungs of {one.healthy.name}"),
                (one.item, f"{one.item.name}, {percent(one.infection_rate)} of the lungs"),
            )
        ):
            axes = figure.add_axes(
                (
                    (column * _CELL_INCHES + 0.03) / width,
                    bottom / height,
                    (_CELL_INCHES - 0.06) / width,
                    _CELL_INCHES / height,
                )
            )
            _draw(axes, item, title)
    figure.text(
        0.5, 1 - 0.22 / height, "Synthetic slices, not of any patient", color=_INK, ha="center"
    )
    figure.text(0.5, 0.1 / height, RESEARCH_USE_NOTICE, color=_PALE, fontsize=7, ha="center")
    canvas.print_figure(path, dpi=_DPI, facecolor="black", metadata={"Software": None})


def _draw(axes: Axes, item: LabelledImage, title: str) -> None:
    low, high = LUNG_WINDOW_HU
    window = lung_window(item.lungs[None], _PIXELS)
    lesion = item.lesion[window]
    axes.imshow(item.image[window], cmap="gray", vmin=low, vmax=high)
    if lesion.any() and not lesion.all():
        axes.contour(lesion, levels=[0.5], colors=[_LESION_COLOR], linewidths=0.8)
    axes.set_axis_off()
    axes.set_title(title, color=_PALE, fontsize=6.5, pad=2)
