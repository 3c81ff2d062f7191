"""Inputs: the chest CT, or a generated one to try the module on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.progress import Progress
from ...engine.volume import Volume
from ...jobs import SampleCtOptions
from ...logic import SAMPLE_CT_NAME
from ...scene.volumes import first_ct, may_be_ct, volume_to_node
from ...worker.sample import sample_ct_in_background
from .. import views
from ..run import Run, RunState
from ..section import Panel, Section

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode


class InputsSection(Section):
    """Lists the volumes that may be a CT, and chooses one where the user has not."""

    UI_FILE = "Inputs"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.ui.ctSelector.setMRMLScene(slicer.mrmlScene)
        self.sample_run: Run[Volume] = Run(
            on_progress=self._on_sample_progress,
            on_result=self._on_sample,
            on_error=self._on_sample_error,
            on_cancelled=self._end_sample,
            start_process=panel.start_process,
            temporary_path=slicer.app.temporaryPath,
        )
        self.ui.sampleButton.connect("clicked(bool)", self._on_sample_clicked)

    def show_state(self) -> None:
        self.root.enabled = not self.panel.busy
        idle = self.sample_run.state is RunState.IDLE
        self.ui.sampleButton.enabled = self.sample_run.state is not RunState.CANCELLING
        if idle:
            self.ui.sampleButton.text = _("Load sample CT")
        self.ui.sampleButton.toolTip = (
            _("Generate a chest CT with COVID-19 lesions to try the module on; no download.")
            if idle
            else _("Stop generating the sample CT.")
        )

    def scene_closing(self) -> None:
        self.sample_run.cancel("")

    def close(self) -> None:
        self.sample_run.stop_now()

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

    # The sample CT

    def _on_sample_clicked(self) -> None:
        """Generate the sample CT, or stop that."""
        if self.sample_run.state is RunState.IDLE:
            with slicer.util.tryWithErrorDisplay(_("The sample CT could not be generated.")):
                self.sample_run.start(partial(sample_ct_in_background, SampleCtOptions()))
                self._on_sample_progress(Progress("", 0.0))
        else:
            self.sample_run.cancel("")
        self.show_state()

    def _on_sample_progress(self, progress: Progress) -> None:
        self.ui.sampleButton.text = _("Cancel the sample CT ({percent} %)").format(
            percent=round(100 * progress.fraction)
        )

    def _on_sample(self, volume: Volume) -> None:
        node = volume_to_node(volume, SAMPLE_CT_NAME)
        # Neither a run on another CT nor another module is disturbed: the CT is there to be chosen.
        if self.panel.parameter_node is not None and not self.panel.busy:
            self.panel.parameter_node.ct = node
            views.fit_slices()
        self.show_state()

    def _on_sample_error(self, sentence: str) -> None:
        self.panel.say(sentence, warning=True)
        self.show_state()

    def _end_sample(self, sentence: str) -> None:
        self.show_state()
