"""The panel: choose a CT, press Apply, read the severity."""

from __future__ import annotations

import sys

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ..engine.errors import CovidLesionSegError
from ..engine.models.user_models import default_model
from ..engine.progress import Progress
from ..engine.result import SegmentationResult
from ..scene.show import SceneResult, find_result, show_result
from ..scene.volumes import first_ct, volume_from_node
from ..worker.process import ChildProcess
from . import views
from .correction_watch import CorrectionWatch
from .dependencies import ensure_dependencies
from .logic import COVIDLesionSegLogic
from .model_lists import ModelLists
from .notice import research_use_notice
from .parameter_node import COVIDLesionSegParameterNode, parameters_from_node
from .result_view import ResultView
from .run import RunState, SegmentationRun

LIBRARY = __name__.partition(".")[0]


class COVIDLesionSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Connects the widgets of ``COVIDLesionSeg.ui`` with a run and with the scene.

    Attributes:
        start_process: Starts the worker of a run; tests may supply another.
        run: The run in progress, or the idle one.
    """

    start_process = ChildProcess

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._parameter_node: COVIDLesionSegParameterNode | None = None
        self._gui_tag: int | None = None
        self._running_ct = None
        self._shown_ct = None
        self._shown: SceneResult | None = None
        self._undoable: dict[str, SceneResult] = {}

    # Slicer's calls

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/COVIDLesionSeg.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)

        self.logic = COVIDLesionSegLogic()
        self.run = SegmentationRun(
            on_progress=self._on_progress,
            on_result=self._on_result,
            on_error=self._on_error,
            on_cancelled=self._on_cancelled,
            start_process=self.start_process,
            temporary_path=slicer.app.temporaryPath,
        )
        self._result_view = ResultView(self.ui)
        self._correction_watch = CorrectionWatch(self._on_corrected)
        self.ui.noticeLabel.text = research_use_notice()
        self._model_lists = ModelLists(self.ui)
        if self._model_lists.problem:
            self._say(self._model_lists.problem, warning=True)
        self._connect()
        self.initializeParameterNode()

    def _connect(self) -> None:
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.overlayButton.connect("toggled(bool)", self._on_overlay_toggled)
        self.ui.surfacesButton.connect("toggled(bool)", self._on_surfaces_toggled)
        self.ui.volumeRenderingButton.connect("toggled(bool)", self._on_volume_rendering_toggled)
        self.ui.disagreementButton.connect("toggled(bool)", self._on_disagreement_toggled)
        self.ui.undoButton.connect("clicked(bool)", self._on_undo)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeRemovedEvent, self._on_node_removed)

    def cleanup(self) -> None:
        self.run.stop_now()
        self._correction_watch.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        self.initializeParameterNode()

    def exit(self) -> None:
        self.setParameterNode(None)

    def onReload(self) -> None:
        # Slicer reloads the module file only; without this, edits of the library have no effect.
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller, event) -> None:
        self.run.cancel(_("The scene was closed, so the segmentation was stopped."))
        self.setParameterNode(None)
        self._undoable.clear()
        self._show_result(None, None)

    def onSceneEndClose(self, caller, event) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()

    # The parameter node

    def initializeParameterNode(self) -> None:
        """Observe the scene's parameter node, with a CT selected if the scene has one."""
        node = self.logic.getParameterNode()
        node.model = node.model or default_model()
        self.setParameterNode(node)
        if not self._parameter_node.ct:
            first = first_ct(slicer.mrmlScene)
            if first:
                self._parameter_node.ct = first

    def setParameterNode(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Tie the widgets to ``node`` instead of the present one."""
        modified = vtk.vtkCommand.ModifiedEvent
        if self._parameter_node:
            self._parameter_node.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameter_node, modified, self._on_parameters_changed)
        self._parameter_node = node
        if node:
            self._gui_tag = node.connectGui(self.ui)
            self.addObserver(node, modified, self._on_parameters_changed)
            self._on_parameters_changed()
        else:
            self._model_lists.show(None)

    def _on_parameters_changed(self, caller=None, event=None) -> None:
        self._model_lists.show(self._parameter_node)
        ct = self._parameter_node.ct
        if ct is not self._shown_ct:
            self._show_result(ct, find_result(ct) if ct else None)
        self._show_state()

    # The run

    def onApplyButton(self) -> None:
        """Start a run, or cancel the one in progress."""
        if self.run.state is RunState.IDLE:
            with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
                self._start()
        else:
            self.run.cancel(_("Cancelled: nothing was changed."))
        self._show_state()

    def _start(self) -> None:
        ct = self._parameter_node.ct
        try:
            parameters = parameters_from_node(self._parameter_node)
            ensure_dependencies(parameters)
            with slicer.util.WaitCursor():
                self.run.start(volume_from_node(ct), parameters)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._running_ct = ct
        self.ui.progressBar.value = 0
        self._say(_("Starting"))

    def _on_progress(self, progress: Progress) -> None:
        self.ui.progressBar.value = round(100 * progress.fraction)
        self._say(" - ".join(filter(None, (progress.stage, progress.message))))

    def _on_result(self, result: SegmentationResult) -> None:
        ct, sentence, warning = self._running_ct, _("The result could not be shown."), True
        try:
            with slicer.util.tryWithErrorDisplay(sentence, waitCursor=True):
                try:
                    shown = show_result(ct, result)
                except CovidLesionSegError as error:
                    sentence = str(error)
                    return
                self._undoable[ct.GetID()] = shown
                views.show_overlay(ct, shown.probabilityNode, True)
                self._show_result(ct, shown)
                views.fit_views()
                sentence, warning = _("Done."), False
        finally:
            self._end_run(sentence, warning)

    def _on_error(self, sentence: str) -> None:
        self._end_run(sentence, warning=True)

    def _on_cancelled(self, reason: str) -> None:
        self._end_run(reason)

    def _end_run(self, sentence: str, warning: bool = False) -> None:
        self._running_ct = None
        self._say(sentence, warning)
        self._show_state()

    def _on_node_removed(self, caller, event) -> None:
        for ct_id in [i for i in self._undoable if slicer.mrmlScene.GetNodeByID(i) is None]:
            del self._undoable[ct_id]
        if self._is_gone(self._running_ct):
            self.run.cancel(_("The CT was removed from the scene, so its segmentation stopped."))
        if self._is_gone(self._shown_ct):
            self._show_result(None, None)
        elif self._shown and any(self._is_gone(node) for node in self._shown.nodes):
            self._show_result(self._shown_ct, find_result(self._shown_ct))
        self._show_state()

    @staticmethod
    def _is_gone(node) -> bool:
        return node is not None and not slicer.mrmlScene.IsNodePresent(node)

    # What is seen

    def _show_state(self) -> None:
        """Bring the widgets in line with the run, the chosen CT and its result."""
        state = self.run.state
        idle = state is RunState.IDLE
        self.ui.inputsWidget.enabled = idle
        self.ui.progressBar.visible = not idle
        self.ui.resultWidget.visible = idle and self._shown is not None
        button = self.ui.applyButton
        button.text = _("Apply") if idle else _("Cancel")
        button.enabled = state is not RunState.CANCELLING
        if state is RunState.RUNNING:
            button.toolTip = _("Stop; the scene stays as it is.")
        elif state is RunState.CANCELLING:
            button.toolTip = _("Stopping.")
        elif self._parameter_node and self._parameter_node.ct:
            button.toolTip = _("Find lungs and lesions, and grade the severity.")
        else:
            button.enabled = False
            button.toolTip = _("Load and select a chest CT first.")

    def _show_result(self, ct, result: SceneResult | None) -> None:
        self._shown_ct, self._shown = ct, result
        self._correction_watch.watch(result.segmentationNode if result else None)
        if result:
            self.ui.undoButton.enabled = ct.GetID() in self._undoable
            self._result_view.show(result.severity, result.flags)
            self._show_view_buttons()

    def _show_view_buttons(self) -> None:
        """Press the buttons of what the views show; the views stay as they are."""
        disagreement = self._shown.disagreementNode
        self.ui.disagreementButton.visible = disagreement is not None
        for button, visible in (
            (self.ui.overlayButton, views.overlay_visible(self._shown.probabilityNode)),
            (self.ui.disagreementButton, views.overlay_visible(disagreement)),
            (self.ui.surfacesButton, views.surfaces_visible(self._shown)),
            (self.ui.volumeRenderingButton, views.volume_rendering_visible(self._shown)),
        ):
            blocked = button.blockSignals(True)
            button.checked = visible
            button.blockSignals(blocked)

    def _on_corrected(self, corrected: bool) -> None:
        self.ui.correctedLabel.visible = corrected

    def _on_overlay_toggled(self, visible: bool) -> None:
        if self._shown:
            views.show_overlay(self._shown_ct, self._shown.probabilityNode, visible)
            self._show_view_buttons()

    def _on_disagreement_toggled(self, visible: bool) -> None:
        if self._shown:
            views.show_overlay(self._shown_ct, self._shown.disagreementNode, visible)
            self._show_view_buttons()

    def _on_surfaces_toggled(self, visible: bool) -> None:
        if self._shown:
            views.show_surfaces(self._shown, visible)

    def _on_volume_rendering_toggled(self, visible: bool) -> None:
        if self._shown:
            views.show_volume_rendering(self._shown, visible)

    def _on_undo(self) -> None:
        ct = self._shown_ct
        # Before the undo: it may remove the very volume that the views show.
        overlay_visible = views.hide_overlays(self._shown)
        self._undoable.pop(ct.GetID()).undo()
        result = find_result(ct)
        if result and overlay_visible:
            views.show_overlay(ct, result.probabilityNode, True)
        self._show_result(ct, result)
        self._say(_("The last run was undone."))
        self._show_state()

    def _say(self, sentence: str, warning: bool = False) -> None:
        self.ui.statusLabel.text = sentence
        self.ui.statusLabel.styleSheet = "font-weight: bold; color: #c62828;" if warning else ""
