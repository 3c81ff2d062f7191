"""Run: Apply or Cancel, progress, one sentence on how it went, and Undo."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.models.catalogue import load_catalogue
from ...engine.models.speed import read_speeds, speed_of
from ...engine.parameters import Parameters
from ...engine.progress import Progress
from ...scene.prepared import PreparedResult, load_prepared
from ...scene.show import SceneResult, find_result, show_result
from ...scene.volumes import ct_matrix, volume_from_node_in_steps
from ...worker.segmentation import segment_in_background
from .. import views
from ..log_window import LogWindow
from ..parameter_node import COVIDLesionSegParameterNode, parameters_from_node
from ..run import Run, RunState, StartJob
from ..run_clock import RunClock
from ..section import Panel, Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode


CLOCK_INTERVAL_MS = 500


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
        self._on_shown: Callable[[], None] | None = None
        self._undoable: dict[str, SceneResult] = {}
        self._clock = RunClock()
        self._clock_timer = qt.QTimer()
        self._clock_timer.setInterval(CLOCK_INTERVAL_MS)
        self._clock_timer.connect("timeout()", self._show_progress)
        self._log: Path | None = None
        self._log_window: LogWindow | None = None
        self.ui.logButton.connect("clicked(bool)", self._on_show_log)
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
        self.ui.logButton.visible = idle and self._log is not None
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
        self._clock_timer.stop()
        self.run.stop_now()
        if self._log_window is not None:
            self._log_window.close()

    def say(self, sentence: str, warning: bool = False) -> None:
        """Show one sentence below the Apply button."""
        self.ui.statusLabel.text = sentence
        self.ui.statusLabel.styleSheet = "font-weight: bold; color: #c62828;" if warning else ""

    # The run

    def start(
        self,
        ct: vtkMRMLScalarVolumeNode,
        start_job: StartJob[PreparedResult],
        on_shown: Callable[[], None] | None = None,
        expected_seconds: float | None = None,
    ) -> None:
        """Run a job that gives a result for ``ct``, and show it as one step that can be undone.

        Args:
            ct: The CT.
            start_job: Begins the job.
            on_shown: Called once the result is shown.
            expected_seconds: How long it takes; None if nobody knows.

        Raises:
            OutputError: The temporary folder cannot be written.
        """
        self.run.start(start_job)
        self._running_ct, self._on_shown = ct, on_shown
        self._log = None
        self._clock = RunClock(expected_seconds)
        self._clock_timer.start()
        self._show_progress()

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
                self.start(
                    ct,
                    partial(
                        segment_in_background,
                        volume_from_node_in_steps(ct),
                        parameters,
                        partial(load_prepared, ct),
                        surfaces_on=ct_matrix(ct),
                    ),
                    expected_seconds=self._expected_seconds(ct, parameters),
                )
            except CovidLesionSegError as error:
                self._on_error(str(error))

    @staticmethod
    def _expected_seconds(ct: vtkMRMLScalarVolumeNode, parameters: Parameters) -> float | None:
        """How long such a run takes on this computer; None if there was none yet."""
        image = ct.GetImageData()
        models = load_catalogue().expand(parameters.members)
        speed = speed_of(read_speeds(), models, parameters.device)
        if speed is None or image is None:
            return None
        return speed.seconds_for(image.GetDimensions()[2])

    def _on_progress(self, progress: Progress) -> None:
        self._clock.report(progress)
        self._show_progress()

    def _show_progress(self) -> None:
        if self.run.state is RunState.RUNNING:
            self.ui.progressBar.value = int(100 * self._clock.fraction())
            self.say(*self._clock.sentence(self.run.silent_seconds))

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
                if self._on_shown is not None:
                    self._on_shown()
                sentence, warning = _("Done."), False
        finally:
            self._end_run(sentence, warning)

    def _on_error(self, sentence: str) -> None:
        self._end_run(sentence, warning=True)

    def _end_run(self, sentence: str, warning: bool = False) -> None:
        self._running_ct = self._on_shown = None
        self._clock_timer.stop()
        self._log = self.run.kept_log
        self.say(sentence, warning)
        self.panel.show_state()

    def _on_show_log(self) -> None:
        if self._log is not None:
            self._log_window = LogWindow(self._log)
            self._log_window.show()

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
