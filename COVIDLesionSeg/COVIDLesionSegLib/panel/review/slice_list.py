"""The table of slices to look at: where they are, why, and which were seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import qt
from slicer.i18n import tr as _

from ...engine.review.queue import LEAST_MM2, MOST, SHARE, SliceToReview
from ...engine.text import confidence_text
from ..widgets import fill_row, fit_rows, set_header

_SEEN = "\u2713"


class ReviewList:
    """Fills a table of the ``.ui`` file, the slice with the greatest need first.

    Attributes:
        slices: What the rows are about, in order.
    """

    def __init__(self, table: qt.QTableWidget, on_chosen: Callable[[SliceToReview], None]) -> None:
        """``on_chosen`` gets the slice of the row that the user goes to."""
        self.slices: Sequence[SliceToReview] = ()
        self._table = table
        self._on_chosen = on_chosen
        self._filling = False
        set_header(table, [_("Slice"), _("Why to look at it"), _("Seen")], wide=(1,))
        table.verticalHeader().hide()
        # A reason is told in full: its row grows where the column is too narrow for one line.
        fit_rows(table)
        table.toolTip = _(
            "Slices that a quality flag names, the one with the largest lesion, and others with at "
            "least {share:.0%} of the greatest doubt: at most {most}, the most doubtful first. "
            "Confidence, 0 to 1, is the share of the slice's lesion that experts would be "
            "expected to mark, too. Choose a row to see the slice."
        ).format(share=SHARE, most=MOST)
        table.connect("currentCellChanged(int,int,int,int)", self._on_current)
        table.connect("cellClicked(int,int)", self._on_clicked)

    def show(
        self, slices: Sequence[SliceToReview], seen: Collection[int], messages: Mapping[str, str]
    ) -> None:
        """List these slices instead of the present ones; no row is chosen.

        Args:
            slices: In order.
            seen: Indices of those that were looked at.
            messages: What each quality flag says, by code.
        """
        self.slices = slices
        self._filling = True
        self._table.clearContents()
        self._table.setRowCount(len(slices))
        for row, slice_ in enumerate(slices):
            why = ", ".join(_reasons(slice_))
            tooltip = "\n".join([why, *(messages.get(code, code) for code in slice_.flags)])
            place = _("{index} (S {position:+.0f} mm)").format(
                index=slice_.index, position=slice_.position_mm
            )
            fill_row(self._table, row, (place, why, ""), tooltip=tooltip)
        self._table.setCurrentCell(-1, -1)
        self._filling = False
        self.mark(seen)

    def mark(self, seen: Collection[int]) -> None:
        """Mark the slices that were looked at, by index."""
        for row, slice_ in enumerate(self.slices):
            self._table.item(row, 2).setText(_SEEN if slice_.index in seen else "")

    @property
    def current(self) -> SliceToReview | None:
        """The slice of the chosen row."""
        row = self._table.currentRow()
        return self.slices[row] if 0 <= row < len(self.slices) else None

    def go(self, step: int) -> None:
        """Choose the next row (1) or the one before (-1), going round at the ends."""
        if not self.slices:
            return
        row = self._table.currentRow()
        if row < 0:
            row = -1 if step > 0 else 0
        self._table.setCurrentCell((row + step) % len(self.slices), 0)

    def _on_current(self, row: int, column: int, old_row: int, old_column: int) -> None:
        if not self._filling and row != old_row and self.current is not None:
            self._on_chosen(self.current)

    def _on_clicked(self, row: int, column: int) -> None:
        # A click on the row that is chosen already brings its slice back into the views.
        if self.current is not None:
            self._on_chosen(self.current)


def _reasons(one: SliceToReview) -> list[str]:
    reasons = []
    if one.flags:
        reasons.append(_("quality flag"))
    if one.uncertain_mm2 >= LEAST_MM2:
        reasons.append(_("uncertain {area:.1f} cm\u00b2").format(area=one.uncertain_mm2 / 100))
    if one.disagreement_mm2 is not None and one.disagreement_mm2 >= LEAST_MM2:
        reasons.append(
            _("members disagree {area:.1f} cm\u00b2").format(area=one.disagreement_mm2 / 100)
        )
    if one.largest:
        reasons.append(_("largest lesion"))
    if not reasons:
        reasons.append(_("lesion {area:.1f} cm\u00b2").format(area=one.lesion_mm2 / 100))
    if one.confidence is not None:
        reasons.append(_("confidence {value}").format(value=confidence_text(one.confidence)))
    return reasons
