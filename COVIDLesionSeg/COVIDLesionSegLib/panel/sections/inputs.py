"""Inputs: the chest CT, or a generated one to try the module on; and lungs that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ...engine.volume import Volume
from ...engine.volume.exact import load_volume
from ...jobs import SampleCtOptions
from ...logic import SAMPLE_CT_NAME
from ...scene.volumes import first_ct, may_be_ct, volume_to_node
from ...worker.job import job_in_background
from .. import views
from ..lungs_choice import LungsChoice
from ..running.job_button import JobButton
from ..section import Panel, Section

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode


class InputsSection(Section):
    """Lists the volumes that may be a CT, and chooses one where the user has not."""

    UI_FILE = "Inputs"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.ui.ctSelector.setMRMLScene(slicer.mrmlScene)
        self._lungs = LungsChoice(panel, self.ui)
        self.sample = JobButton[Volume](
            self.ui.sampleButton,
            panel,
            lambda: job_in_background("sample_ct", SampleCtOptions(), load_volume),
            self._on_sample,
        )

    def show_state(self) -> None:
        ui, running = self.ui, self.panel.is_segmenting(self.panel.ct)
        for widget in (ui.sampleButton, ui.lungsSelector, ui.lungChoices):
            widget.enabled = not running

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        self._lungs.show_parameters(node)

    def show_result(self, in_views: bool, new: bool) -> None:
        self._lungs.show_case()

    def scene_importing(self, node: COVIDLesionSegParameterNode) -> None:
        self._lungs.scene_importing(node)

    def scene_closing(self) -> None:
        self.sample.cancel()
        self._lungs.scene_closing()

    def close(self) -> None:
        self.sample.run.stop_now()

    def nodes_changed(self) -> None:
        if self.panel.parameter_node is not None:
            self.choose_ct(self.panel.parameter_node)
        self._lungs.nodes_changed()

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

    def _on_sample(self, volume: Volume) -> None:
        node = volume_to_node(volume, SAMPLE_CT_NAME)
        # Neither a run on another CT nor another module is disturbed: the CT is there to be chosen.
        if self.panel.parameter_node is not None and not self.panel.busy:
            self.panel.parameter_node.ct = node
            views.fit_slices()
