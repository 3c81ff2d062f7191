"""Every file of a result of lesions one by one: table, label map, picture, report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.boxes import bounding_box
from ..engine.detection.result import LesionDetection
from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..engine.labels import LUNG_WINDOW_HU
from ..engine.volume import Volume
from ..engine.volume.writing import write_volume
from .figures import (
    FOOT_INCHES,
    INK,
    black_figure,
    crop_to_lungs,
    draw_box,
    figure_style,
    label,
    research_notice,
    save_png,
    side_marks,
)
from .html_page import data_uri, groups, write_page
from .json_file import grid_content, head, write_json
from .result_files import (
    LESIONS_CSV,
    LESIONS_FORMAT,
    LESIONS_LABELS,
    LESIONS_PICTURE,
    LESIONS_VERSION,
    REPORT_HTML,
    REPORT_JSON,
)
from .tables import write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 9
"""Lesions in the picture, the largest."""
_LISTED = 100
"""Lesions in the HTML report; the other files list all."""
_COLUMNS = 3
_INCHES, _GAP, _CURVE_INCHES = 3.0, 0.06, 2.0
_DPI = 110
_BOX = "#ffbf00"

COLUMNS = (
    "number",
    "region",
    "lobe",
    "first_slice",
    "last_slice",
    "largest_slice",
    "right_left_mm",
    "anterior_posterior_mm",
    "inferior_superior_mm",
    "lesion_ml",
    "mean_hu",
    "score",
    "centre_l_mm",
    "centre_p_mm",
    "centre_s_mm",
)


def write_detection(volume: Volume, found: LesionDetection, folder: Path) -> None:
    """Write all files of :data:`~.result_files.LESIONS_RESULT`.

    Args:
        volume: The CT in HU.
        found: Its lesions, on the same grid.
        folder: Where the files go.

    Raises:
        OutputError: A file cannot be written.
    """
    write_json(detection_content(found), folder / REPORT_JSON)
    rows = [
        (
            lesion.number,
            lesion.region,
            lesion.lobe,
            *lesion.slices,
            lesion.largest_slice,
            *lesion.box_mm,
            lesion.lesion_ml,
            lesion.mean_hu,
            lesion.score,
            *lesion.centre_lps_mm,
        )
        for lesion in found.lesions
    ]
    write_table(COLUMNS, rows, folder / LESIONS_CSV)
    write_volume(found.labels, found.geometry, folder / LESIONS_LABELS)
    write_lesions_picture(volume, found, folder / LESIONS_PICTURE)
    write_page(
        "lesions_template.html",
        folder / REPORT_HTML,
        found=found,
        listed=found.lesions[:_LISTED],
        untrained=UNTRAINED_MARK if is_untrained(found.flags) else "",
        flags=sorted(found.flags, key=lambda flag: flag.level != "warning"),
        total_ml=sum(lesion.lesion_ml for lesion in found.lesions),
        picture=data_uri((folder / LESIONS_PICTURE).read_bytes()),
        shown=min(_SHOWN, len(found.lesions)),
        provenance=groups(found.provenance),
    )


def detection_content(found: LesionDetection) -> dict[str, Any]:
    """The report as plain values; units are part of the names."""
    return {
        **head(LESIONS_FORMAT, LESIONS_VERSION),
        "rule": found.rule,
        "lesions": [asdict(lesion) for lesion in found.lesions],
        "slices": [asdict(slice_) for slice_ in found.slices],
        "flags": [asdict(flag) for flag in found.flags],
        "geometry": grid_content(found.geometry),
        "provenance": found.provenance,
    }


@figure_style()
def write_lesions_picture(volume: Volume, found: LesionDetection, path: Path) -> None:
    """Draw the largest lesions, each in its largest slice with a box around it, and the curve.

    The curve, of a detector, is the probability of every class by slice.
    """
    shown = found.lesions[:_SHOWN]
    rows = max(1, -(-len(shown) // _COLUMNS))
    axial = volume.axial
    lungs, labels = volume.order.to_axial(found.lungs), volume.order.to_axial(found.labels)
    window = crop_to_lungs(lungs, volume.axial_spacing)
    cell = _INCHES * _rows_to_columns(axial[0][window].shape, volume.axial_spacing) + _GAP
    height = rows * cell + (_CURVE_INCHES if found.slices else 0.0) + FOOT_INCHES
    figure = black_figure(_COLUMNS * _INCHES, height)
    for place, one in enumerate(shown):
        row, column = divmod(place, _COLUMNS)
        bottom = (height - (row + 1) * cell) / height
        axes = figure.add_axes(
            (column / _COLUMNS + 0.004, bottom, 1 / _COLUMNS - 0.008, (cell - _GAP) / height)
        )
        index = one.largest_slice
        _draw(axes, axial[index][window], labels[index][window] == one.number, volume)
        label(axes, f"{one.number}: slice {index}, {one.lesion_ml:.1f} ml, {one.score:.2f}", 7)
        side_marks(axes, 7)
    if not shown:
        figure.text(0.5, 0.6, "No lesion was found.", color=INK, ha="center")
    if found.slices:
        _draw_curve(
            figure.add_axes((0.08, (FOOT_INCHES + 0.35) / height, 0.86, 1.35 / height)), found
        )
    research_notice(figure)
    save_png(figure, path, _DPI)


def _rows_to_columns(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> float:
    """Height of a slice, by its width, in mm."""
    _, row_mm, column_mm = spacing
    return shape[0] * row_mm / (shape[1] * column_mm)


def _draw(axes: Axes, hu: np.ndarray, mask: np.ndarray, volume: Volume) -> None:
    low, high = LUNG_WINDOW_HU
    _, row_mm, column_mm = volume.axial_spacing
    axes.imshow(hu, cmap="gray", vmin=low, vmax=high, aspect=row_mm / column_mm)
    axes.set_axis_off()
    box = bounding_box(mask)
    if box is not None:
        draw_box(axes, box, _BOX, 1.2)
    axes.contour(mask, levels=[0.5], colors=[_BOX], linewidths=0.7)


def _draw_curve(axes: Axes, found: LesionDetection) -> None:
    indices = [slice_.index for slice_ in found.slices]
    for name in found.slices[0].probabilities:
        axes.plot(indices, [slice_.probabilities[name] for slice_ in found.slices], label=name)
    axes.set_facecolor("black")
    axes.set_ylim(0, 1)
    axes.set_xlabel("slice, from the inferior end", color=INK, fontsize=8)
    axes.set_ylabel("probability", color=INK, fontsize=8)
    axes.tick_params(colors=INK, labelsize=7)
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.legend(fontsize=7, labelcolor=INK, facecolor="black", edgecolor=INK)
