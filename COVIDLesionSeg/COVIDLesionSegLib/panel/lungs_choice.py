"""Lungs that the user gives: a segmentation, and which of its segments is which lung."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..engine.labels import LUNG_LABELS
from ..scene import names
from ..scene.given_lungs import coded_lungs, lung_segments
from ..scene.segmentation import segment_ids
from .choices_of_ct import ChoicesOfCt

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode

    from .parameter_node import COVIDLesionSegParameterNode
    from .section import Panel


class LungsChoice:
    """The part of the Inputs section that is about lungs."""

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        self._node: COVIDLesionSegParameterNode | None = None
        self._of_ct = ChoicesOfCt("givenLungs", "lungSegments")
        ui.lungsSelector.setMRMLScene(slicer.mrmlScene)
        self._boxes = {lung: self._add_choice(lung) for lung in LUNG_LABELS}
        self._show()

    @property
    def segmentation(self) -> vtkMRMLSegmentationNode | None:
        """The segmentation with the lungs; None if they are to be found."""
        return None if self._node is None else self._node.givenLungs

    @property
    def segments(self) -> dict[str, int]:
        """Label of the lung of each segment, by segment id."""
        return lungs_of(self._node)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Show what the parameter node holds, and write there what is chosen from now on."""
        self._node = node
        self._show()

    def show_case(self) -> None:
        """Another CT or result is on show: lungs that were chosen for another CT are not its."""
        self._of_ct.follow(self._node, self._panel.ct)
        self.nodes_changed()

    def scene_closing(self) -> None:
        self._of_ct.forget()

    def nodes_changed(self) -> None:
        """Offer no result of another CT."""
        ct = self._panel.ct
        others = [
            node.GetID()
            for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
            if node.GetAttribute(names.ROLE_ATTRIBUTE) is not None
            and (ct is None or node.GetNodeReferenceID(names.CT_REFERENCE) != ct.GetID())
        ]
        self._ui.lungsSelector.sortFilterProxyModel().hiddenNodeIDs = others
        chosen = self.segmentation
        if chosen is not None and chosen.GetID() in others and self._node is not None and ct:
            self._node.givenLungs = None

    def _add_choice(self, lung: str) -> qt.QComboBox:
        box = qt.QComboBox()
        box.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        box.accessibleName = lung
        box.toolTip = _("Segment that is the {lung}.").format(lung=lung)
        label = qt.QLabel(f"{lung}:")
        label.setBuddy(box)
        self._ui.lungChoices.layout().addRow(label, box)
        box.connect("currentIndexChanged(int)", self._on_chosen)
        return box

    def _show(self) -> None:
        lungs = self.segmentation
        self._ui.lungChoices.visible = lungs is not None
        self._ui.lungsLabel.visible = lungs is not None and not self.segments
        if lungs is None:
            return
        segmentation = lungs.GetSegmentation()
        chosen = _chosen(self._node)
        for lung, box in self._boxes.items():
            coded = [
                segmentation.GetSegment(id_).GetName()
                for id_, label in coded_lungs(lungs).items()
                if label == LUNG_LABELS[lung]
            ]
            blocked = box.blockSignals(True)
            box.clear()
            by_code = ", ".join(coded) or _("none")
            box.addItem(_("By code: {segment}").format(segment=by_code), "")
            for id_ in segment_ids(lungs):
                box.addItem(segmentation.GetSegment(id_).GetName(), id_)
            box.currentIndex = max(0, box.findData(chosen.get(lung, "")))
            box.blockSignals(blocked)

    def _on_chosen(self, index: int) -> None:
        if self._node is None:
            return
        ids = {lung: box.itemData(box.currentIndex) for lung, box in self._boxes.items()}
        chosen = {lung: id_ for lung, id_ in ids.items() if id_}
        self._node.lungSegments = json.dumps(chosen) if chosen else ""


def lungs_of(node: COVIDLesionSegParameterNode | None) -> dict[str, int]:
    """Label of the lung of each segment of the chosen segmentation, by segment id."""
    if node is None or node.givenLungs is None:
        return {}
    return lung_segments(node.givenLungs, _chosen(node))


def _chosen(node: COVIDLesionSegParameterNode | None) -> dict[str, str]:
    """Segment id by lung, as the user chose; what is no such thing chooses nothing."""
    try:
        chosen = json.loads((node.lungSegments if node is not None else "") or "{}")
    except ValueError:
        return {}
    return chosen if isinstance(chosen, dict) else {}
