"""Severity by lobe: which segmentation holds the lobes, which segment is which, and the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.flags import is_untrained
from ...engine.lobes import LOBES
from ...engine.severity.report import RegionSeverity
from ...scene import names
from ...scene.lobes import coded_lobes, lobe_segments
from ..choices_of_ct import ChoicesOfCt
from ..colors import color_sentence, show_sentence
from ..segment_boxes import SegmentBoxes, read_choice
from ..widgets import fill_table, fit_rows
from .lobe_measurement import LobeMeasurement
from .severity_tables import lobe_rows

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode

    from ..parameter_node import COVIDLesionSegParameterNode
    from ..section import Panel


class LobeTable:
    """The part of the Results section that is about lobes."""

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        self._node: COVIDLesionSegParameterNode | None = None
        self._of_ct = ChoicesOfCt("lobes", "lobeSegments")
        self._measured: object = None  # what the figures on show are of
        self._measurement = LobeMeasurement(self._on_result, self._on_problem)
        ui.lobesSelector.setMRMLScene(slicer.mrmlScene)
        fit_rows(ui.lobesTable)
        self._boxes = SegmentBoxes(LOBES, ui.lobeChoices.layout(), self._on_chosen)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Show what the parameter node holds, and write there what is chosen from now on."""
        self._node = node
        self.update()

    def nodes_changed(self) -> None:
        """Offer no result of this package as a segmentation of lobes."""
        own = [
            node.GetID()
            for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            if node.GetAttribute(names.ROLE_ATTRIBUTE) is not None
        ]
        self._ui.lobesSelector.sortFilterProxyModel().hiddenNodeIDs = own

    def show_case(self) -> None:
        """Another CT or result is on show: lobes that were chosen for another CT are not its."""
        self._of_ct.follow(self._node, self._panel.ct)
        self.update()

    def scene_importing(self, node: COVIDLesionSegParameterNode) -> None:
        """A scene is about to be added."""
        self._of_ct.keep(node)

    def scene_closing(self) -> None:
        self._of_ct.forget()
        self.stop()

    def palette_changed(self) -> None:
        color_sentence(self._ui.lobesLabel)

    def update(self) -> None:
        """Measure the case on show, if that is not on show yet."""
        ct, result, lobes = self._panel.ct, self._panel.result, self._lobes
        self._show_choices(lobes)
        if ct is None or result is None or lobes is None:
            self.stop()
            self._ui.lobesTable.visible = False
            self._say(
                _("Choose a segmentation of the lobes: its segments are known by their codes.")
            )
            return
        nodes = (ct.GetID(), result.segmentationNode.GetID(), lobes.GetID())
        case = (nodes, self._chosen, result.severity.classes)
        if case != self._measured:
            self._measured = case
            self._ui.lobesTable.visible = False
            self._say(_("Measuring the lobes."))
            self._measurement.measure(ct, result, lobes, self._chosen)

    def stop(self) -> None:
        """Measure nothing more."""
        self._measurement.stop()
        self._measured = None

    @property
    def _lobes(self) -> vtkMRMLSegmentationNode | None:
        return None if self._node is None else self._node.lobes

    @property
    def _chosen(self) -> dict[str, str]:
        """Segment id by lobe, as the user chose."""
        return read_choice("" if self._node is None else self._node.lobeSegments)

    def _on_result(self, lobes: tuple[RegionSeverity, ...]) -> None:
        result = self._panel.result
        if result is None:
            return
        graded = not is_untrained(result.flags)
        header = [_("Lobe"), _("Volume (ml)"), _("Lesions (ml)"), _("Infected"), _("Score")]
        severity = replace(result.severity, lobes=lobes)
        fill_table(self._ui.lobesTable, header, lobe_rows(severity, graded))
        self._ui.lobesTable.visible = True
        self._say(
            ""
            if lobes
            else _("No segment is coded as a lobe: choose below which segment is which lobe.")
        )

    def _on_problem(self, sentence: str) -> None:
        self._ui.lobesTable.visible = False
        self._say(sentence, warning=True)

    def _say(self, sentence: str, warning: bool = False) -> None:
        show_sentence(self._ui.lobesLabel, sentence, warning, hide_empty=True)

    # Which segment is which lobe

    def _show_choices(self, lobes: vtkMRMLSegmentationNode | None) -> None:
        self._ui.lobeChoices.visible = lobes is not None
        if lobes is None:
            return
        coded = {lobe: [id_] for id_, lobe in coded_lobes(lobes).items()}
        # A segment that was chosen for two lobes is that of one of them.
        in_force = {lobe: id_ for id_, lobe in lobe_segments(lobes, self._chosen).items()}
        chosen = {lobe: id_ for lobe, id_ in self._chosen.items() if in_force.get(lobe) == id_}
        self._boxes.fill(lobes, coded, chosen)

    def _on_chosen(self, text: str) -> None:
        if self._node is not None:
            self._node.lobeSegments = text
