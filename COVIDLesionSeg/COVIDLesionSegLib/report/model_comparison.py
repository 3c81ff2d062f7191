"""A retrained model beside its parent: table, JSON, and pictures of where they differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from .. import RESEARCH_USE_NOTICE
from ..engine.evaluation import examples as picture
from ..engine.labels import LUNG_WINDOW_HU
from ..engine.models.promotion import ParentScores
from ..engine.models.retrained import Retrained
from ..engine.text import printable
from .evaluation import grey_slice
from .figures import (
    FOOT_INCHES,
    INK,
    PALE,
    black_figure,
    crop_to_lungs,
    figure_style,
    label,
    named_legend,
    research_notice,
    save_png,
    scale_bar,
    side_marks,
    window_text,
)
from .json_file import write_json
from .tables import write_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..engine.evaluation.differences import DifferenceSlice

_CELL_INCHES = 3.4
_HEAD_INCHES, _GAP_INCHES = 0.5, 0.03
_DPI = 120
_TRUTH_COLOR = "white"
_LONGEST_NAME = 24
_CASES = {
    "found": picture.TRUE_POSITIVE,
    "missed": picture.FALSE_NEGATIVE,
    "false positive": picture.FALSE_POSITIVE,
}


def write_comparison_json(retrained: Retrained, path: Path) -> None:
    """Write what a retraining gave; what is undefined is null.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json({"research_use_notice": RESEARCH_USE_NOTICE, **retrained.to_dict()}, path)


def write_comparison_csv(comparison: ParentScores, path: Path) -> None:
    """Write a row for every held-out patient, and at last one over all of them, ``pooled``.

    Raises:
        OutputError: The file cannot be written.
    """
    measures = ("dice", "sensitivity", "precision")
    rows = [
        (patient.patient, patient.slices, patient.old, patient.new)
        for patient in comparison.patients
    ]
    slices = sum(patient.slices for patient in comparison.patients)
    write_table(
        [
            "patient",
            "slices",
            *(f"{name}_{which}" for name in measures for which in ("old", "new")),
        ],
        [
            [patient, count, *(getattr(one, name) for name in measures for one in (old, new))]
            for patient, count, old, new in (
                *rows,
                ("pooled", slices, comparison.old, comparison.new),
            )
        ],
        path,
    )


@figure_style()
def write_difference_figure(shown: DifferenceSlice, old: str, new: str, path: Path) -> None:
    """Write :func:`draw_difference` as a PNG file.

    Raises:
        OutputError: The file cannot be written.
    """
    save_png(draw_difference(shown, old, new), path, _DPI)


@figure_style()
def draw_difference(shown: DifferenceSlice, old: str, new: str) -> Figure:
    """Draw a slice four times: the CT, the reviewed lesions, and what each model finds of them.

    Radiological view, cropped to the lungs, with slice number, window and scale bar.

    Args:
        shown: The slice.
        old, new: Ids of the parent and of the retrained model.
    """
    rows, columns = crop_to_lungs(shown.lung_area[None], (1.0, *shown.spacing_mm))
    grey = grey_slice(shown.image)
    truth = shown.truth
    tall = (rows.stop - rows.start) * shown.spacing_mm[0]
    wide = (columns.stop - columns.start) * shown.spacing_mm[1]
    cell_height = _CELL_INCHES * tall / wide
    width, height = 2 * _CELL_INCHES, _HEAD_INCHES + 2 * cell_height + FOOT_INCHES
    figure = black_figure(width, height)
    pictures = (
        ("CT", grey),
        ("Reviewed lesions", grey),
        (printable(old, _LONGEST_NAME), picture.confusion_picture(grey, shown.old, truth)),
        (printable(new, _LONGEST_NAME), picture.confusion_picture(grey, shown.new, truth)),
    )
    for number, (title, pixels) in enumerate(pictures):
        row, column = divmod(number, 2)
        axes = figure.add_axes(
            (
                (column * _CELL_INCHES + _GAP_INCHES) / width,
                (FOOT_INCHES + (1 - row) * cell_height + _GAP_INCHES) / height,
                (_CELL_INCHES - 2 * _GAP_INCHES) / width,
                (cell_height - 2 * _GAP_INCHES) / height,
            )
        )
        _draw(axes, pixels[rows, columns], title, shown)
        if number == 1 and truth[rows, columns].any():
            axes.contour(truth[rows, columns], levels=[0.5], colors=[_TRUTH_COLOR], linewidths=1.0)
        if number == 0:
            label(axes, f"Slice {shown.index}", 9, at=(1.0, 1.0))
            label(axes, window_text(LUNG_WINDOW_HU), 7, at=(0.0, 0.0))
    figure.text(
        _GAP_INCHES / width,
        1 - 0.16 / height,
        f"Held-out patient {printable(shown.patient, _LONGEST_NAME)}, case "
        f"{printable(shown.name, _LONGEST_NAME)}",
        color=INK,
        fontsize=10,
        va="center",
    )
    _legend(figure)
    research_notice(figure)
    return figure


def _draw(axes: Axes, pixels: npt.NDArray[np.uint8], title: str, shown: DifferenceSlice) -> None:
    height_mm, width_mm = shown.spacing_mm
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect=height_mm / width_mm)
    axes.set_axis_off()
    label(axes, title, 9)
    side_marks(axes, 8)
    scale_bar(axes, width_mm, 8)


def _legend(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    named_legend(
        figure,
        [Patch(color="#{:02x}{:02x}{:02x}".format(*color)) for color in _CASES.values()],
        list(_CASES),
        loc="center left",
        bbox_to_anchor=(_GAP_INCHES / width, 1 - 0.36 / height),
        ncols=len(_CASES),
        fontsize=8,
        labelcolor=PALE,
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.0,
        columnspacing=1.5,
    )
