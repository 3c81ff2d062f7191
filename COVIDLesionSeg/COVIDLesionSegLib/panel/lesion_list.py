"""The table of lesions one by one: choose one to see it, and mark all in the views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..engine.flags import is_untrained
from ..engine.severity.report import LesionSeverity, SeverityReport
from ..engine.text import confidence_text, millilitres
from ..scene.lesion_instances import (
    FORMS,
    MOST,
    find_instances,
    remove_instances,
    show_instances_of_result,
)
from ..scene.lesion_marks import find_marks, go_to_lesion, mark_lesions, remove_marks
from .region_names import region_text
from .widgets import fill_row, set_header, signals_blocked

if TYPE_CHECKING:
    from .section import Panel


class LesionList:
    """The part of the Results section that is about lesions one by one."""

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        self._lesions: Sequence[LesionSeverity] = ()
        self._filling = False
        self._shown: dict[str, tuple[str, SeverityReport]] = {}  # node and what it is of, by CT
        table = ui.lesionsTable
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.connect("currentCellChanged(int,int,int,int)", self._on_current)
        table.connect("cellClicked(int,int)", self._on_clicked)
        ui.markLesionsButton.connect("toggled(bool)", self._on_mark)
        ui.lesionNodesBox.connect("currentIndexChanged(int)", self._on_form)

    def show_case(self) -> None:
        """List the lesions of the case; what is shown of them one by one is that of now."""
        result, ct = self._panel.result, self._panel.ct
        graded = result is not None and not is_untrained(result.flags)
        self._lesions = result.severity.lesions[:MOST] if result is not None and graded else ()
        self._fill()
        if ct is not None and find_marks(ct) is not None:
            mark_lesions(ct, self._lesions)
        if ct is not None and (shown := find_instances(ct)) is not None:
            form, node = shown
            of_now = result is not None and (node.GetID(), result.severity)
            if self._shown.get(ct.GetID()) != of_now:  # it takes seconds, and the window waits
                self._show_nodes(form)
        self.nodes_changed()

    def nodes_changed(self) -> None:
        """Button and box say what is shown of the lesions of the case one by one."""
        ct, button = self._panel.ct, self._ui.markLesionsButton
        button.enabled = bool(self._lesions)
        button.toolTip = (
            _("Put a numbered point on every lesion of the table.")
            if self._lesions
            else _("This result has no lesion.")
        )
        with signals_blocked(button):
            button.checked = ct is not None and find_marks(ct) is not None
        box = self._ui.lesionNodesBox
        shown = None if ct is None else find_instances(ct)
        box.enabled = bool(self._lesions)
        with signals_blocked(box):
            box.setCurrentIndex(0 if shown is None else 1 + list(FORMS).index(shown[0]))

    def _fill(self) -> None:
        table = self._ui.lesionsTable
        calibrated = any(one.confidence is not None for one in self._lesions)
        header = [_("No."), _("Lung"), _("Slices"), _("ml")]
        header += [_("Confidence")] if calibrated else []
        self._filling = True
        table.clearContents()
        set_header(table, header, wide=(1,))
        table.setRowCount(len(self._lesions))
        for row, one in enumerate(self._lesions):
            texts = [
                str(one.number),
                region_text(one.region),
                _("{first} to {last}").format(first=one.slices[0], last=one.slices[1]),
                millilitres(one.lesion_ml),
            ]
            texts += [confidence_text(one.confidence)] if calibrated else []
            fill_row(table, row, texts, figures_from=0)
        table.setCurrentCell(-1, -1)
        self._filling = False

    def _on_current(self, row: int, *_previous: int) -> None:
        if not self._filling:
            self._go(row)

    def _on_clicked(self, row: int, _column: int) -> None:
        self._go(row)

    def _go(self, row: int) -> None:
        if self._panel.ct is None or not 0 <= row < len(self._lesions):
            return
        with slicer.util.tryWithErrorDisplay(_("The lesion could not be shown.")):
            go_to_lesion(self._panel.ct, self._lesions[row])

    def _on_form(self, index: int) -> None:
        self._show_nodes([None, *FORMS][index])
        self.nodes_changed()

    def _show_nodes(self, form: str | None) -> None:
        ct, result = self._panel.ct, self._panel.result
        with slicer.util.tryWithErrorDisplay(_("The lesions could not be shown one by one.")):
            if ct is None:
                return
            if form is None or result is None or not self._lesions:
                remove_instances(ct)
            else:
                node = show_instances_of_result(ct, result.segmentationNode, result.severity, form)
                self._shown[ct.GetID()] = (node.GetID(), result.severity)

    def _on_mark(self, wanted: bool) -> None:
        ct = self._panel.ct
        with slicer.util.tryWithErrorDisplay(_("The lesions could not be marked.")):
            if ct is not None and wanted and self._lesions:
                mark_lesions(ct, self._lesions)
            elif ct is not None:
                remove_marks(ct)
        self.nodes_changed()
