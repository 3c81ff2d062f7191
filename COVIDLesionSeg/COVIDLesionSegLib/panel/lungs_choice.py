"""Lungs that the user gives: a segmentation, and which of its segments is which lung."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

from ..engine.labels import LUNG_LABELS
from ..scene import names
from ..scene.given_lungs import coded_lungs, lung_segments
from .choices_of_ct import ChoicesOfCt
from .segment_boxes import SegmentBoxes, read_choice

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
        self._boxes = SegmentBoxes(LUNG_LABELS, ui.lungChoices.layout(), self._on_chosen)
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

    def scene_importing(self, node: COVIDLesionSegParameterNode) -> None:
        """A scene is about to be added."""
        self._of_ct.keep(node)

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

    def _show(self) -> None:
        lungs = self.segmentation
        self._ui.lungChoices.visible = lungs is not None
        self._ui.lungsLabel.visible = lungs is not None and not self.segments
        if lungs is None:
            return
        coded = coded_lungs(lungs).items()
        by_code = {
            lung: [id_ for id_, one in coded if one == label] for lung, label in LUNG_LABELS.items()
        }
        self._boxes.fill(lungs, by_code, _chosen(self._node))

    def _on_chosen(self, text: str) -> None:
        if self._node is not None:
            self._node.lungSegments = text


def lungs_of(node: COVIDLesionSegParameterNode | None) -> dict[str, int]:
    """Label of the lung of each segment of the chosen segmentation, by segment id."""
    if node is None or node.givenLungs is None:
        return {}
    return lung_segments(node.givenLungs, _chosen(node))


def _chosen(node: COVIDLesionSegParameterNode | None) -> dict[str, str]:
    """Segment id by lung, as the user chose; what is no such thing chooses nothing."""
    return read_choice("" if node is None else node.lungSegments)
