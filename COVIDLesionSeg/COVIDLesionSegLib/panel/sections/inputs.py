"""Inputs: the chest CT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ...scene.volumes import first_ct, may_be_ct
from .. import views
from ..section import Panel, Section

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode


class InputsSection(Section):
    """Lists the volumes that may be a CT, and chooses one where the user has not."""

    UI_FILE = "Inputs"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.ui.ctSelector.setMRMLScene(slicer.mrmlScene)

    def show_state(self) -> None:
        self.root.enabled = not self.panel.busy

    def nodes_changed(self) -> None:
        if self.panel.parameter_node is not None:
            self.choose_ct(self.panel.parameter_node)

    def choose_ct(self, node: COVIDLesionSegParameterNode) -> None:
        """Select the CT that the slice views show, or the scene's first, if none is selected."""
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        hidden = [volume.GetID() for volume in volumes if not may_be_ct(volume)]
        self.ui.ctSelector.sortFilterProxyModel().hiddenNodeIDs = hidden
        if node.ct is None:
            seen = [volume for volume in views.background_volumes() if may_be_ct(volume)]
            ct = seen[0] if seen else first_ct(slicer.mrmlScene)
            if ct is not None:
                node.ct = ct
