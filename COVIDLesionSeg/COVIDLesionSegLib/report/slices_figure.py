"""``slices.png``: representative axial slices with lungs, lesions and lesion probability.

A single lesion class is outlined in white, several each in the colour of their segment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..engine.errors import LungsNotFoundError
from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..engine.labels import LEFT_LUNG, LUNG_OUTLINES, LUNG_WINDOW_HU, RIGHT_LUNG, class_style
from ..engine.result import OVERLAY_FROM, SegmentationResult
from ..engine.text import percent, printable
from ..engine.volume import Volume
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
    named_legend,
    research_notice,
    save_png,
    scale_bar,
    side_marks,
    slice_text,
    window_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..engine.severity.report import SliceSeverity

_OVERLAY_ALPHA = 0.5
_SMALL_ROWS, _SMALL_COLUMNS = 3, 3
_CELL_INCHES = 2.3
_DPI = 120
_LESION_COLOR = "white"
_MARGIN_INCHES, _BAR_INCHES = 0.1, 0.85
_TITLE_INCHES = 0.52
_NOTICE_INCHES = 5.3
"""Width of the research-use notice at the foot, and some distance to it."""
_LONGEST_NAME = 32


@figure_style()
def write_slices_figure(volume: Volume, result: SegmentationResult, path: Path) -> None:
    """Write :func:`draw_slices` as a PNG file.

    Raises:
        LungsNotFoundError: There is no lung on any slice.
        OutputError: The file cannot be written.
    """
    save_png(draw_slices(volume, result), path, _DPI)


@figure_style()
def draw_slices(volume: Volume, result: SegmentationResult) -> Figure:
    """Draw a large slice, the one with the most lesion, beside slices spread over the lungs.

    Slices are shown as radiologists view them: the patient's right on the left, anterior up. Any
    stored orientation is brought into axial order first; pixels keep their true aspect. Each
    slice has its number and position, its share of lesion and a scale bar.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.

    Raises:
        LungsNotFoundError: There is no lung on any slice.
    """
    axial = AxialViews(volume, result)
    shown = result.severity.slices
    featured = result.severity.most_infected_slice
    if featured is None:
        raise LungsNotFoundError("There is no lung on any slice, so there is no slice to show.")

    height_mm, width_mm = axial.cell_shape_mm
    cell_height = _CELL_INCHES * height_mm / width_mm
    width = _CELL_INCHES * 2 * _SMALL_COLUMNS + _MARGIN_INCHES + _BAR_INCHES
    height = cell_height * _SMALL_ROWS + _TITLE_INCHES + FOOT_INCHES
    figure = black_figure(width, height)
    grid = figure.add_gridspec(
        _SMALL_ROWS,
        2 * _SMALL_COLUMNS,
        left=_MARGIN_INCHES / width,
        right=1 - _BAR_INCHES / width,
        bottom=FOOT_INCHES / height,
        top=1 - _TITLE_INCHES / height,
        wspace=0.025,
        hspace=0.025,
    )
    axes = figure.add_subplot(grid[:, :_SMALL_COLUMNS])
    axial.draw(axes, featured, line_width=1.1, font_size=12)
    label(axes, window_text(LUNG_WINDOW_HU), 12, at=(0.0, 0.0))
    for number, one_slice in enumerate(_spread(shown, _SMALL_ROWS * _SMALL_COLUMNS)):
        row, column = divmod(number, _SMALL_COLUMNS)
        axes = figure.add_subplot(grid[row, _SMALL_COLUMNS + column])
        axial.draw(axes, one_slice, line_width=0.6, font_size=7.5)

    _titles(figure, result, len(volume.axial))
    outline_legend(figure, result.classes, width - _MARGIN_INCHES - _BAR_INCHES - _NOTICE_INCHES)
    bar_height = 0.6 * cell_height * _SMALL_ROWS
    bar_bottom = FOOT_INCHES + 0.2 * cell_height * _SMALL_ROWS
    color_bar(
        figure,
        (width - _BAR_INCHES + 0.12, bar_bottom, 0.15, bar_height),
        OVERLAY_FROM,
        "lesion probability",
    )
    research_notice(figure, 1 - _BAR_INCHES / width, "right")
    return figure


class AxialViews:
    """CT, lungs, lesions and probability in axial order (z, y, x), cropped to the lungs."""

    def __init__(self, volume: Volume, result: SegmentationResult):
        self.spacing = volume.axial_spacing
        to_axial = volume.order.to_axial
        lungs = to_axial(result.lungs)
        self.crop = crop_to_lungs(lungs, self.spacing)
        self.hu = volume.axial
        self.lungs = lungs
        self.lesions = to_axial(result.lesions)
        self.probability = to_axial(result.probability)
        self.class_colors = class_colors(result.classes)

    @property
    def cell_shape_mm(self) -> tuple[float, float]:
        """Height and width of a cropped slice in mm."""
        rows, columns = self.crop
        return (
            (rows.stop - rows.start) * self.spacing[1],
            (columns.stop - columns.start) * self.spacing[2],
        )

    def draw(
        self, axes: Axes, one_slice: SliceSeverity, line_width: float, font_size: float
    ) -> None:
        """One slice with everything on it; line width and font size in points."""
        crop = (one_slice.index, *self.crop)
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
        several = len(self.class_colors) > 1
        for number, color in enumerate(self.class_colors, start=1):
            # Jet has reds and oranges, too: a dark rim sets a coloured line off from it.
            _outline(axes, lesions == number, color, line_width, rim=several)

        axes.set_axis_off()
        # The picture's left is the patient's right, whichever lung is in the slice.
        side_marks(axes, font_size)
        label(axes, slice_text(one_slice.index, one_slice.position_mm), font_size)
        share = percent(one_slice.ratio) if one_slice.segmented else "not segmented"
        label(axes, share, font_size, at=(1.0, 1.0))
        scale_bar(axes, self.spacing[2], font_size)


def class_colors(classes: tuple[str, ...]) -> list[str | tuple[float, float, float]]:
    """Outline colour of each lesion class, for Matplotlib."""
    if len(classes) == 1:
        return [_LESION_COLOR]
    return [class_style(name).color for name in classes]


def _spread(slices: tuple[SliceSeverity, ...], count: int) -> list[SliceSeverity]:
    """``count`` slices evenly over the lungs, superior first; the outermost tips are left out."""
    positions = np.linspace(0, len(slices) - 1, count + 2).round().astype(int)[1:-1]
    return [slices[n] for n in dict.fromkeys(positions[::-1].tolist())]


def _outline(
    axes: Axes,
    mask: npt.NDArray[Any],
    color: str | tuple[float, float, float],
    line_width: float,
    rim: bool = False,
) -> None:
    if mask.any() and not mask.all():
        lines = axes.contour(mask, levels=[0.5], colors=[color], linewidths=line_width)
        if rim:
            lines.set_path_effects([withStroke(linewidth=2 * line_width, foreground="black")])


def _titles(figure: Figure, result: SegmentationResult, slice_count: int) -> None:
    width, height = figure.get_size_inches()
    featured = result.severity.most_infected_slice
    infected = featured is not None and featured.lesion_mm2 > 0
    heading = "Slice with the most lesion" if infected else "No lesion found"
    color = INK
    if is_untrained(result.flags):
        heading, color = f"{UNTRAINED_MARK}: random weights", WARNING
    left, middle = _MARGIN_INCHES, _MARGIN_INCHES + _SMALL_COLUMNS * _CELL_INCHES + 0.05
    upper, lower = 0.2, 0.38
    for x, y, text, shade, size in (
        (left, upper, heading, color, 11),
        (left, lower, "Radiological view: the patient's right is on the left", PALE, 8),
        (middle, upper, "Slices spread over the lungs, superior to inferior", INK, 11),
        (
            middle,
            lower,
            f"Slices are numbered 0 to {slice_count - 1} from the inferior end. "
            "%: lesion in the slice's lung area",
            PALE,
            8,
        ),
    ):
        weight = "bold" if y == upper else "normal"
        figure.text(
            x / width, 1 - y / height, text, color=shade, fontsize=size, weight=weight, va="center"
        )


def outline_legend(figure: Figure, classes: tuple[str, ...], free: float) -> None:
    """What each outline stands for, in one row at the foot.

    Args:
        figure: Black.
        classes: Names of the lesion classes.
        free: Width that the row may take, in inches; its text is made smaller to fit.
    """
    names = ["right lung", "left lung", *(printable(name, _LONGEST_NAME) for name in classes)]
    colors = [*LUNG_OUTLINES.values(), *class_colors(classes)]
    legend = named_legend(
        figure,
        [Line2D([], [], color=color, linewidth=2) for color in colors],
        names,
        loc="center left",
        bbox_to_anchor=(
            _MARGIN_INCHES / figure.get_figwidth(),
            FOOT_INCHES / 2 / figure.get_figheight(),
        ),
        ncols=len(names),
        fontsize=9,
        labelcolor=INK,
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.5,
        columnspacing=1.5,
    )
    taken = legend.get_window_extent().width / figure.dpi
    for text in legend.get_texts():
        text.set_fontsize(9 * min(1.0, free / taken))
