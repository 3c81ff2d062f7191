"""The table of cases: CTs of the scene with a result, and reviewed cases in the user's folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.review import (
    CaseList,
    CaseLock,
    ReviewedCase,
    Verdict,
    read_cases_in_steps,
    remove_case,
)
from ...scene import names
from ...scene.prediction import run_of
from ...scene.review import read_review
from ...scene.reviewed_ct import open_ct, opened_ct
from ...scene.show import SceneResult, find_result
from ...scene.volumes import may_be_ct
from ..idle_work import IdleWork
from ..unforeseen import log_unforeseen
from ..widgets import fill_row, set_header

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ..section import Panel


@dataclass(frozen=True)
class CaseRow:
    """One case.

    Attributes:
        name: For people.
        verdict: None before one was given.
        doubt_ml: Volume that the prediction is in doubt about; None if it is not known yet.
        warnings: How many quality flags are warnings.
        ct: CT of a case in the scene.
        case: Of a case in the folder that is not in the scene.
    """

    name: str
    verdict: Verdict | None
    doubt_ml: float | None
    warnings: int
    ct: vtkMRMLScalarVolumeNode | None = None
    case: ReviewedCase | None = None

    @property
    def urgency(self) -> tuple[bool, int, float]:
        """What rows are sorted by: cases without a verdict first, then by flags and doubt."""
        return self.verdict is None, self.warnings, self.doubt_ml or 0.0


class ReviewCases:
    """Fills the table, the case with the greatest need of review first, and opens cases."""

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        self._rows: list[CaseRow] = []
        self._kept = CaseList((), ())
        self._doubts: dict[str, float] = {}
        self._reading = IdleWork()
        self._opening = IdleWork()
        table = ui.casesTable
        set_header(table, [_("Case"), _("Verdict"), _("Doubt"), _("Flags")], wide=(0,))
        table.verticalHeader().hide()
        table.connect("itemSelectionChanged()", self._show_buttons)
        table.connect("cellDoubleClicked(int,int)", self._on_double_clicked)
        ui.openCaseButton.connect("clicked(bool)", self._on_open)
        ui.removeCaseButton.connect("clicked(bool)", self._on_remove)

    @property
    def listed(self) -> bool:
        """Whether there is any case."""
        return bool(self._rows)

    def set_doubt(self, result: SceneResult, doubt_ml: float) -> None:
        """Tell how much a result in the scene is in doubt, once that was measured."""
        self._doubts[run_of(result)] = doubt_ml
        self._fill()

    def refresh(self) -> None:
        """List the cases anew; those in the folder are read while the window goes on."""
        self._fill()
        if not self._reading.active:
            self._reading.start(read_cases_in_steps(), self._on_read)

    def close(self) -> None:
        self._reading.stop()
        self._opening.stop()

    def _on_read(self, kept: CaseList) -> None:
        if kept != self._kept:
            self._kept = kept
            self._fill()
            self._panel.show_state()

    def _fill(self) -> None:
        rows, present = _scene_rows(self._doubts)
        rows += [_kept_row(case) for case in self._kept.cases if case.id not in present]
        rows.sort(key=lambda row: row.urgency, reverse=True)
        if rows != self._rows:
            self._rows = rows
            table = self._ui.casesTable
            table.clearContents()
            table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                fill_row(table, number, _texts(row))
            table.clearSelection()
        self._ui.problemsLabel.text = "\n".join(self._kept.problems)
        self._ui.problemsLabel.visible = bool(self._kept.problems)
        self._show_buttons()

    # What can be done with a case

    def _chosen(self) -> CaseRow | None:
        items = self._ui.casesTable.selectedItems()
        number = items[0].row() if items else -1
        return self._rows[number] if 0 <= number < len(self._rows) else None

    def _show_buttons(self) -> None:
        row = self._chosen()
        opens, removes = self._ui.openCaseButton, self._ui.removeCaseButton
        opens.enabled = row is not None and not self._opening.active
        opens.text = _("Opening") if self._opening.active else _("Open")
        removes.enabled = row is not None and row.case is not None
        choose = _("Choose a case of the list first.")
        opens.toolTip = (
            _("The CT of a case is being read.")
            if self._opening.active
            else _("Show the CT of this case.")
            if opens.enabled
            else choose
        )
        removes.toolTip = (
            choose
            if row is None
            else _("Delete this case, with its CT, from the folder of reviewed cases.")
            if removes.enabled
            else _("This case is in the scene: close the scene to remove it from the folder.")
        )

    def _on_double_clicked(self, row: int, column: int) -> None:
        self._on_open()

    def _on_open(self, clicked: bool = False) -> None:
        row = self._chosen()
        if row is None or self._opening.active:
            return
        ct = row.ct or (opened_ct(row.case.id) if row.case is not None else None)
        if ct is not None:
            self._on_opened(ct)
        elif row.case is not None:
            self._opening.start(open_ct(row.case, row.name), self._on_opened, self._on_not_opened)
            self._show_buttons()

    def _on_opened(self, ct: vtkMRMLScalarVolumeNode) -> None:
        node = self._panel.parameter_node
        if node is not None:
            node.ct = ct
        self._show_buttons()

    def _on_not_opened(self, error: Exception) -> None:
        self._show_buttons()
        slicer.util.errorDisplay(log_unforeseen(error))

    def scene_closing(self) -> None:
        self._opening.stop()
        self._show_buttons()

    def _on_remove(self, clicked: bool = False) -> None:
        row = self._chosen()
        if row is None or row.case is None:
            return
        agreed = slicer.util.confirmYesNoDisplay(
            _(
                "Delete this case from the folder of reviewed cases, with its CT, corrections and "
                "verdict? This cannot be undone."
            ),
            windowTitle=_("Delete a reviewed case?"),
        )
        if not agreed:
            return
        with slicer.util.tryWithErrorDisplay(_("The case could not be deleted.")):
            try:
                lock = CaseLock(row.case.id, row.case.folder.parent)
            except CovidLesionSegError as error:
                slicer.util.errorDisplay(str(error))
                return
            try:
                remove_case(row.case)
            finally:
                lock.release()
        self.refresh()


def _scene_rows(doubts: dict[str, float]) -> tuple[list[CaseRow], set[str]]:
    """The CTs of the scene with a result, and the ids of those that are in the folder, too."""
    rows, present = [], set()
    for ct in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        result = find_result(ct) if may_be_ct(ct) else None
        if result is None:
            continue
        review = read_review(result.segmentationNode)
        present |= {review.case, ct.GetAttribute(names.CASE_ATTRIBUTE)}
        warnings = sum(flag.level == "warning" for flag in result.flags)
        doubt = doubts.get(run_of(result))
        rows.append(CaseRow(str(ct.GetName()), review.verdict, doubt, warnings, ct=ct))
    return rows, present


def _kept_row(case: ReviewedCase) -> CaseRow:
    when = case.changed.astimezone().strftime("%Y-%m-%d %H:%M")
    name = _("Reviewed {when}").format(when=when)
    return CaseRow(name, case.verdict, case.doubt_ml, len(case.warnings), case=case)


def verdict_text(verdict: Verdict | None) -> str:
    """A verdict, for people."""
    names = {
        None: _("none yet"),
        Verdict.ACCEPTED: _("accepted"),
        Verdict.CORRECTED: _("corrected"),
        Verdict.REJECTED: _("rejected"),
    }
    return str(names[verdict])


def _texts(row: CaseRow) -> tuple[str, ...]:
    return (
        row.name,
        verdict_text(row.verdict),
        _("n/a") if row.doubt_ml is None else _("{volume:.1f} ml").format(volume=row.doubt_ml),
        str(row.warnings),
    )
