"""``slices.png``: representative axial slices with lungs, lesions and lesion probability.

A single lesion class is outlined in white, several each in the colour of their segment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .. import RESEARCH_USE_NOTICE
from ..engine.labels import LEFT_LUNG, LUNG_OUTLINES, LUNG_WINDOW_HU, RIGHT_LUNG, class_style
from ..engine.remarks import UNTRAINED_MARK, is_untrained
from ..engine.result import OVERLAY_FROM, SegmentationResult
from ..engine.volume import Volume
from ..engine.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..engine.severity.report import SliceSeverity

_OVERLAY_ALPHA = 0.5
_MARGIN_MM = 12.0
_SMALL_ROWS, _SMALL_COLUMNS = 3, 3
_CELL_INCHES = 2.15
_DPI = 120
_INK, _PALE = "#f2f4f6", "#aab4be"
_LESION_COLOR = "white"
_WARNING = "#ffbf00"
_BAR_INCHES = 0.95
_TITLE_INCHES, _FOOT_INCHES = 0.4, 0.34


def write_slices_figure(volume: Volume, result: SegmentationResult, path: Path) -> None:
    """Draw a large slice, the one with the most lesion, beside slices spread over the lungs.

    Slices are shown as radiologists view them: the patient's right on the left, anterior up. Any
    stored orientation is brought into axial order first; pixels keep their true aspect.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        path: PNG file.
    """
    axial = _AxialViews(volume, result)
    shown = result.severity.slices
    featured = result.severity.most_infected_slice
    others = _spread(shown, _SMALL_ROWS * _SMALL_COLUMNS)

    height, width = axial.cell_shape_mm
    cell_height = _CELL_INCHES * height / width
    figure = Figure(
        figsize=(
            _CELL_INCHES * 2 * _SMALL_COLUMNS + _BAR_INCHES,
            cell_height * _SMALL_ROWS + _TITLE_INCHES + _FOOT_INCHES,
        ),
        facecolor="black",
    )
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        _SMALL_ROWS,
        2 * _SMALL_COLUMNS,
        left=0.008,
        right=1 - _BAR_INCHES / figure.get_figwidth(),
        bottom=_FOOT_INCHES / figure.get_figheight(),
        top=1 - _TITLE_INCHES / figure.get_figheight(),
        wspace=0.025,
        hspace=0.025,
    )
    large = figure.add_subplot(grid[:, :_SMALL_COLUMNS])
    axial.draw(large, featured, line_width=1.1, font_size=12)
    for number, one_slice in enumerate(others):
        row, column = divmod(number, _SMALL_COLUMNS)
        small = figure.add_subplot(grid[row, _SMALL_COLUMNS + column])
        axial.draw(small, one_slice, line_width=0.6, font_size=7.5)

    heading = "Slice with the most lesion" if featured.lesion_mm2 else "No lesion found"
    if is_untrained(result.flags):
        heading = f"{UNTRAINED_MARK}: random weights"
    _title(figure, heading, _WARNING if is_untrained(result.flags) else _INK)
    if len(result.classes) > 1:
        _class_legend(figure, result.classes)
    _probability_bar(figure)
    figure.text(
        0.5,
        0.1 / figure.get_figheight(),
        RESEARCH_USE_NOTICE,
        color=_PALE,
        fontsize=8,
        ha="center",
    )
    canvas.print_figure(path, dpi=_DPI, facecolor="black", metadata={"Software": None})


class _AxialViews:
    """CT, lungs, lesions and probability in axial order (z, y, x), cropped to the lungs."""

    def __init__(self, volume: Volume, result: SegmentationResult):
        self.spacing = volume.axial_spacing
        to_axial = volume.order.to_axial
        lungs = to_axial(result.lungs)
        self.window = lung_window(lungs, self.spacing)
        self.hu = volume.axial
        self.lungs = lungs
        self.lesions = to_axial(result.lesions)
        self.probability = to_axial(result.probability)
        self.class_colors = class_colors(result.classes)
        self.several = len(result.classes) > 1

    @property
    def cell_shape_mm(self) -> tuple[float, float]:
        """Height and width of the cropped slice in mm."""
        rows, columns = self.window
        return (
            (rows.stop - rows.start) * self.spacing[1],
            (columns.stop - columns.start) * self.spacing[2],
        )

    def draw(
        self, axes: Axes, one_slice: SliceSeverity, line_width: float, font_size: float
    ) -> None:
        crop = (one_slice.index, *self.window)
        aspect = self.spacing[1] / self.spacing[2]
        axes.imshow(
            self.hu[crop],
            cmap="gray",
            vmin=LUNG_WINDOW_HU[0],
            vmax=LUNG_WINDOW_HU[1],
            aspect=aspect,
            interpolation="bilinear",
        )
        probability = self.probability[crop]
        axes.imshow(
            np.ma.masked_less(probability, OVERLAY_FROM),
            cmap="jet",
            vmin=0,
            vmax=1,
            alpha=_OVERLAY_ALPHA,
            aspect=aspect,
            interpolation="nearest",
        )
        lungs = self.lungs[crop]
        _outline(axes, lungs == RIGHT_LUNG, LUNG_OUTLINES[RIGHT_LUNG], line_width)
        _outline(axes, lungs == LEFT_LUNG, LUNG_OUTLINES[LEFT_LUNG], line_width)
        lesions = self.lesions[crop]
        for label, color in enumerate(self.class_colors.values(), start=1):
            # Jet has reds and oranges, too: a dark rim sets a coloured line off from it.
            _outline(axes, lesions == label, color, line_width, rim=self.several)

        axes.set_axis_off()
        # The picture's left is the patient's right, whichever lung is in the slice.
        _label(axes, 0.015, 0.5, "R", _INK, font_size, "left", "center")
        _label(axes, 0.985, 0.5, "L", _INK, font_size, "right", "center")
        position = f"S {one_slice.position_mm:+.1f} mm"
        _label(axes, 0.015, 0.985, position, _INK, font_size, "left", "top")
        share = percent(one_slice.ratio)
        _label(axes, 0.985, 0.985, share, _INK, font_size, "right", "top")


def class_colors(classes: tuple[str, ...]) -> dict[str, str | tuple[float, float, float]]:
    """Outline colour of each lesion class, for Matplotlib."""
    if len(classes) == 1:
        return {classes[0]: _LESION_COLOR}
    return {name: class_style(name).color for name in classes}


def lung_window(lungs: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, slice]:
    """Rows and columns that hold the lungs of all slices, with a margin."""
    window = []
    for axis in (1, 2):
        others = tuple(n for n in range(3) if n != axis)
        occupied = np.flatnonzero(lungs.any(axis=others))
        margin = int(np.ceil(_MARGIN_MM / spacing[axis]))
        first, last = (occupied[0], occupied[-1]) if occupied.size else (0, lungs.shape[axis] - 1)
        window.append(slice(max(first - margin, 0), min(last + margin + 1, lungs.shape[axis])))
    return window[0], window[1]


def _spread(slices: tuple[SliceSeverity, ...], count: int) -> list[SliceSeverity]:
    """``count`` slices evenly over the lungs, superior first; the outermost tips are left out."""
    positions = np.linspace(0, len(slices) - 1, count + 2).round().astype(int)[1:-1]
    return [slices[n] for n in dict.fromkeys(positions[::-1].tolist())]


def _outline(
    axes: Axes,
    mask: np.ndarray,
    color: str | tuple[float, ...],
    line_width: float,
    rim: bool = False,
) -> None:
    if mask.any() and not mask.all():
        lines = axes.contour(mask, levels=[0.5], colors=[color], linewidths=line_width)
        if rim:
            lines.set_path_effects([withStroke(linewidth=2 * line_width, foreground="black")])


def _label(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    color: str | tuple[float, ...],
    size: float,
    horizontal: str,
    vertical: str,
) -> None:
    axes.text(
        x,
        y,
        text,
        transform=axes.transAxes,
        color=color,
        fontsize=size,
        ha=horizontal,
        va=vertical,
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.2},
    )


def _title(figure: Figure, heading: str, color: str) -> None:
    y = 1 - _TITLE_INCHES / 2 / figure.get_figheight()
    figure.text(0.008, y, heading, color=color, fontsize=11, weight="bold", va="center")
    figure.text(
        1 - (_SMALL_COLUMNS * _CELL_INCHES + _BAR_INCHES) / figure.get_figwidth(),
        y,
        "Slices spread over the lungs, superior to inferior; % of the lung area in the slice",
        color=_PALE,
        fontsize=9,
        va="center",
    )


def _class_legend(figure: Figure, classes: tuple[str, ...]) -> None:
    lines = [Line2D([], [], color=color, linewidth=2) for color in class_colors(classes).values()]
    figure.legend(
        lines,
        classes,
        loc="lower left",
        ncols=len(classes),
        fontsize=9,
        labelcolor=_INK,
        frameon=False,
        borderaxespad=0.1,
    )


def _probability_bar(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((1 - 0.72 / width, 0.2, 0.15 / width, 0.58))
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), "jet"), cax=axes)
    bar.set_ticks(np.linspace(OVERLAY_FROM, 1.0, 4))
    bar.ax.set_ylim(OVERLAY_FROM, 1)
    bar.ax.tick_params(colors=_INK, labelsize=8, length=2)
    bar.outline.set_visible(False)
    bar.ax.set_title("lesion\nprobability", color=_INK, fontsize=7.5, loc="center", pad=6)
