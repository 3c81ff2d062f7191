"""The list of a cohort's cases, as the cohort's folder says them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import qt
from slicer.i18n import tr as _

from ..engine.cohort.record import CaseRecord, RecordWatch, forget_begun
from ..engine.steps import Steps, finish
from ..engine.text import percent
from .idle_work import IdleWork
from .widgets import fill_row, set_header

_LOOK_INTERVAL_MS = 1000


class CohortList:
    """Fills a table of the ``.ui`` file with the cases of a folder, while the window goes on.

    The folder is all that it knows, so the cases of an earlier run are listed as well.
    """

    def __init__(
        self,
        table: qt.QTableWidget,
        on_chosen: Callable[[CaseRecord], None],
        on_looked: Callable[[], None],
    ) -> None:
        """The callbacks are called in the window's thread.

        Args:
            table: The table.
            on_chosen: Gets the case of the row that was double-clicked.
            on_looked: Called when the folder was looked at.
        """
        self._table = table
        self._on_chosen = on_chosen
        self._on_looked = on_looked
        self._folder: Path | None = None
        self._watch: RecordWatch | None = None
        self._names: list[str] = []
        self._records: dict[str, CaseRecord] = {}
        self._looking = IdleWork()
        self._forgetting = IdleWork()
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_INTERVAL_MS)
        self._timer.connect("timeout()", self.look)
        header = [_("Case"), _("Status"), _("Severity"), _("Infected"), _("Remarks")]
        set_header(table, header, wide=(0, 4))
        table.verticalHeader().hide()
        table.visible = False
        table.connect("cellDoubleClicked(int,int)", self._on_double_clicked)

    @property
    def active(self) -> bool:
        """Whether the list is still behind the folder."""
        return self._looking.active or self._forgetting.active

    def count(self, status: str) -> int:
        """Number of listed cases with a status, see :class:`..engine.cohort.record.CaseRecord`."""
        return sum(record.status == status for record in self._records.values())

    def show_folder(self, folder: Path | None) -> None:
        """List the cases of another folder, or of none."""
        self._folder = folder
        self._list_anew()
        self._table.visible = False  # until it was looked at

    def follow(self) -> None:
        """Look at the folder every second from now on."""
        self._timer.start()

    def stop_following(self) -> None:
        """Look at the folder once more, and then no longer."""
        self._timer.stop()
        self.look()

    def look(self, then: Callable[[], None] | None = None) -> None:
        """List what the folder says by now; ``then`` is called when all of it is listed."""
        if self._watch is None or (self._looking.active and then is None):
            return
        if self._looking.active:
            self._looking.finish()
        self._looking.start(self._update(self._watch), lambda nothing: then() if then else None)

    def forget_begun(self) -> None:
        """Forget cases that were begun: that their process was ended is not their fault."""
        if self._folder is not None:
            self._forgetting.start(forget_begun(self._folder), lambda nothing: self._list_anew())

    def close(self, interrupted: bool) -> None:
        """Look at nothing more.

        Args:
            interrupted: Whether a process was ended, so that cases may have been begun.
        """
        self._timer.stop()
        if interrupted and self._folder is not None:
            finish(forget_begun(self._folder))
        if self._forgetting.active:
            self._forgetting.finish()
        self._looking.stop()  # last: what is forgotten is looked at

    def _list_anew(self) -> None:
        self._looking.stop()
        self._names, self._records = [], {}
        self._table.setRowCount(0)
        self._watch = None if self._folder is None else RecordWatch(self._folder)
        self.look()

    def _update(self, watch: RecordWatch) -> Steps[None]:
        for record in watch.changed():
            if record is not None:
                self._show_case(record)
            yield
        self._table.visible = bool(self._names)
        self._on_looked()

    def _show_case(self, record: CaseRecord) -> None:
        row = bisect_left(self._names, record.case)
        if record.case not in self._records:
            self._names.insert(row, record.case)
            self._table.insertRow(row)
        self._records[record.case] = record
        fill_row(self._table, row, _texts(record))

    def _on_double_clicked(self, row: int, column: int) -> None:
        if row < len(self._names):
            self._on_chosen(self._records[self._names[row]])


def flags_text(record: CaseRecord) -> str:
    """Warnings of a case that is done, or why there is no result."""
    if record.status == "done":
        return "; ".join(flag.message for flag in record.flags if flag.level == "warning")
    return str(record.error["message"] if record.error else _("It is not finished yet."))


def _texts(record: CaseRecord) -> list[str]:
    """A row of the list."""
    status = {"running": _("begun"), "done": _("done"), "failed": _("failed")}[record.status]
    severity = infected = _("n/a")
    if record.status == "done":
        severity = record.numbers["category"] or severity
        infected = percent(record.numbers["ratio"])
    return [record.case, str(status), severity, infected, flags_text(record)]
