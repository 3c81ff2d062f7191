"""``features.png``: one slice inside a network, block by block, and its attention maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import RESEARCH_USE_NOTICE
from ..engine.explain.slice_explanation import MAPS_PER_BLOCK, SliceExplanation
from ..engine.labels import LUNG_WINDOW_HU
from ..engine.remarks import UNTRAINED_MARK, is_untrained
from ..engine.result import OVERLAY_FROM
from .slices_figure import lung_window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL_INCHES = 1.9
_LABEL_INCHES = 1.35
_HEAD_INCHES, _FOOT_INCHES = 0.75, 0.35
_BLOCKS_ACROSS = 2
_OVERLAY_ALPHA = 0.5
_DPI = 110
_INK, _PALE, _WARNING = "#f2f4f6", "#aab4be", "#ff8a80"


def write_explanation_figure(explanation: SliceExplanation, path: Path) -> None:
    """Draw the slice, its attention maps, and below them every block's feature maps.

    Shown as radiologists view it: the patient's right on the left, anterior up. Each feature map
    has its own grey scale, from its smallest to its largest value within the cut.

    Args:
        explanation: Of one slice.
        path: PNG file.
    """
    across = 1 + MAPS_PER_BLOCK
    columns = _BLOCKS_ACROSS * across
    window = lung_window(explanation.lungs[None], (1.0, *explanation.pixel_mm))
    height, width = (
        (part.stop - part.start) * mm for part, mm in zip(window, explanation.pixel_mm, strict=True)
    )
    cell_height = _CELL_INCHES * height / width
    block_rows = -(-len(explanation.blocks) // _BLOCKS_ACROSS)
    size = (
        columns * _CELL_INCHES + _BLOCKS_ACROSS * _LABEL_INCHES,
        (1 + block_rows) * (cell_height + 0.25) + _HEAD_INCHES + _FOOT_INCHES,
    )
    figure = Figure(figsize=size, facecolor="black")
    canvas = FigureCanvasAgg(figure)
    cells = _Cells(figure, cell_height, across)
    view = _View(explanation, window)

    _head(figure, explanation)
    view.ct(cells.axes(0, 0, 0, "CT"))
    view.over_ct(cells.axes(0, 0, 1, "lesion probability"), explanation.probability, OVERLAY_FROM)
    if explanation.attention:
        for number, (name, attention) in enumerate(explanation.attention[: columns - 2], start=2):
            block, column = divmod(number, across)
            view.over_ct(cells.axes(0, block, column, f"attention, {name}"), attention, 0.0)
    else:
        cells.label(0, 0, 2, "This network has no attention gates.")
    for number, one in enumerate(explanation.blocks):
        row, block = divmod(number, _BLOCKS_ACROSS)
        channels, rows, cols = one.shape
        cells.label(row + 1, block, -1, f"{one.name}\n{channels} × {rows} × {cols}")
        view.grey(cells.axes(row + 1, block, 0, "mean magnitude"), one.mean)
        for column, (channel, values) in enumerate(zip(one.channels, one.maps, strict=True)):
            view.grey(cells.axes(row + 1, block, column + 1, f"channel {channel}"), values)
    figure.text(0.5, 0.12 / size[1], RESEARCH_USE_NOTICE, color=_PALE, fontsize=8, ha="center")
    canvas.print_figure(path, dpi=_DPI, facecolor="black", metadata={"Software": None})


class _Cells:
    """Places of the pictures: rows of blocks, each a label and its maps."""

    def __init__(self, figure: Figure, cell_height: float, across: int):
        self._figure = figure
        self._height = cell_height
        self._across = across

    def axes(self, row: int, block: int, column: int, title: str) -> Axes:
        left, bottom = self._corner(row, block, column)
        width, height = self._figure.get_size_inches()
        axes = self._figure.add_axes(
            (left / width, bottom / height, (_CELL_INCHES - 0.05) / width, self._height / height)
        )
        axes.set_axis_off()
        axes.set_title(title, color=_PALE, fontsize=7.5, pad=2)
        return axes

    def label(self, row: int, block: int, column: int, text: str) -> None:
        left, bottom = self._corner(row, block, column)
        width, height = self._figure.get_size_inches()
        left += _CELL_INCHES - _LABEL_INCHES + 0.08 if column < 0 else 0.1
        self._figure.text(
            left / width,
            (bottom + self._height / 2) / height,
            text,
            color=_INK,
            fontsize=9,
            va="center",
        )

    def _corner(self, row: int, block: int, column: int) -> tuple[float, float]:
        left = block * (self._across * _CELL_INCHES + _LABEL_INCHES)
        left += _LABEL_INCHES + column * _CELL_INCHES
        top = self._figure.get_figheight() - _HEAD_INCHES
        return left, top - (row + 1) * (self._height + 0.25)


class _View:
    """Draws arrays of the slice's shape, cut to the lungs."""

    def __init__(self, explanation: SliceExplanation, window: tuple[slice, slice]):
        self._window = window
        self._hu = explanation.hu[window]
        self._aspect = explanation.pixel_mm[0] / explanation.pixel_mm[1]

    def ct(self, axes: Axes) -> None:
        low, high = LUNG_WINDOW_HU
        axes.imshow(self._hu, cmap="gray", vmin=low, vmax=high, aspect=self._aspect)

    def over_ct(self, axes: Axes, values: np.ndarray, shown_from: float) -> None:
        self.ct(axes)
        axes.imshow(
            np.ma.masked_less(values[self._window], shown_from),
            cmap="jet",
            vmin=0,
            vmax=1,
            alpha=_OVERLAY_ALPHA,
            aspect=self._aspect,
            interpolation="nearest",
        )

    def grey(self, axes: Axes, values: np.ndarray) -> None:
        axes.imshow(values[self._window], cmap="gray", aspect=self._aspect, interpolation="nearest")


def _head(figure: Figure, explanation: SliceExplanation) -> None:
    width, height = figure.get_size_inches()
    untrained = is_untrained(explanation.flags)
    lines = [
        (f"{explanation.model.title}: slice {explanation.index}, block by block", _INK, 13),
        (
            f"{UNTRAINED_MARK}: random weights, these pictures mean nothing"
            if untrained
            else "Maps of each block's most varying channels, each on its own grey scale; "
            "attention and probability from 0 (blue) to 1 (red)",
            _WARNING if untrained else _PALE,
            9,
        ),
    ]
    for number, (text, color, size) in enumerate(lines):
        figure.text(
            0.15 / width, 1 - (0.3 + 0.25 * number) / height, text, color=color, fontsize=size
        )
