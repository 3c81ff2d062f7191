"""``examples.png`` and ``synthesis.json`` of a folder of synthetic slices."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..engine.labels import LESION_OUTLINE, LUNG_WINDOW_HU
from ..engine.synthesis.synthesize import Synthesis
from ..engine.text import percent, printable
from .figures import (
    FOOT_INCHES,
    INK,
    PALE,
    black_figure,
    crop_to_lungs,
    figure_style,
    label,
    research_notice,
    save_png,
    side_marks,
    window_text,
)
from .json_file import head, write_json
from .result_files import SYNTHESIS_FORMAT, SYNTHESIS_VERSION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..engine.data.labelled import LabelledImage
    from ..engine.synthesis.synthesize import SyntheticSlice

_ROWS = 6
_CELL_INCHES = 2.6
_HEAD_INCHES, _TITLE_INCHES = 0.55, 0.24
_DPI = 100
_PIXELS = (1.0, 1.0, 1.0)  # their size in mm is not known
_LONGEST_TITLE = 44


def write_synthesis_json(
    synthesis: Synthesis,
    path: Path,
    *,
    amount: float,
    seed: int,
    lungs: str | None,
    left_out: Iterable[str],
) -> None:
    """Write what a folder of synthetic slices was made with and of.

    Args:
        synthesis: Its slices.
        path: JSON file.
        amount, seed: As for :func:`~..engine.synthesis.synthesize.make_synthetic`.
        lungs: Extractor that found the lungs of healthy CTs; None where there were no CTs.
        left_out: Patients of the source folder who were not used.

    Raises:
        OutputError: The file cannot be written.
    """
    content = {
        **head(SYNTHESIS_FORMAT, SYNTHESIS_VERSION),
        "software": __version__,
        "amount": amount,
        "seed": seed,
        "lungs": lungs,
        "left_out": sorted(left_out),
        "patients": sorted(
            {
                source.patient
                for slice_ in synthesis.slices
                for source in (slice_.infected, slice_.healthy)
            }
        ),
        "slices": len(synthesis.slices),
        "wanted": synthesis.wanted,
        "infected": synthesis.infected,
        "healthy": synthesis.healthy,
        "too_small": synthesis.too_small,
    }
    write_json(content, path)


@figure_style()
def write_synthesis_figure(synthesis: Synthesis, path: Path) -> None:
    """Write :func:`draw_synthesis` as a PNG file.

    Raises:
        OutputError: The file cannot be written.
    """
    save_png(draw_synthesis(synthesis), path, _DPI)


@figure_style()
def draw_synthesis(synthesis: Synthesis) -> Figure:
    """Draw up to six of the slices, spread over all, as in Figure 13 of the COVID-Rate paper.

    From left to right: the slice that gave the lesion, the healthy one, the synthetic one. Lesions
    are outlined in red. There is no scale bar, as the size of pixels is not known.

    Args:
        synthesis: Synthesis of at least one slice.
    """
    count = min(_ROWS, len(synthesis.slices))
    shown = [
        synthesis.slices[n] for n in np.linspace(0, len(synthesis.slices) - 1, count, dtype=int)
    ]
    width = 3 * _CELL_INCHES
    row_heights = [_row_height(one) for one in shown]
    height = _HEAD_INCHES + sum(row_heights) + FOOT_INCHES
    figure = black_figure(width, height)
    bottom = height - _HEAD_INCHES
    for one, row_height in zip(shown, row_heights, strict=True):
        bottom -= row_height
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
                    (row_height - _TITLE_INCHES) / height,
                ),
                anchor="N",
            )
            _draw(axes, item, printable(title, _LONGEST_TITLE))
    for y, text, color, size in (
        (0.2, "Synthetic slices, not of any patient", INK, 11),
        (0.42, "Lesions outlined in red. Radiological view; pixel size unknown", PALE, 8),
    ):
        figure.text(0.5, 1 - y / height, text, color=color, fontsize=size, ha="center", va="center")
    research_notice(figure)
    return figure


def _crop(item: LabelledImage) -> tuple[slice, slice]:
    if item.lungs is None:
        return slice(None), slice(None)
    return crop_to_lungs(item.lungs[None], _PIXELS)


def _row_height(one: SyntheticSlice) -> float:
    """In inches, with the titles; the tallest of the three pictures decides, up to a square."""
    shapes = [item.image[_crop(item)].shape for item in (one.infected, one.healthy, one.item)]
    tallest = max(float(rows / columns) for rows, columns in shapes)
    return _CELL_INCHES * min(1.0, tallest) + _TITLE_INCHES


def _draw(axes: Axes, item: LabelledImage, title: str) -> None:
    low, high = LUNG_WINDOW_HU
    crop = _crop(item)
    lesion = item.lesion[crop]
    axes.imshow(item.image[crop], cmap="gray", vmin=low, vmax=high)
    if lesion.any() and not lesion.all():
        axes.contour(lesion > 0, levels=[0.5], colors=[LESION_OUTLINE], linewidths=0.8)
    axes.set_axis_off()
    axes.set_title(title, color=PALE, fontsize=6.5, pad=3)
    side_marks(axes, 7)
    label(axes, window_text(LUNG_WINDOW_HU), 6, at=(0.0, 0.0))
