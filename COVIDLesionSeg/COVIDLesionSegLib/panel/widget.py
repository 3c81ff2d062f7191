"""The panel: choose a CT, press Apply, read the severity."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import qt
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
from ..scene.volumes import first_ct, may_be_ct, volume_from_node
from ..worker.process import ChildProcess
from . import views
from .correction_watch import CorrectionWatch
from .dependencies import ensure_dependencies
from .model_lists import ModelLists
from .parameter_node import (
    COVIDLesionSegLogic,
    COVIDLesionSegParameterNode,
    parameters_from_node,
)
from .result_view import ResultView
from .run import RunState, SegmentationRun

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode

    from .ui import PanelUi

LIBRARY = __name__.partition(".")[0]
SETTLE_MS = 100
"""New nodes are looked at this much later: whoever adds one has filled it by then."""
_AFTER_SLICERS_OWN = -1.0
"""Observer priority: Slicer's lists of nodes follow the scene first."""


def research_use_notice() -> str:
    """``RESEARCH_USE_NOTICE`` in the user's language; a literal, so that translators meet it."""
    return str(
        _(
            "Research software: not a medical device. Results must not be used for clinical "
            "decisions."
        )
    )


class COVIDLesionSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Connects the widgets of ``COVIDLesionSeg.ui`` with a run and with the scene.

    Attributes:
        start_process: Starts the worker of a run; tests may supply another.
        run: The run in progress, or the idle one.
    """

    start_process = ChildProcess

    def __init__(self, parent: slicer.qSlicerScriptedLoadableModuleWidget | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._parameter_node: COVIDLesionSegParameterNode | None = None
        self._gui_tag = 0
        self._running_ct: vtkMRMLScalarVolumeNode | None = None
        self._shown_ct: vtkMRMLScalarVolumeNode | None = None
        self._shown: SceneResult | None = None
        self._undoable: dict[str, SceneResult] = {}

    # Slicer's calls

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/COVIDLesionSeg.ui"))
        self.layout.addWidget(panel)
        self.ui: PanelUi = slicer.util.childWidgetVariables(panel)
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
        self._view_controls = views.ViewControls(self.ui)
        self._correction_watch = CorrectionWatch(self._on_corrected)
        self.ui.noticeLabel.text = research_use_notice()
        self._model_lists = ModelLists(self.ui)
        self._settle_timer = qt.QTimer()
        self._settle_timer.setSingleShot(True)
        self._settle_timer.setInterval(SETTLE_MS)
        self._settle_timer.connect("timeout()", self._on_nodes_settled)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.undoButton.connect("clicked(bool)", self._on_undo)
        self._observe_scene()
        self.initializeParameterNode()
        if self._model_lists.problem:
            self._say(self._model_lists.problem, warning=True)

    def _observe_scene(self) -> None:
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self._on_scene_start_import)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._on_scene_changed, priority=_AFTER_SLICERS_OWN)
        self.addObserver(scene, scene.NodeAddedEvent, self._on_node_added)
        self.addObserver(scene, scene.NodeRemovedEvent, self._on_node_removed)

    def cleanup(self) -> None:
        self.run.stop_now()
        self._settle_timer.stop()
        self._correction_watch.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        self.initializeParameterNode()
        # The views may have been changed meanwhile.
        self._view_controls.watch(self._shown_ct, self._shown)

    def exit(self) -> None:
        self.setParameterNode(None)

    def onReload(self) -> None:
        # Slicer reloads the module file only; without this, edits of the library have no effect.
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    # The scene

    def onSceneStartClose(self, caller: vtk.vtkObject, event: str) -> None:
        self.run.cancel(_("The scene was closed, so the segmentation was stopped."))
        self.setParameterNode(None)
        self._show_result(None, None)

    def _on_scene_start_import(self, caller: vtk.vtkObject, event: str) -> None:
        # The list of CTs is empty until the import has ended: connected, it would clear the choice.
        self.setParameterNode(None)

    def _on_scene_changed(self, caller: vtk.vtkObject, event: str) -> None:
        self._forget_removed_cts()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def _on_node_added(self, caller: vtk.vtkObject, event: str) -> None:
        self._settle_timer.start()

    def _on_nodes_settled(self) -> None:
        if self._parameter_node is not None and not slicer.mrmlScene.IsBatchProcessing():
            self._choose_ct(self._parameter_node)

    def _on_node_removed(self, caller: vtk.vtkObject, event: str) -> None:
        self._forget_removed_cts()
        if self._is_gone(self._running_ct):
            self.run.cancel(_("The CT was removed from the scene, so its segmentation stopped."))
        if self._is_gone(self._shown_ct):
            self._show_result(None, None)
        elif self._shown_ct and self._shown and any(map(self._is_gone, self._shown.nodes)):
            self._show_result(self._shown_ct, find_result(self._shown_ct))
        self._show_state()

    def _forget_removed_cts(self) -> None:
        for ct_id in [i for i in self._undoable if slicer.mrmlScene.GetNodeByID(i) is None]:
            del self._undoable[ct_id]
        self._view_controls.forget_removed_cts()

    @staticmethod
    def _is_gone(node: vtkMRMLNode | None) -> bool:
        return node is not None and not slicer.mrmlScene.IsNodePresent(node)

    # The parameter node

    def initializeParameterNode(self) -> None:
        """Observe the scene's parameter node, with a CT selected if the scene has one."""
        node = self.logic.getParameterNode()
        node.model = node.model or default_model()
        self.setParameterNode(node)
        self._choose_ct(node)

    def setParameterNode(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Tie the widgets to ``node`` instead of the present one."""
        modified = vtk.vtkCommand.ModifiedEvent
        if self._parameter_node is not None:
            self._parameter_node.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameter_node, modified, self._on_parameters_changed)
        self._parameter_node = node
        if node is None:
            self._model_lists.show(None)
        else:
            self._gui_tag = node.connectGui(self.ui)
            self.addObserver(node, modified, self._on_parameters_changed)
            self._show_parameters(node)

    def _choose_ct(self, node: COVIDLesionSegParameterNode) -> None:
        """Select the CT that the slice views show, or the scene's first, if none is selected."""
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        hidden = [volume.GetID() for volume in volumes if not may_be_ct(volume)]
        self.ui.ctSelector.sortFilterProxyModel().hiddenNodeIDs = hidden
        if node.ct is None:
            seen = [volume for volume in views.background_volumes() if may_be_ct(volume)]
            ct = seen[0] if seen else first_ct(slicer.mrmlScene)
            if ct is not None:
                node.ct = ct

    def _on_parameters_changed(self, caller: vtk.vtkObject, event: str) -> None:
        if self._parameter_node is not None and self._show_parameters(self._parameter_node):
            self._view_controls.show_chosen()

    def _show_parameters(self, node: COVIDLesionSegParameterNode) -> bool:
        """Bring the panel in line with ``node``; whether another CT is shown than before."""
        self._model_lists.show(node)
        ct, other = node.ct, node.ct is not self._shown_ct
        if other:
            self._show_result(ct, find_result(ct) if ct else None)
        self._show_state()
        return other

    # The run

    def onApplyButton(self) -> None:
        """Start a run, or cancel the one in progress."""
        if self.run.state is RunState.IDLE and self._parameter_node is not None:
            with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
                self._start(self._parameter_node)
        else:
            self.run.cancel(_("Cancelled: nothing was changed."))
        self._show_state()

    def _start(self, node: COVIDLesionSegParameterNode) -> None:
        ct = node.ct
        try:
            parameters = parameters_from_node(node)
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
        ct = self._running_ct
        if ct is None:
            return
        sentence, warning = _("The result could not be shown."), True
        try:
            with slicer.util.tryWithErrorDisplay(sentence, waitCursor=True):
                try:
                    shown = show_result(ct, result)
                except CovidLesionSegError as error:
                    sentence = str(error)
                    return
                self._undoable[ct.GetID()] = shown
                self._show_result(ct, shown)
                self._view_controls.show_chosen(new=True)
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
            button.toolTip = _("Stop the run; the scene stays as it is.")
        elif state is RunState.CANCELLING:
            button.toolTip = _("The run is being stopped.")
        elif self._parameter_node is not None and self._parameter_node.ct is not None:
            button.toolTip = _("Segment the lungs and lesions, and grade the severity.")
        else:
            button.enabled = False
            button.toolTip = _("Load and select a chest CT first.")

    def _show_result(self, ct: vtkMRMLScalarVolumeNode | None, result: SceneResult | None) -> None:
        """Show a CT's result on the panel; the views stay as they are."""
        if ct is not self._shown_ct and self.run.state is RunState.IDLE:
            self._say("")  # what was said was about another CT
        self._shown_ct, self._shown = ct, result
        self._view_controls.watch(ct, result)
        self._correction_watch.watch(result.segmentationNode if result else None)
        if ct is not None and result is not None:
            self.ui.undoButton.enabled = ct.GetID() in self._undoable
            self._result_view.show(result.severity, result.flags)

    def _on_corrected(self, corrected: bool) -> None:
        self.ui.correctedLabel.visible = corrected

    def _on_undo(self) -> None:
        ct, shown = self._shown_ct, self._shown
        if ct is None or shown is None:
            return
        # Before the undo: it may remove the very volume that the views show.
        overlay_visible = views.hide_overlays(shown)
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
