"""What the pictures share: text drawn as it is written, and the marks radiologists expect."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from .. import RESEARCH_USE_NOTICE
from ..engine.boxes import Box, bounding_box, whole
from ..engine.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

INK, PALE, WARNING = "#f2f4f6", "#aab4be", "#ffbf00"
"""Text on black."""
DARK, GRID = "#46525e", "#e3e8ed"
"""Text and lines on white."""
FOOT_INCHES = 0.36
"""Height of the line with the research-use notice."""
_CROP_MARGIN_MM = 12.0
_INSET = 0.015  # of texts from the edges of a picture
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SCALE_BARS_CM = (1, 2, 5, 10)
_LONGEST_SCALE_BAR = 0.25  # of the picture's width


@contextmanager
def figure_style() -> Iterator[None]:
    """Matplotlib's own style, whatever the user's settings, with ``$`` as a character like others.

    Figures are made and saved within it: names of classes, slices and models come from outside, and
    would otherwise be read as mathematical formulas.
    """
    with (
        matplotlib.style.context(["default", {"text.parse_math": False}]),
        warnings.catch_warnings(),
    ):
        # The font may lack letters of a name; a box is drawn for each.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def black_figure(width: float, height: float) -> Figure:
    """An empty black figure of this size in inches."""
    figure = Figure(figsize=(width, height), facecolor="black")
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, path: Path, dpi: int) -> None:
    """Write the figure; equal figures give equal files.

    Raises:
        OutputError: The file cannot be written.
    """
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi, facecolor="auto", metadata={"Software": None})
    write_bytes(data.getvalue(), path)


def svg_element(figure: Figure) -> str:
    """The figure as ``<svg>...</svg>``: text stays text, equal figures give equal characters."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "covid-lesion-seg"}):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    svg = buffer.getvalue()
    # An SVG within HTML has no XML declaration and no document type of its own.
    return svg[svg.index("<svg") :]


def plain_axes(axes: Axes) -> None:
    """Axes of a chart on white: a pale grid, small dark labels, no frame."""
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=DARK, labelsize=8, length=0)
    axes.yaxis.label.set(color=DARK, fontsize=8.5)
    axes.xaxis.label.set(color=DARK, fontsize=8.5)


def crop_to_lungs(
    lungs: npt.NDArray[Any], spacing: tuple[float, float, float]
) -> tuple[slice, slice]:
    """Rows and columns that hold the lungs of all slices, with a margin; all where there are none.

    Args:
        lungs: (z, y, x) in axial order, 0 outside the lungs.
        spacing: mm along (z, y, x).
    """
    seen: npt.NDArray[np.bool_] = np.any(lungs, axis=0)
    margin = [ceil(_CROP_MARGIN_MM / mm) for mm in spacing[1:]]
    rows, columns = bounding_box(seen, margin) or whole(seen.shape)
    return rows, columns


def draw_box(axes: Axes, box: Box, color: str, width: float) -> None:
    """A rectangle along the outer edges of the pixels of a box.

    Args:
        axes: Shows an image, one unit for each pixel, the first centred at 0.
        box: Rows and columns.
        color: Color of the line.
        width: Width of the line, in points.
    """
    rows, columns = box
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=width))


def slice_text(index: int, position_mm: float) -> str:
    """Number of an axial slice, 0 at the inferior end, and its position (RAS S)."""
    return f"Slice {index}, S {position_mm:+.1f} mm".replace("-", "−")


def window_text(window: tuple[float, float]) -> str:
    """Width and level of a window, given as its ends in HU."""
    low, high = window
    return f"W {high - low:.0f}, L {(low + high) / 2:.0f} HU".replace("-", "−")


def label(axes: Axes, text: str, size: float, *, at: tuple[float, float] = (0.0, 1.0)) -> None:
    """Text on a dark ground within a picture.

    Args:
        axes: The picture.
        text: One line.
        size: Size of the font, in points.
        at: Place as (x, y): 0 is left or bottom, 0.5 the middle, 1 right or top.
    """
    x, y = (_INSET + (1 - 2 * _INSET) * part for part in at)
    axes.text(
        x,
        y,
        text,
        transform=axes.transAxes,
        color=INK,
        fontsize=size,
        ha=("left", "center", "right")[round(2 * at[0])],
        va=("bottom", "center", "top")[round(2 * at[1])],
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.2},
    )


def side_marks(axes: Axes, size: float) -> None:
    """R and L on a slice in radiological view: the patient's right is on the left."""
    label(axes, "R", size, at=(0.0, 0.5))
    label(axes, "L", size, at=(1.0, 0.5))


def scale_bar(axes: Axes, pixel_mm: float, size: float) -> None:
    """A bar of whole centimetres at the lower right of a picture.

    Args:
        axes: Shows an image, one unit of x for each pixel.
        pixel_mm: Width of a pixel.
        size: Size of the font, in points.
    """
    first, last = axes.get_xlim()
    width_mm = abs(last - first) * pixel_mm
    fitting = [cm for cm in _SCALE_BARS_CM if 10 * cm <= _LONGEST_SCALE_BAR * width_mm]
    if not fitting:
        return
    length = 10 * fitting[-1] / width_mm
    axes.plot(
        [0.975 - length, 0.975],
        [0.035, 0.035],
        transform=axes.transAxes,
        color=INK,
        linewidth=size / 6,
        solid_capstyle="butt",
        path_effects=[withStroke(linewidth=size / 6 + 1.5, foreground="black")],
        scalex=False,
        scaley=False,
    )
    axes.text(
        0.975 - length / 2,
        0.05,
        f"{fitting[-1]} cm",
        transform=axes.transAxes,
        color=INK,
        fontsize=size,
        ha="center",
        va="bottom",
        path_effects=[withStroke(linewidth=size / 3, foreground="black")],
    )


def color_bar(
    figure: Figure, box: tuple[float, float, float, float], shown_from: float, title: str
) -> None:
    """Colours from ``shown_from`` to 1, of the scale from 0 to 1 of all overlays.

    Args:
        figure: Black.
        box: Left, bottom, width and height of the bar in inches; ticks and title need 0.55 inches
            to the right of it.
        shown_from: The smallest value that has a colour.
        title: Of the values, written along the bar.
    """
    width, height = figure.get_size_inches()
    left, bottom, bar_width, bar_height = box
    axes = figure.add_axes((left / width, bottom / height, bar_width / width, bar_height / height))
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), "jet"), cax=axes)
    bar.set_ticks([shown_from, *(tick for tick in (0.25, 0.5, 0.75, 1.0) if tick > shown_from)])
    axes.set_ylim(shown_from, 1)
    axes.tick_params(colors=INK, labelsize=7.5, length=2)
    bar.outline.set_visible(False)
    bar.set_label(title, color=INK, fontsize=8, labelpad=3)


def named_legend(
    parent: Figure | Axes, handles: Sequence[Artist], names: Sequence[str], **style: Any
) -> Legend:
    """A legend whose names may begin with ``_``, which Matplotlib would leave out."""
    legend = parent.legend(handles, [str(number) for number in range(len(handles))], **style)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
    return legend


def research_notice(figure: Figure, x: float = 0.5, align: str = "center") -> None:
    """The research-use notice, at the foot of the figure."""
    y = FOOT_INCHES / 2 / figure.get_figheight()
    figure.text(x, y, RESEARCH_USE_NOTICE, color=PALE, fontsize=8, ha=align, va="center_baseline")
