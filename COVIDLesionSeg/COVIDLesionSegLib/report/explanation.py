"""``features.png`` and ``explanation.json``: one slice inside a network, block by block."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..engine.explain import MAPS_PER_BLOCK, SliceExplanation
from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..engine.labels import LUNG_WINDOW_HU
from ..engine.parameters import Parameters
from ..engine.result import OVERLAY_FROM
from ..engine.text import printable
from .figures import (
    FOOT_INCHES,
    INK,
    PALE,
    WARNING,
    black_figure,
    color_bar,
    crop_to_lungs,
    figure_style,
    label,
    research_notice,
    save_png,
    scale_bar,
    side_marks,
    slice_text,
    window_text,
)
from .json_file import head, write_json
from .result_files import EXPLANATION_FORMAT, EXPLANATION_VERSION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL_INCHES, _LABEL_INCHES = 1.9, 1.45
_GAP_INCHES = 0.06
_BAR_INCHES = 0.85
"""Of a colour bar with its ticks and title."""
_LARGEST_INCHES = 3.6
"""Width of the pictures in the first row, where there are few."""
_HEAD_INCHES, _TITLE_INCHES = 0.75, 0.25
_BLOCKS_ACROSS = 2
_WIDTH_INCHES = _BLOCKS_ACROSS * (_LABEL_INCHES + (1 + MAPS_PER_BLOCK) * _CELL_INCHES) + 0.1
_OVERLAY_ALPHA = 0.5
_DPI = 110
_LONGEST_TITLE = 80


def write_explanation_json(
    explanation: SliceExplanation, parameters: Parameters, path: Path
) -> None:
    """Write the facts of an explanation: model, slice, blocks, attention gates and flags.

    Args:
        explanation: Explanation of one slice.
        parameters: It was made with.
        path: JSON file.

    Raises:
        OutputError: The file cannot be written.
    """
    weights = explanation.model.card.weights
    content = {
        **head(EXPLANATION_FORMAT, EXPLANATION_VERSION),
        "software": __version__,
        "model": explanation.model.id,
        "weights_sha256": weights.sha256 if weights else None,
        "parameters": parameters.to_dict(),
        "slice": explanation.index,
        "position_mm": explanation.position_mm,
        "blocks": [
            {"name": block.name, "shape": list(block.shape), "channels_shown": list(block.channels)}
            for block in explanation.blocks
        ],
        "attention_gates": [name for name, _ in explanation.attention],
        "flags": [asdict(flag) for flag in explanation.flags],
    }
    write_json(content, path)


@figure_style()
def write_explanation_figure(explanation: SliceExplanation, path: Path) -> None:
    """Write :func:`draw_explanation` as a PNG file.

    Raises:
        OutputError: The file cannot be written.
    """
    save_png(draw_explanation(explanation), path, _DPI)


@figure_style()
def draw_explanation(explanation: SliceExplanation) -> Figure:
    """Draw the slice, its attention maps, and below them every block's feature maps.

    Shown as radiologists view it: the patient's right on the left, anterior up. Each feature map
    has its own grey scale, from its smallest to its largest value within the lungs' rectangle.
    """
    view = _View(explanation)
    # Slice, probability and attention maps fill the first row, beside two colour bars.
    pictures = 2 + len(explanation.attention)
    bars = 2 if explanation.attention else 1
    first_width = min(_LARGEST_INCHES, (_WIDTH_INCHES - 0.3 - bars * _BAR_INCHES) / pictures)
    first_height = first_width * view.height_over_width
    row_height = _CELL_INCHES * view.height_over_width + _TITLE_INCHES
    block_rows = -(-len(explanation.blocks) // _BLOCKS_ACROSS)
    below_first = block_rows * row_height + 0.15 + FOOT_INCHES
    figure = black_figure(_WIDTH_INCHES, _HEAD_INCHES + first_height + _TITLE_INCHES + below_first)
    _head(figure, explanation)
    _first_row(figure, explanation, view, below_first, first_width)
    for number, one in enumerate(explanation.blocks):
        row, block = divmod(number, _BLOCKS_ACROSS)
        left = block * (_LABEL_INCHES + (1 + MAPS_PER_BLOCK) * _CELL_INCHES)
        bottom = FOOT_INCHES + (block_rows - 1 - row) * row_height
        channels, rows, columns = one.shape
        _text(
            figure,
            left + 0.15,
            bottom + (row_height - _TITLE_INCHES) / 2,
            f"{printable(one.name)}\n{channels} × {rows} × {columns}",
        )
        titles = ["mean magnitude", *(f"channel {channel}" for channel in one.channels)]
        for column, (title, values) in enumerate(zip(titles, (one.mean, *one.maps), strict=True)):
            corner = (left + _LABEL_INCHES + column * _CELL_INCHES, bottom)
            view.grey(view.axes(figure, corner, _CELL_INCHES, title), values)
    research_notice(figure)
    return figure


def _first_row(
    figure: Figure, explanation: SliceExplanation, view: _View, bottom: float, width: float
) -> None:
    bar_height = (width - _GAP_INCHES) * view.height_over_width
    left = 0.15
    axes = view.axes(figure, (left, bottom), width, "CT", 9)
    view.ct(axes)
    label(axes, slice_text(explanation.index, explanation.position_mm), 8)
    label(axes, window_text(LUNG_WINDOW_HU), 8, at=(0.0, 0.0))
    left += width
    axes = view.axes(figure, (left, bottom), width, "lesion probability", 9)
    view.over_ct(axes, explanation.probability, OVERLAY_FROM)
    left += width
    color_bar(figure, (left + 0.05, bottom, 0.13, bar_height), OVERLAY_FROM, "lesion probability")
    left += _BAR_INCHES
    for name, attention in explanation.attention:
        axes = view.axes(figure, (left, bottom), width, f"attention, {printable(name)}", 9)
        view.over_ct(axes, attention, 0.0)
        left += width
    if explanation.attention:
        color_bar(figure, (left + 0.05, bottom, 0.13, bar_height), 0.0, "attention")
    else:
        _text(figure, left + 0.2, bottom + bar_height / 2, "This network has no attention gates.")


class _View:
    """Draws arrays of the slice's shape, cropped to the lungs."""

    def __init__(self, explanation: SliceExplanation):
        row_mm, self._column_mm = explanation.pixel_mm
        self._crop = crop_to_lungs(explanation.lungs[None], (1.0, row_mm, self._column_mm))
        self._hu = explanation.hu[self._crop]
        self._aspect = row_mm / self._column_mm
        rows, columns = self._hu.shape
        self.height_over_width = rows * row_mm / (columns * self._column_mm)

    def axes(
        self,
        figure: Figure,
        corner: tuple[float, float],
        width: float,
        title: str,
        title_size: float = 7.5,
    ) -> Axes:
        """An empty picture; lower left corner, and width with the gap to the next, in inches."""
        figure_width, figure_height = figure.get_size_inches()
        left, bottom = corner
        width -= _GAP_INCHES
        axes = figure.add_axes(
            (
                left / figure_width,
                bottom / figure_height,
                width / figure_width,
                width * self.height_over_width / figure_height,
            )
        )
        axes.set_axis_off()
        axes.set_title(title, color=PALE, fontsize=title_size, pad=3)
        return axes

    def ct(self, axes: Axes) -> None:
        low, high = LUNG_WINDOW_HU
        axes.imshow(self._hu, cmap="gray", vmin=low, vmax=high, aspect=self._aspect)
        side_marks(axes, 8)
        scale_bar(axes, self._column_mm, 8)

    def over_ct(self, axes: Axes, values: npt.NDArray[np.float32], shown_from: float) -> None:
        self.ct(axes)
        axes.imshow(
            np.ma.masked_less(values[self._crop], shown_from),
            cmap="jet",
            vmin=0,
            vmax=1,
            alpha=_OVERLAY_ALPHA,
            aspect=self._aspect,
            interpolation="nearest",
        )

    def grey(self, axes: Axes, values: npt.NDArray[np.float32]) -> None:
        axes.imshow(values[self._crop], cmap="gray", aspect=self._aspect, interpolation="nearest")


def _head(figure: Figure, explanation: SliceExplanation) -> None:
    title = printable(explanation.model.title, _LONGEST_TITLE)
    last = explanation.slice_count - 1
    view = (
        f"Radiological view: the patient's right is on the left. Slices are numbered 0 to {last} "
        "from the inferior end. "
    )
    maps = (
        "Feature maps are those of each block's most varying channels, each on its own grey scale; "
        "their size is channels × rows × columns."
    )
    explained, color = view + maps, PALE
    if is_untrained(explanation.flags):
        explained = f"{UNTRAINED_MARK}: random weights, so the maps mean nothing. {view}"
        color = WARNING
    top = figure.get_figheight()
    _text(figure, 0.15, top - 0.24, f"{title}: feature maps, block by block", INK, 13)
    _text(figure, 0.15, top - 0.5, explained, color, 9)


def _text(
    figure: Figure, left: float, middle: float, text: str, color: str = INK, size: float = 9
) -> None:
    """Text by its left end and middle, in inches."""
    width, height = figure.get_size_inches()
    figure.text(left / width, middle / height, text, color=color, fontsize=size, va="center")
