"""Follow-up: the CT on show is compared with an earlier one of the same patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError
from ...engine.severity.report import SeverityReport
from ...engine.text import millilitres, percent, signed_percent
from ...scene.cohort import cohort
from ...scene.follow_up import show_comparison, studies_of
from ...scene.show import find_result
from ...worker.comparison import ComparedStudies, compare_in_background
from ..choices import SeverityRule
from ..preparing.dependencies import installed_version
from ..region_names import region_text
from ..running.job_button import JobButton
from ..running.run import RunState
from ..section import Panel, Section
from ..widgets import fill_table, fit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slicer import vtkMRMLScalarVolumeNode

    from ...worker.job import WorkerJob

_PAGE_PACKAGES = ("matplotlib", "jinja2")
_OUTPUTS = ("summaryLabel", "flagsLabel", "volumesTable", "lesionChangesTable", "chartLabel")
_MOST_LESIONS = 30
"""Rows of the table of lesions."""


class FollowUpSection(Section):
    """Chooses an earlier CT that has a result, compares, and shows tables, chart and segments.

    Attributes:
        comparison: The button that starts and cancels the job.
    """

    UI_FILE = "FollowUp"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._earlier: list[vtkMRMLScalarVolumeNode] = []
        self._compared: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode] | None = None
        self._compared_of: list[SeverityReport | None] = []
        self._shown_on: vtkMRMLScalarVolumeNode | None = None
        self._shown_of: SeverityReport | None = None
        self._filled: set[str] = set()
        for table in (self.ui.volumesTable, self.ui.lesionChangesTable):
            fit_rows(table)
        self.comparison = JobButton[ComparedStudies](
            self.ui.followUpButton, panel, self._start, self._on_compared
        )
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)
        self._clear()

    def show_result(self, in_views: bool, new: bool) -> None:
        self._list_earlier()
        result = self.panel.result
        of_now = None if result is None else result.severity
        # Of a result that was corrected, undone or replaced since, the figures are wrong.
        if self.panel.ct is not self._shown_on or new or of_now != self._shown_of:
            self._clear()

    def show_state(self) -> None:
        self._show_ready()

    def nodes_changed(self) -> None:
        self._list_earlier()

    def scene_closing(self) -> None:
        self.comparison.cancel()
        self._clear()
        self._earlier = []
        self.ui.earlierComboBox.clear()  # names of CTs

    def close(self) -> None:
        self.comparison.run.stop_now()

    def _on_collapsed(self, collapsed: bool) -> None:
        self._list_earlier()
        if not collapsed:  # unfolding shows what was hidden while it was folded away
            self._show_filled()

    def _list_earlier(self) -> None:
        """List the other CTs with a result; while the section is folded away, nothing is read."""
        if self.root.collapsed or slicer.mrmlScene.IsBatchProcessing():
            return
        cases = cohort(slicer.mrmlScene, SeverityRule.WORSE_LUNG.value)
        found = [
            case.ct
            for case in cases
            if case.segmentation is not None and case.ct is not self.panel.ct
        ]
        box = self.ui.earlierComboBox
        if found != self._earlier:
            chosen = self._chosen()
            self._earlier = found
            box.clear()
            box.addItems([ct.GetName() or "" for ct in found])
            if chosen in found:
                box.currentIndex = found.index(chosen)
        self._show_ready()

    def _show_ready(self) -> None:
        """Say what is missing before CTs can be compared; nothing is read for it."""
        self.ui.earlierComboBox.enabled = bool(self._earlier)
        ready = bool(self._earlier) and self.panel.result is not None
        self.ui.followUpLabel.visible = not ready
        if self.comparison.run.state is RunState.IDLE:
            self.ui.followUpButton.enabled = ready

    def _chosen(self) -> vtkMRMLScalarVolumeNode | None:
        index = self.ui.earlierComboBox.currentIndex
        return self._earlier[index] if 0 <= index < len(self._earlier) else None

    def _start(self) -> WorkerJob[ComparedStudies]:
        earlier, later = self._chosen(), self.panel.ct
        if earlier is None or later is None:
            raise InputError(_("Choose an earlier CT of the same patient that has a result."))
        self._compared = (earlier, later)
        self._compared_of = _severities(self._compared)
        days = self.ui.daysSpinBox.value
        return compare_in_background(
            studies_of(self._compared),
            days=(0, days) if days >= 0 else (),
            page=all(installed_version(name) is not None for name in _PAGE_PACKAGES),
        )

    def _on_compared(self, compared: ComparedStudies) -> None:
        assert self._compared is not None  # the job was started
        earlier, later = self._compared
        if _severities(self._compared) != self._compared_of:
            self.panel.say(
                _("A result changed while the CTs were compared: compare them again."), warning=True
            )
            return
        try:
            show_comparison((earlier, later), compared.facts, compared.changes)
        except InputError as error:
            self.panel.say(str(error), warning=True)
            return
        if self.panel.ct is not later:  # another was chosen meanwhile: its segments are there
            return
        self._shown_on = later
        self._shown_of = None if self.panel.result is None else self.panel.result.severity
        (pair,) = compared.facts["pairs"]
        _fill_volumes(self.ui.volumesTable, pair)
        _fill_lesions(self.ui.lesionChangesTable, pair)
        self.ui.flagsLabel.text = "\n".join(flag["message"] for flag in pair["flags"])
        self.ui.summaryLabel.text = _summary(pair)
        self._filled = {"summaryLabel", "volumesTable"}
        if pair["flags"]:
            self._filled.add("flagsLabel")
        if pair["lesions"]:
            self._filled.add("lesionChangesTable")
        picture = qt.QPixmap()
        if compared.chart and picture.loadFromData(qt.QByteArray(compared.chart), "PNG"):
            self.ui.chartLabel.setPixmap(picture)
            self._filled.add("chartLabel")
        self._show_filled()

    def _clear(self) -> None:
        self._shown_on = None
        self._filled = set()
        self._show_filled()

    def _show_filled(self) -> None:
        for name in _OUTPUTS:
            getattr(self.ui, name).visible = name in self._filled


def _severities(cts: Iterable[vtkMRMLScalarVolumeNode]) -> list[SeverityReport | None]:
    """What the results of CTs say now: others after a correction, an undo or another run."""
    results = map(find_result, cts)
    return [None if result is None else result.severity for result in results]


def _fill_volumes(table: qt.QTableWidget, pair: dict[str, Any]) -> None:
    header = [_("Region"), _("Lesions, ml"), _("Change"), _("Infected")]
    rows = [
        [
            region_text(region["region"]),
            _("{earlier} to {later}").format(
                earlier=millilitres(region["lesion_ml"]["earlier"]),
                later=millilitres(region["lesion_ml"]["later"]),
            ),
            _signed_percent(region["lesion_ml"]["relative"]),
            _("{earlier} to {later}").format(
                earlier=percent(region["ratio"]["earlier"]),
                later=percent(region["ratio"]["later"]),
            ),
        ]
        for region in pair["changes"]
    ]
    fill_table(table, header, rows)


def _fill_lesions(table: qt.QTableWidget, pair: dict[str, Any]) -> None:
    kinds = {
        "new": _("new"),
        "resolved": _("resolved"),
        "persistent": _("persistent"),
        "not covered": _("not covered"),
    }
    header = [_("Lesion"), _("Lung"), _("Volume, ml"), _("Change")]
    lesions = pair["lesions"] or []
    rows = [
        [
            kinds[lesion["kind"]],
            region_text(lesion["region"]),
            _("{earlier} to {later}").format(
                earlier=millilitres(lesion["earlier_ml"]), later=millilitres(lesion["later_ml"])
            ),
            _signed_percent(lesion["change_ratio"]),
        ]
        for lesion in lesions[:_MOST_LESIONS]
    ]
    fill_table(table, header, rows)


def _summary(pair: dict[str, Any]) -> str:
    counts = pair["counts"]
    if counts is None:
        return str(_("Lesions could not be matched: see below why. Volumes are compared."))
    return str(
        _("{new} new, {resolved} resolved, {persistent} persistent lesions.").format(
            new=counts["new"], resolved=counts["resolved"], persistent=counts["persistent"]
        )
    )


def _signed_percent(ratio: float | None) -> str:
    return str(_("n/a")) if ratio is None else signed_percent(ratio)
