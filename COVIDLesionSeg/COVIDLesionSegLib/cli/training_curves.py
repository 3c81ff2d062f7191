"""The learning curve as a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..engine.files import write_bytes
from ..engine.training.callbacks import CURVE_CSV

CURVES_PICTURE = "curves.png"

_INK, _GRID = "#46525e", "#e3e8ed"
_PANELS = (
    ("loss", {"loss": ("training", "#b9c6d2"), "validation_loss": ("validation", "#c62828")}),
    ("validation Dice", {"validation_dice": ("validation", "#c62828")}),
    ("learning rate", {"learning_rate": ("learning rate", _INK)}),
)


def write_curves(folder: Path) -> None:
    """Draw the columns of a training's ``metrics.csv`` against steps, beside it.

    Raises:
        OutputError: The picture cannot be written.
    """
    with (folder / CURVE_CSV).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(8.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, lines) in zip(figure.subplots(3, 1, sharex=True), _PANELS, strict=True):
        for column, (label, color) in lines.items():
            known = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
            if known:
                axes.plot(*zip(*known, strict=True), color=color, label=label, marker=".")
        if len(axes.lines) > 1:
            axes.legend(frameon=False, fontsize=8, labelcolor=_INK)
        axes.set_ylabel(title)
        axes.set_ylim(bottom=0)
        axes.grid(color=_GRID, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_INK, labelsize=8)
    axes.set_xlabel("optimiser steps")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    write_bytes(data.getvalue(), folder / CURVES_PICTURE)
