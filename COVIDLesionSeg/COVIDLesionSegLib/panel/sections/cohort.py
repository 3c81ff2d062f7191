"""Cohort: the CTs of the scene, and those of a folder or table, with what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.text import percent
from ...scene.cohort import CohortCase, cohort
from ..choices import SeverityRule
from ..cohort_files import CohortFiles
from ..node_watch import NodeWatch
from ..review.cases import verdict_text
from ..section import Panel, Section
from ..widgets import fill_table, fit_rows

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode


class CohortSection(Section):
    """A table with a row for each CT of the scene; and the CTs of files, :mod:`..cohort_files`.

    Attributes:
        files: The CTs of a folder or table.
    """

    UI_FILE = "Cohort"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._node: COVIDLesionSegParameterNode | None = None
        self._rule = SeverityRule.WORSE_LUNG
        self._cases: list[CohortCase] = []
        self._watch = NodeWatch(self._fill)
        self.files = CohortFiles(panel, self.ui)
        table = self.ui.cohortTable
        fit_rows(table)
        table.connect("cellClicked(int,int)", self._on_chosen)
        table.connect("cellActivated(int,int)", self._on_chosen)  # the Enter key
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        self._node = node
        self.files.show_state()
        if node is not None and node.severityRule is not self._rule:
            self._rule = node.severityRule
            self._watch.look_soon()

    def show_result(self, in_views: bool, new: bool) -> None:
        self._watch.look_soon()

    def palette_changed(self) -> None:
        self.files.palette_changed()

    def nodes_changed(self) -> None:
        self._watch.look_soon()

    def scene_closing(self) -> None:
        self.files.scene_closing()
        self._watch.stop()
        self._show([])

    def close(self) -> None:
        self.files.close()
        self._watch.stop()

    def _on_collapsed(self, collapsed: bool) -> None:
        if not collapsed:
            self._fill()

    def _fill(self) -> None:
        """Read the scene again; while the section is folded away, nothing is read."""
        if self.root.collapsed or slicer.mrmlScene.IsBatchProcessing():
            return
        cases = cohort(slicer.mrmlScene, self._rule.value)
        self._show(cases)
        self._watch.watch(
            [
                *(case.ct for case in cases),
                *(case.segmentation for case in cases if case.segmentation is not None),
            ]
        )

    def _show(self, cases: list[CohortCase]) -> None:
        self._cases = cases
        table = self.ui.cohortTable
        header = [_("CT"), _("Severity"), _("Infected"), _("Warnings"), _("Verdict")]
        fill_table(table, header, [_texts(case) for case in cases])
        table.clearSelection()
        for row, case in enumerate(cases):
            if case.ct is self.panel.ct:
                table.selectRow(row)
        table.visible = bool(cases)
        self.ui.cohortLabel.visible = not cases

    def _on_chosen(self, row: int, column: int) -> None:
        if self._node is None or not row < len(self._cases):
            return
        ct = self._cases[row].ct
        if slicer.mrmlScene.IsNodePresent(ct):
            self._node.ct = ct


def _texts(case: CohortCase) -> list[str]:
    none = _("n/a")
    return [
        case.ct.GetName() or "",
        case.category or none,
        percent(case.ratio),
        none if case.warnings is None else str(case.warnings),
        none if case.verdict is None else verdict_text(case.verdict),
    ]
