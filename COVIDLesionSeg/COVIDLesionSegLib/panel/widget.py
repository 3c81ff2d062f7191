"""The panel: its sections, the case on show, and what Slicer and the scene tell it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ..engine.models.user_models import default_model
from ..scene import names
from ..scene.nodes import remove_left_behind, remove_output
from ..scene.show import SceneResult, find_result
from .corrections import Corrections
from .parameter_node import COVIDLesionSegLogic, COVIDLesionSegParameterNode
from .preparing.first_use import FirstUse
from .results.lost_result import lost_sentence
from .review.saving import ReviewKeeping
from .running.run import Run
from .section import Section
from .sections.about import AboutSection
from .sections.cohort import CohortSection
from .sections.correction import CorrectionSection
from .sections.display import DisplaySection
from .sections.followup import FollowUpSection
from .sections.inputs import InputsSection
from .sections.model import ModelSection
from .sections.models import ModelsSection
from .sections.restore import RestoreSection
from .sections.results import ResultsSection
from .sections.retrain import RetrainSection
from .sections.review import ReviewSection
from .sections.run import RunSection
from .shortcuts import Shortcuts

if TYPE_CHECKING:
    from collections.abc import Callable

    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode

    from ..scene.prepared import PreparedResult
    from ..worker.job import WorkerJob

LIBRARY = __name__.partition(".")[0]
SETTLE_MS = 100
"""Nodes that came or went are looked at this much later: whoever adds one has filled it by then."""
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
    """Holds the sections together: one case is on show in all of them.

    Attributes:
        first_use: What is to be asked and checked before models run.
        sections: All sections, from the top down.
        shortcuts: The keys that sections registered; active while the module is open.
        ui: The widgets of all sections by name.
        ct: The CT on show.
        result: What the scene holds for that CT.
    """

    def __init__(self, parent: slicer.qSlicerScriptedLoadableModuleWidget | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._parameter_node: COVIDLesionSegParameterNode | None = None
        self._gui_tag = 0
        self.ct: vtkMRMLScalarVolumeNode | None = None
        self.result: SceneResult | None = None
        self._not_in_views: vtkMRMLScalarVolumeNode | None = None
        self._lost: tuple[vtkMRMLScalarVolumeNode | None, str] = (None, "")

    # Slicer's calls

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        frame = slicer.util.loadUI(self.resourcePath("UI/COVIDLesionSeg.ui"))
        self.layout.addWidget(frame)
        self.shortcuts = Shortcuts()
        self.corrections = Corrections(self)
        self.keeping = ReviewKeeping()
        self.logic = COVIDLesionSegLogic()
        self.first_use = FirstUse(
            say=self.say,
            on_state=self.show_state,
            on_models=self.models_changed,
        )
        self._inputs = InputsSection(self)
        self._model = ModelSection(self)
        self._run = RunSection(self)
        results = ResultsSection(self)
        self.sections: list[Section] = [
            self._inputs,
            RestoreSection(self),
            self._model,
            self._run,
            results,
            DisplaySection(self),
            CorrectionSection(self),
            ReviewSection(self),
            RetrainSection(self),
            ModelsSection(self),
            CohortSection(self),
            FollowUpSection(self),
            AboutSection(self),
        ]
        for place, section in enumerate(self.sections):
            frame.layout().insertWidget(place, section.root)
        self.ui: Any = slicer.util.childWidgetVariables(frame)
        frame.setMRMLScene(slicer.mrmlScene)
        self.ui.noticeLabel.text = research_use_notice()
        # Above the results, where nobody has to scroll for it.
        frame.layout().insertWidget(self.sections.index(results), self.ui.noticeLabel)
        self._settle_timer = qt.QTimer()
        self._settle_timer.setSingleShot(True)
        self._settle_timer.setInterval(SETTLE_MS)
        self._settle_timer.connect("timeout()", self._on_nodes_settled)
        self._observe_scene()
        self.show_result(None, None)
        self.initializeParameterNode()
        if self._model.problem:
            self.say(self._model.problem, warning=True)
        slicer.app.connect("paletteChanged(QPalette)", self._on_palette_changed)
        if self.parent.isEntered:  # reloaded: Slicer does not enter it again
            self.enter()

    def _on_palette_changed(self, palette: object) -> None:
        for section in self.sections:
            section.palette_changed()

    def _observe_scene(self) -> None:
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self._on_scene_start_import)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._on_scene_changed, priority=_AFTER_SLICERS_OWN)
        self.addObserver(scene, scene.NodeAddedEvent, self._on_node_added)
        self.addObserver(scene, scene.NodeRemovedEvent, self._on_node_removed)

    def cleanup(self) -> None:
        slicer.app.disconnect("paletteChanged(QPalette)", self._on_palette_changed)
        self._settle_timer.stop()
        self.first_use.stop_now()
        for section in self.sections:
            section.close()
        self.shortcuts.close()
        self.corrections.close()
        self.keeping.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        self.initializeParameterNode()
        for section in self.sections:
            section.enter()
        self.shortcuts.set_active(True)
        waiting, self._not_in_views = self._not_in_views, None
        if waiting is not None and waiting is self.ct:
            self.show_result(self.ct, self.result, in_views=True)

    def exit(self) -> None:
        for section in self.sections:
            section.exit()
        self.shortcuts.set_active(False)
        self.setParameterNode(None)

    def onReload(self) -> None:
        # Slicer reloads the module file only; without this, edits of the library have no effect.
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    # The scene

    def onSceneStartClose(self, caller: vtk.vtkObject, event: str) -> None:
        for section in self.sections:
            section.scene_closing()
        self.setParameterNode(None)
        self.show_result(None, None)
        # Slicer's slice views go on to the next segmentation when one leaves, and change what it
        # shows; in a scene that is closing, that logs an error for each view.
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            if node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID():
                remove_output(node)

    def _on_scene_start_import(self, caller: vtk.vtkObject, event: str) -> None:
        if self.ct is not None:
            for section in self.sections:
                section.scene_importing(self.logic.getParameterNode())
        # The list of CTs is empty until the import has ended: connected, it would clear the choice.
        self.setParameterNode(None)

    def _on_scene_changed(self, caller: vtk.vtkObject, event: str) -> None:
        self._tell_nodes_changed()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def _on_node_added(self, caller: vtk.vtkObject, event: str) -> None:
        self._settle_timer.start()

    def _on_nodes_settled(self) -> None:
        if slicer.mrmlScene.IsBatchProcessing():
            self._settle_timer.start()
            return
        remove_left_behind(slicer.mrmlScene)
        self._tell_nodes_changed()

    def _on_node_removed(self, caller: vtk.vtkObject, event: str) -> None:
        # Many may be removed one after the other: only what cannot wait is done for each.
        self._settle_timer.start()
        self._run.nodes_changed()
        if self._is_gone(self.ct):
            self.show_result(None, None)
        elif self.ct and self.result and any(map(self._is_gone, self.result.nodes)):
            self.show_result(self.ct, find_result(self.ct))
        else:
            return
        self.show_state()

    def _tell_nodes_changed(self) -> None:
        for section in self.sections:
            section.nodes_changed()
        self._say_what_was_lost()
        self.show_state()

    @staticmethod
    def _is_gone(node: vtkMRMLNode | None) -> bool:
        return node is not None and not slicer.mrmlScene.IsNodePresent(node)

    # The parameter node

    @property
    def parameter_node(self) -> COVIDLesionSegParameterNode | None:
        return self._parameter_node

    def initializeParameterNode(self) -> None:
        """Observe the scene's parameter node, with a CT selected if the scene has one."""
        node = self.logic.getParameterNode()
        node.model = node.model or default_model()
        self.setParameterNode(node)
        self._inputs.choose_ct(node)

    def setParameterNode(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Tie the widgets to ``node`` instead of the present one."""
        modified = vtk.vtkCommand.ModifiedEvent
        if self._parameter_node is not None:
            self._parameter_node.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameter_node, modified, self._on_parameters_changed)
        self._parameter_node = node
        if node is not None:
            self._gui_tag = node.connectGui(self.ui)
            self.addObserver(node, modified, self._on_parameters_changed)
        self._show_parameters(in_views=False)

    def _on_parameters_changed(self, caller: vtk.vtkObject, event: str) -> None:
        self._show_parameters(in_views=True)

    def _show_parameters(self, in_views: bool) -> None:
        """Bring the sections in line with the parameter node, and show its CT if that changed."""
        node = self._parameter_node
        for section in self.sections:
            section.show_parameters(node)
        if node is None:
            return
        if node.ct is not self.ct:
            self.show_result(node.ct, find_result(node.ct) if node.ct else None, in_views)
        self.show_state()

    # What sections ask for

    @property
    def run(self) -> Run[PreparedResult]:
        """The segmentation in progress, or the idle one."""
        return self._run.run

    @property
    def busy(self) -> bool:
        return self._run.busy

    def is_segmenting(self, ct: vtkMRMLScalarVolumeNode | None) -> bool:
        return self._run.is_segmenting(ct)

    def show_result(
        self,
        ct: vtkMRMLScalarVolumeNode | None,
        result: SceneResult | None,
        in_views: bool = False,
        new: bool = False,
    ) -> None:
        """Show a CT and its result on the panel, see :class:`.section.Panel`."""
        if ct is not self.ct and not self.busy:
            self.say("")  # what was said was about another CT
        self.ct, self.result = ct, result
        if in_views and self._parameter_node is None:  # the views are another module's now
            in_views, self._not_in_views = False, ct
        self.corrections.watch(ct, result, new)
        for section in self.sections:
            section.show_result(in_views, new)
        self._say_what_was_lost()

    def _say_what_was_lost(self) -> None:
        """Tell of a result on show that is none any more, as long as that is so."""
        ct, before = self.ct, self._lost
        known = ct is None or self.result is not None or self.is_segmenting(ct)
        lost = "" if known else lost_sentence(ct)
        self._lost = (ct, lost)
        if lost and self._lost != before:
            self.say(lost, warning=True)
        elif not lost and before[1] and self.ui.statusLabel.text == before[1]:
            self.say("")

    def start_run(
        self,
        ct: vtkMRMLScalarVolumeNode,
        job: WorkerJob[PreparedResult],
        on_shown: Callable[[], None] | None = None,
    ) -> None:
        """Run a job that gives a result for a CT, see :class:`.section.Panel`."""
        self._run.start(ct, job, on_shown)
        self.show_state()

    def show_state(self) -> None:
        """Bring every section in line with the run, the chosen CT and its result."""
        for section in self.sections:
            section.show_state()

    def models_changed(self) -> None:
        """Tell every section that models were added, or that another one became the default."""
        for section in self.sections:
            section.models_changed()

    def say(self, sentence: str, warning: bool = False) -> None:
        self._run.say(sentence, warning)
