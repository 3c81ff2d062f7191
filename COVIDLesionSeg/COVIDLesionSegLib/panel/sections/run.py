"""Run: Apply or Cancel, progress, one sentence on how it went, and Undo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.parameters import Parameters
from ...engine.progress import Progress
from ...scene.prepared import PreparedResult, load_prepared
from ...scene.show import SceneResult, find_result, show_result
from ...scene.volumes import ct_matrix, volume_from_node_in_steps
from ...worker.segmentation import segment_in_background
from .. import views
from ..parameter_node import COVIDLesionSegParameterNode, parameters_from_node
from ..run import Run, RunState
from ..section import Panel, Section

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode


class RunSection(Section):
    """Runs the segmentation of the chosen CT, one at a time, and undoes it.

    Attributes:
        run: The run in progress, or the idle one.
    """

    UI_FILE = "Run"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.run = Run(
            on_progress=self._on_progress,
            on_result=self._on_result,
            on_error=self._on_error,
            on_cancelled=self._end_run,
            start_process=panel.start_process,
            temporary_path=slicer.app.temporaryPath,
        )
        self._running_ct: vtkMRMLScalarVolumeNode | None = None
        self._undoable: dict[str, SceneResult] = {}
        self.ui.applyButton.connect("clicked(bool)", self.on_apply)
        self.ui.undoButton.connect("clicked(bool)", self._on_undo)

    # The panel's calls

    def show_result(self, in_views: bool, new: bool) -> None:
        ct = self.panel.ct
        self.ui.undoButton.enabled = ct is not None and ct.GetID() in self._undoable

    def show_state(self) -> None:
        state = self.run.state
        idle = not self.panel.busy
        self.ui.progressBar.visible = not idle
        # Without a maximum it shows that something goes on: how long the check takes is unknown.
        self.ui.progressBar.maximum = 0 if self.panel.first_use.busy else 100
        self.ui.undoButton.visible = idle and self.panel.result is not None
        button = self.ui.applyButton
        button.text = _("Apply") if idle else _("Cancel")
        button.enabled = state is not RunState.CANCELLING
        if state is RunState.RUNNING:
            button.toolTip = _("Stop the run; the scene stays as it is.")
        elif state is RunState.CANCELLING:
            button.toolTip = _("The run is being stopped.")
        elif not idle:
            button.toolTip = _("Stop before the run; the scene stays as it is.")
        elif self.panel.parameter_node is not None and self.panel.parameter_node.ct is not None:
            button.toolTip = _("Segment the lungs and lesions, and grade the severity.")
        else:
            button.enabled = False
            button.toolTip = _("Load and select a chest CT first.")

    def nodes_changed(self) -> None:
        for ct_id in [i for i in self._undoable if slicer.mrmlScene.GetNodeByID(i) is None]:
            del self._undoable[ct_id]
        if _is_gone(self._running_ct):
            self._cancel(_("The CT was removed from the scene, so its segmentation stopped."))

    def scene_closing(self) -> None:
        self._cancel(_("The scene was closed, so the segmentation was stopped."))

    def close(self) -> None:
        self.run.stop_now()

    def say(self, sentence: str, warning: bool = False) -> None:
        """Show one sentence below the Apply button."""
        self.ui.statusLabel.text = sentence
        self.ui.statusLabel.styleSheet = "font-weight: bold; color: #c62828;" if warning else ""

    # The run

    def on_apply(self) -> None:
        """Start a run, or cancel the one in progress."""
        if not self.panel.busy and self.panel.parameter_node is not None:
            with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
                self._prepare(self.panel.parameter_node)
        else:
            self._cancel(_("Cancelled: nothing was changed."))
        self.panel.show_state()

    def _cancel(self, reason: str) -> None:
        self.panel.first_use.cancel(reason)
        self.run.cancel(reason)

    def _prepare(self, node: COVIDLesionSegParameterNode) -> None:
        """Start the run once everything that it needs is there."""
        self._running_ct = ct = node.ct
        try:
            parameters = parameters_from_node(node)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self.panel.first_use.prepare(
            parameters, partial(self._start, ct, parameters), self._end_run
        )

    def _start(self, ct: vtkMRMLScalarVolumeNode, parameters: Parameters) -> None:
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            try:
                self.run.start(
                    partial(
                        segment_in_background,
                        volume_from_node_in_steps(ct),
                        parameters,
                        partial(load_prepared, ct),
                        surfaces_on=ct_matrix(ct),
                    )
                )
            except CovidLesionSegError as error:
                self._on_error(str(error))
                return
            self.ui.progressBar.value = 0
            self.say(_("Starting"))

    def _on_progress(self, progress: Progress) -> None:
        self.ui.progressBar.value = round(100 * progress.fraction)
        self.say(" - ".join(filter(None, (progress.stage, progress.message))))

    def _on_result(self, result: PreparedResult) -> None:
        ct = self._running_ct
        if ct is None:
            return
        sentence, warning = _("The result could not be shown."), True
        try:
            with slicer.util.tryWithErrorDisplay(sentence):
                try:
                    shown = show_result(ct, result)
                except CovidLesionSegError as error:
                    sentence = str(error)
                    return
                self._undoable[ct.GetID()] = shown
                self.panel.show_result(ct, shown, in_views=True, new=True)
                sentence, warning = _("Done."), False
        finally:
            self._end_run(sentence, warning)

    def _on_error(self, sentence: str) -> None:
        self._end_run(sentence, warning=True)

    def _end_run(self, sentence: str, warning: bool = False) -> None:
        self._running_ct = None
        self.say(sentence, warning)
        self.panel.show_state()

    def _on_undo(self) -> None:
        ct, shown = self.panel.ct, self.panel.result
        if ct is None or shown is None:
            return
        # Before the undo: it may remove the very volume that the views show.
        opacity = views.hide_overlays(shown)
        self._undoable.pop(ct.GetID()).undo()
        result = find_result(ct)
        if result and opacity is not None:
            views.show_overlay(ct, result.probabilityNode, opacity)
        self.panel.show_result(ct, result)
        self.say(_("The last run was undone."))
        self.panel.show_state()


def _is_gone(node: vtkMRMLNode | None) -> bool:
    return node is not None and not slicer.mrmlScene.IsNodePresent(node)
