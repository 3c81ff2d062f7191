"""What a retraining gave: both models on each held-out patient, pictures, and the lineage."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _

from ...engine.errors import ModelError
from ...engine.models.catalogue import load_catalogue
from ...engine.models.lineage import lineage_of
from ...engine.models.retrained import Retrained
from ...engine.text import printable
from ..widgets import fit_rows, set_cell, set_header

_MEASURES = ("dice", "sensitivity", "precision")
_NARROWEST, _WIDEST = 240, 480
"""Width of a picture in pixels, between which it follows the panel."""
_BETTER, _WORSE = "#2e8b57", "#d9534f"
"""On light and on dark ground; the numbers say the same."""


class ComparisonTable:
    """A row for each held-out patient, and one for all of them together."""

    def __init__(self, table: qt.QTableWidget) -> None:
        self._table = table
        fit_rows(table)

    def show(self, retrained: Retrained | None) -> None:
        """Show the comparison of a retraining; nothing where there is none."""
        comparison = None if retrained is None else retrained.comparison
        self._table.visible = comparison is not None
        if comparison is None:
            return
        rows = [
            (patient.patient, patient.slices, patient.old, patient.new)
            for patient in comparison.patients
        ]
        slices = sum(patient.slices for patient in comparison.patients)
        rows.append((_("Together"), slices, comparison.old, comparison.new))
        header = [_("Patient"), _("Dice"), _("Sensitivity"), _("Precision")]
        set_header(self._table, header, wide=range(len(header)))
        self._table.setRowCount(len(rows))
        for row, (patient, count, old, new) in enumerate(rows):
            slices_text = _("{count} slices, held out").format(count=count)
            set_cell(self._table, row, 0, patient, slices_text)
            for column, measure in enumerate(_MEASURES, start=1):
                _set_change(self._table, row, column, getattr(old, measure), getattr(new, measure))


class PictureViewer:
    """The pictures of a retraining, one at a time."""

    def __init__(
        self,
        frame: qt.QWidget,
        picture: qt.QLabel,
        caption: qt.QLabel,
        previous: qt.QPushButton,
        next_: qt.QPushButton,
    ) -> None:
        self._frame, self._picture, self._caption = frame, picture, caption
        self._retrained: Retrained | None = None
        self._folder = Path()
        self._index = 0
        previous.connect("clicked()", self._on_previous)
        next_.connect("clicked()", self._on_next)
        self._buttons = (previous, next_)

    def show(self, retrained: Retrained | None, folder: Path) -> None:
        """Show the first picture; nothing where there is none.

        Args:
            retrained: What a retraining gave.
            folder: Folder of its model, with the pictures.
        """
        self._retrained, self._folder, self._index = retrained, folder, 0
        self._show()

    def fit(self) -> None:
        """Fit the picture into the panel, whose width has changed."""
        self._show()

    def _on_previous(self) -> None:
        self._index -= 1
        self._show()

    def _on_next(self) -> None:
        self._index += 1
        self._show()

    def _show(self) -> None:
        pictures = self._retrained.pictures if self._retrained is not None else ()
        self._frame.visible = bool(pictures)
        if not pictures:
            return
        self._index %= len(pictures)
        one = pictures[self._index]
        image = qt.QPixmap(str(self._folder / one.file))
        if not image.isNull():
            width = min(max(int(self._frame.width), _NARROWEST), _WIDEST)
            image = image.scaledToWidth(width, qt.Qt.SmoothTransformation)
        self._picture.setPixmap(image)
        text = _("{number} of {count}: patient {patient}, slice {slice}, {pixels} pixels differ")
        self._caption.text = text.format(
            number=self._index + 1,
            count=len(pictures),
            patient=one.patient,
            slice=one.slice_index,
            pixels=one.pixels,
        )
        for button in self._buttons:
            button.enabled = len(pictures) > 1


def lineage_text(retrained: Retrained) -> str:
    """The new model and those before it, each with what it learned from."""
    learned = retrained.learned
    lines = [
        _(
            "{model}: trained on {accepted} accepted and {corrected} corrected cases and "
            "{predictions} confident predictions; {steps} steps, seed {seed}"
        ).format(
            model=printable(retrained.model),
            accepted=learned.accepted,
            corrected=learned.corrected,
            predictions=learned.predictions,
            steps=learned.steps,
            seed=learned.seed,
        )
    ]
    try:
        for ancestor in lineage_of(load_catalogue(), retrained.parent):
            facts = "; ".join(ancestor.facts()) or _("nothing is recorded")
            lines.append(f"↑ {printable(ancestor.id)}: {printable(facts)}")
    except ModelError as error:
        lines.append(str(error))
    return "\n".join(lines)


def _set_change(
    table: qt.QTableWidget, row: int, column: int, before: float | None, after: float | None
) -> None:
    exact = _("{old} before, {new} after").format(old=_exact(before), new=_exact(after))
    cell = set_cell(table, row, column, f"{_short(before)} → {_short(after)}", exact)
    cell.setTextAlignment(qt.Qt.AlignCenter)
    if before is not None and after is not None and _short(before) != _short(after):
        cell.setForeground(qt.QBrush(qt.QColor(_BETTER if after > before else _WORSE)))


def _short(value: float | None) -> str:
    return str(_("n/a")) if value is None else f"{value:.2f}"


def _exact(value: float | None) -> str:
    return str(_("n/a")) if value is None else f"{value:.4f}"
