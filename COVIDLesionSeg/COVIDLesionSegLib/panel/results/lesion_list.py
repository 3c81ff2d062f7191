"""The table of lesions one by one: choose one to see it, and mark all in the views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError
from ...engine.flags import is_untrained
from ...engine.severity.report import Lesion, LesionSeverity
from ...engine.text import confidence_text, millilitres
from ...scene import names
from ...scene.detection import write_lungs
from ...scene.lesion_instances import (
    FORMS,
    MOST,
    find_instances,
    labels_of_result,
    remove_instances,
    show_instances,
    show_instances_of_result,
    shows,
)
from ...scene.lesion_marks import find_marks, go_to_lesion, mark_lesions, remove_marks
from ..idle_work import IdleWork
from ..region_names import region_text
from ..unforeseen import raise_unforeseen
from ..widgets import fill_row, set_header, signals_blocked
from .lesion_detector import LesionDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode

    from ...engine.detection.result import LesionDetection
    from ..section import Panel


class LesionList:
    """The part of the Results section that is about lesions one by one.

    Attributes:
        detector: Whether the lesions of the segmentation are listed, or those of a detector.
    """

    def __init__(
        self, panel: Panel, ui: Any, on_chart: Callable[[vtkMRMLPlotChartNode], None]
    ) -> None:
        """
        Args:
            panel: The panel.
            ui: Widgets of the section.
            on_chart: Shows a chart.
        """
        self._panel = panel
        self._ui = ui
        self._lesions: Sequence[Lesion] = ()
        self._filling = False
        self._renewing = IdleWork()
        table = ui.lesionsTable
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.connect("currentCellChanged(int,int,int,int)", self._on_current)
        table.connect("cellClicked(int,int)", self._on_clicked)
        ui.markLesionsButton.connect("toggled(bool)", self._on_mark)
        ui.lesionNodesBox.connect("currentIndexChanged(int)", self._on_form)
        self.detector = LesionDetector(panel, ui, self.show_case, on_chart)

    def show_case(self) -> None:
        """List the lesions of the case; what is shown of them one by one is that of now."""
        ct = self._panel.ct
        self._renewing.stop()
        self.detector.show_case()
        self._lesions, heading, figures = self._of_now()
        self._fill(heading, figures)
        if ct is not None and find_marks(ct) is not None:
            self._mark(ct)
        if ct is not None:
            self._renew_nodes(ct)
        self.nodes_changed()

    def scene_closing(self) -> None:
        """Nothing of the scene is kept."""
        self._renewing.stop()
        self.detector.scene_closing()

    def close(self) -> None:
        """Stop what runs."""
        self._renewing.stop()
        self.detector.close()

    def _mark(self, ct: vtkMRMLScalarVolumeNode) -> None:
        """Put the points where the lesions are now; none where that is not known."""
        try:
            mark_lesions(ct, self._lesions)
        except InputError as error:  # as of a CT below a transform that bends it
            remove_marks(ct)
            self._panel.say(str(error), warning=True)

    def _renew_nodes(self, ct: vtkMRMLScalarVolumeNode) -> None:
        """Show those of now where others are on show; it takes seconds, so in steps."""
        latest = self.detector.latest
        form = self._form_to_renew(ct, names.INSTANCES_ROLE, self._of_result())
        result = self._panel.result
        if form is not None and result is not None and self._of_result():
            self._renewing.start(
                labels_of_result(ct, result.segmentationNode, result.severity),
                self._on_labels,
                self._on_not_renewed,
            )
        elif form is not None:
            self._show_nodes_of_result(None)
        if latest is not None:
            form = self._form_to_renew(ct, names.DETECTION_ROLE, latest.lesions[:MOST])
            if form is not None:
                self._show_nodes_of_detector(form, latest)

    @staticmethod
    def _form_to_renew(
        ct: vtkMRMLScalarVolumeNode, role: str, of_now: Sequence[Lesion]
    ) -> str | None:
        """Form of the node that is of something else than now; None where nothing is to be done."""
        shown = find_instances(ct, role)
        return None if shown is None or shows(shown[1], of_now) else shown[0]

    def _on_labels(self, labels: npt.NDArray[np.uint16]) -> None:
        ct = self._panel.ct
        shown = None if ct is None else find_instances(ct)
        if ct is not None and shown is not None:  # it was not removed meanwhile
            show_instances(ct, labels, self._of_result(), shown[0])

    def _on_not_renewed(self, error: Exception) -> None:
        self._panel.say(raise_unforeseen(error), warning=True)

    def nodes_changed(self) -> None:
        """Button and box say what is shown of the lesions of the case one by one."""
        ct, button = self._panel.ct, self._ui.markLesionsButton
        button.enabled = bool(self._lesions)
        button.toolTip = (
            _("Put a numbered point on every lesion of the table.")
            if self._lesions
            else _("No lesion is listed.")
        )
        with signals_blocked(button):
            button.checked = ct is not None and find_marks(ct) is not None
        box = self._ui.lesionNodesBox
        shown = None if ct is None else find_instances(ct, self._role)
        box.enabled = bool(self._lesions) or shown is not None
        with signals_blocked(box):
            box.setCurrentIndex(0 if shown is None else 1 + list(FORMS).index(shown[0]))

    @property
    def _role(self) -> str:
        of_result = self.detector.chosen is None
        return names.INSTANCES_ROLE if of_result else names.DETECTION_ROLE

    def _of_now(self) -> tuple[Sequence[Lesion], str, list[str]]:
        """The lesions to list; heading of their last column, if they have one, and its texts."""
        if self.detector.chosen is not None:
            detection = self.detector.detection
            found = () if detection is None else detection.lesions[:MOST]
            return found, _("Score"), [f"{lesion.score:.2f}" for lesion in found]
        lesions = self._of_result()
        calibrated = any(lesion.confidence is not None for lesion in lesions)
        texts = [confidence_text(lesion.confidence) for lesion in lesions]
        return lesions, _("Confidence") if calibrated else "", texts

    def _of_result(self) -> Sequence[LesionSeverity]:
        result = self._panel.result
        if result is None or is_untrained(result.flags):
            return ()
        return result.severity.lesions[:MOST]

    def _fill(self, heading: str, figures: Sequence[str]) -> None:
        table = self._ui.lesionsTable
        header = [_("No."), _("Lung"), _("Slices"), _("ml")]
        header += [heading] if heading else []
        self._filling = True
        table.clearContents()
        set_header(table, header, wide=(1,))
        table.setRowCount(len(self._lesions))
        for row, (one, figure) in enumerate(zip(self._lesions, figures, strict=True)):
            texts = [
                str(one.number),
                region_text(one.region),
                _("{first} to {last}").format(first=one.slices[0], last=one.slices[1]),
                millilitres(one.lesion_ml),
            ]
            texts += [figure] if heading else []
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
        form = [None, *FORMS][index]
        if self.detector.chosen is None:
            self._show_nodes_of_result(form)
        else:
            self._show_nodes_of_detector(form, self.detector.detection)
        self.nodes_changed()

    def _show_nodes_of_result(self, form: str | None) -> None:
        self._renewing.stop()
        ct, result = self._panel.ct, self._panel.result
        with slicer.util.tryWithErrorDisplay(_("The lesions could not be shown one by one.")):
            if ct is None:
                return
            if form is None or result is None or not self._of_result():
                remove_instances(ct)
            else:
                show_instances_of_result(ct, result.segmentationNode, result.severity, form)

    def _show_nodes_of_detector(self, form: str | None, detection: LesionDetection | None) -> None:
        ct, role = self._panel.ct, names.DETECTION_ROLE
        with slicer.util.tryWithErrorDisplay(_("The lesions could not be shown one by one.")):
            if ct is None:
                return
            if form is None:
                remove_instances(ct, role)
            elif detection is not None:  # those of a loaded scene have the form that they have
                node = show_instances(ct, detection.labels, detection.lesions[:MOST], form, role)
                write_lungs(node, self.detector.lungs)

    def _on_mark(self, wanted: bool) -> None:
        ct = self._panel.ct
        with slicer.util.tryWithErrorDisplay(_("The lesions could not be marked.")):
            if ct is not None and wanted and self._lesions:
                mark_lesions(ct, self._lesions)
            elif ct is not None:
                remove_marks(ct)
        self.nodes_changed()
