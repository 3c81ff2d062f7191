"""Run: Apply or Cancel, the lungs alone, progress, one sentence on how it went, and Undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.progress import Progress
from ...scene import names
from ...scene.prepared import PreparedResult
from ...scene.show import SceneLungs, SceneResult, find_result, show_lungs, show_result
from ...worker.turn import SEGMENTATION_TURN
from ..colors import color_sentence, show_sentence
from ..lungs_choice import lungs_of
from ..parameter_node import COVIDLesionSegParameterNode, parameters_from_node
from ..running.log_window import LogButton
from ..running.lost_corrections import ask_before_run
from ..running.run import Run, RunState, end_of_console
from ..running.run_clock import ShownProgress
from ..running.segmentation_task import SegmentationTask
from ..running.undo_button import UndoButton
from ..section import Panel, Section

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ...worker.job import WorkerJob


class RunSection(Section):
    """Runs the segmentation of the chosen CT, one at a time, and undoes it.

    A segmentation that was started from the Python console is shown and cancelled here, too.

    Attributes:
        run: The run in progress, or the idle one.
    """

    UI_FILE = "Run"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._progress = ShownProgress(self.ui.progressBar, self._say_progress)
        self.run = Run(
            on_progress=self._progress.report,
            on_result=self._on_result,
            on_error=self._on_error,
            on_cancelled=self._end_run,
            on_arrival=self._put_into_scene,
        )
        self._running_ct: vtkMRMLScalarVolumeNode | None = None
        self._only_lungs = False
        self._found_lungs: SceneLungs | None = None  # to be chosen once the user is back
        self._on_shown: Callable[[], None] | None = None
        self._arrived: SceneResult | SceneLungs | None = None
        self._undo = UndoButton(self.ui.undoButton, panel)
        self._of_console = False
        self._log_button = LogButton(self.ui.logButton)
        SEGMENTATION_TURN.listen(self)
        self.ui.applyButton.connect("clicked(bool)", self.on_apply)
        self.ui.lungsButton.connect("clicked(bool)", self._on_lungs_only)

    @property
    def busy(self) -> bool:
        """Whether a segmentation is running, or something is checked before it."""
        running = self.run.state is not RunState.IDLE
        return running or self.panel.first_use.busy or self._of_console

    def is_segmenting(self, ct: vtkMRMLScalarVolumeNode | None) -> bool:
        """Whether that segmentation is one of ``ct``."""
        return ct is not None and self.busy and ct in (self._running_ct, SEGMENTATION_TURN.ct)

    # The panel's calls

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        if node is not None and self._found_lungs is not None:
            lungs, self._found_lungs = self._found_lungs, None
            self._choose_lungs(node, lungs)

    def show_result(self, in_views: bool, new: bool) -> None:
        self._undo.show()

    def show_state(self) -> None:
        idle = not self.panel.busy
        self._progress.show_bar(not idle, self.panel.first_use.busy)
        self._log_button.show(idle)
        self._undo.show()
        self._show_apply(idle)
        self._show_lungs_only(idle)

    def palette_changed(self) -> None:
        color_sentence(self.ui.statusLabel)

    def nodes_changed(self) -> None:
        self._undo.nodes_changed()
        ct = self._running_ct
        if ct is not None and not slicer.mrmlScene.IsNodePresent(ct):
            self._cancel(_("The CT was removed from the scene, so its segmentation stopped."))

    def scene_closing(self) -> None:
        self._cancel(_("The scene was closed, so the segmentation was stopped."))

    def close(self) -> None:
        if self._of_console:  # a panel that is made anew would not know of it
            SEGMENTATION_TURN.cancel()
        SEGMENTATION_TURN.forget(self)
        self._progress.end()
        self.run.stop_now()
        SEGMENTATION_TURN.give_back(self)
        self._log_button.close()

    def say(self, sentence: str, warning: bool = False) -> None:
        """Show one sentence below the Apply button; progress waits until it can have been read."""
        self._progress.pause()
        show_sentence(self.ui.statusLabel, sentence, warning)

    def _say_progress(self, sentence: str, warning: bool = False) -> None:
        """Say how far the run is, and whose it is if another CT is on show."""
        ct: Any = self._running_ct or SEGMENTATION_TURN.ct
        if ct is not None and ct is not self.panel.ct:
            sentence = f"{ct.GetName()}: {sentence}"
        show_sentence(self.ui.statusLabel, sentence, warning)

    # The buttons

    def _show_apply(self, idle: bool) -> None:
        node, button = self.panel.parameter_node, self.ui.applyButton
        given = node is not None and node.givenLungs is not None
        button.text = _("Cancel")
        button.enabled = self.run.state is not RunState.CANCELLING
        if idle:
            button.text = _("Find lesions in these lungs") if given else _("Apply")
        if self.run.state is RunState.RUNNING or self._of_console:
            button.toolTip = _("Stop the run; the scene stays as it is.")
        elif self.run.state is RunState.CANCELLING:
            button.toolTip = _("The run is being stopped.")
        elif not idle:
            button.toolTip = _("Stop before the run; the scene stays as it is.")
        elif node is None or node.ct is None:
            button.enabled = False
            button.toolTip = _("Load and select a chest CT first.")
        elif given and not lungs_of(node):
            button.enabled = False
            button.toolTip = _("Choose which segment is which lung, under Inputs.")
        elif given:
            button.toolTip = _("Segment the lesions in the chosen lungs, and grade the severity.")
        else:
            button.toolTip = _("Segment the lungs and lesions, and grade the severity.")

    def _show_lungs_only(self, idle: bool) -> None:
        node, button = self.panel.parameter_node, self.ui.lungsButton
        button.visible = idle
        button.enabled = node is not None and node.ct is not None and node.givenLungs is None
        if button.enabled:
            button.toolTip = _(
                "Find the lungs only, to correct them before lesions are looked for."
            )
        elif node is not None and node.ct is not None:
            button.toolTip = _("The lungs are given: choose 'Find them' under Inputs first.")
        else:
            button.toolTip = _("Load and select a chest CT first.")

    # The run

    def start(
        self,
        ct: vtkMRMLScalarVolumeNode,
        job: WorkerJob[PreparedResult],
        on_shown: Callable[[], None] | None = None,
        expected_seconds: float | None = None,
    ) -> None:
        """Run a job that gives a result for ``ct``, and show it as one step that can be undone.

        Args:
            ct: The CT.
            job: The job.
            on_shown: Called once the result is shown.
            expected_seconds: How long it takes; None if nobody knows.

        Raises:
            OutputError: The temporary folder cannot be written.
            CovidLesionSegError: Another segmentation is running.
        """
        SEGMENTATION_TURN.take(
            self, lambda: self.run.cancel(_("Cancelled: nothing was changed.")), ct
        )
        try:
            self.run.start(job)
        except BaseException:
            SEGMENTATION_TURN.give_back(self)
            raise
        self._running_ct, self._on_shown = ct, on_shown
        self._log_button.log = None
        self._progress.begin(self.run, expected_seconds)

    def on_apply(self) -> None:
        """Start a run, or cancel the one in progress."""
        if self.panel.busy or self.panel.parameter_node is None:
            self._cancel(_("Cancelled: nothing was changed."))
            self.panel.show_state()
        else:
            self._begin(self.panel.parameter_node)

    def _on_lungs_only(self) -> None:
        if not self.panel.busy and self.panel.parameter_node is not None:
            self._begin(self.panel.parameter_node, only_lungs=True)

    def _cancel(self, reason: str) -> None:
        if self._of_console:
            SEGMENTATION_TURN.cancel()
        self.panel.first_use.cancel(reason)
        self.run.cancel(reason)

    def _begin(self, node: COVIDLesionSegParameterNode, only_lungs: bool = False) -> None:
        """Start a run once everything that it needs is there, and nothing is lost by it."""
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            try:
                task = SegmentationTask(
                    node.ct,
                    parameters_from_node(node),
                    only_lungs,
                    None if only_lungs else node.givenLungs,
                    lungs_of(node),
                )
            except CovidLesionSegError as error:
                self._on_error(str(error))
                return
            agreed = ask_before_run(task)
            if agreed is not None:
                self._running_ct = agreed.ct
                self.panel.first_use.prepare(
                    agreed.needed, partial(self._start, agreed), self._end_run
                )
        self.panel.show_state()

    def _start(self, task: SegmentationTask) -> None:
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            try:
                self._only_lungs = task.only_lungs
                self.start(task.ct, task.job(), expected_seconds=task.expected_seconds())
            except CovidLesionSegError as error:
                self._on_error(str(error))

    def _put_into_scene(self, result: PreparedResult) -> None:
        if self._running_ct is None:
            return
        show = show_lungs if self._only_lungs else show_result
        refusal: CovidLesionSegError | None = None
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown.")):
            try:
                self._arrived = show(self._running_ct, result)
            except CovidLesionSegError as error:
                refusal = error
        if refusal is not None:
            raise refusal

    def _on_result(self, result: PreparedResult) -> None:
        ct, shown, self._arrived = self._running_ct, self._arrived, None
        sentence, warning = _("The result could not be shown."), True
        if ct is None or shown is None:
            self._end_run(sentence, warning)
            return
        self._undo.remember(ct, shown)
        try:
            with slicer.util.tryWithErrorDisplay(sentence):
                if isinstance(shown, SceneLungs):
                    sentence, warning = self._take_lungs(ct, shown)
                else:
                    sentence, warning = self._take(ct, shown), False
        finally:
            self._end_run(sentence, warning)

    def _take(self, ct: vtkMRMLScalarVolumeNode, shown: SceneResult) -> str:
        """Show a new result; gives what to say of it."""
        if self._is_chosen(ct):
            self.panel.show_result(ct, shown, in_views=True, new=True)
        if self._on_shown is not None:
            self._on_shown()
        return str(_("Done.") if self._is_chosen(ct) else self._elsewhere())

    def _is_chosen(self, ct: vtkMRMLScalarVolumeNode) -> bool:
        """Whether the panel may show a CT: no other was chosen meanwhile, as by an added scene."""
        node = self.panel.parameter_node
        return node is None or node.ct is None or node.ct is ct

    @staticmethod
    def _elsewhere() -> str:
        return str(
            _("Done; another CT is chosen now. Choose the one of the run to see its result.")
        )

    def _take_lungs(self, ct: vtkMRMLScalarVolumeNode, shown: SceneLungs) -> tuple[str, bool]:
        """Show new lungs, and choose them for the lesions; gives what to say of them."""
        if not self._is_chosen(ct):
            return self._elsewhere(), False
        self.panel.show_result(ct, None, in_views=True, new=True)
        shown.segmentationNode.GetDisplayNode().SetVisibility(True)
        node = self.panel.parameter_node
        if node is None:  # another module is open
            self._found_lungs = shown
        else:
            self._choose_lungs(node, shown)
        doubts = [flag.message for flag in shown.flags if flag.level == "warning"]
        sentence = _("The lungs were found: correct them under Correction, then find the lesions.")
        return " ".join([sentence, *doubts]), bool(doubts)

    @staticmethod
    def _choose_lungs(node: COVIDLesionSegParameterNode, lungs: SceneLungs) -> None:
        """Have lesions looked for in these lungs, if their CT is still chosen."""
        segmentation = lungs.segmentationNode
        in_scene = not lungs.undone and slicer.mrmlScene.IsNodePresent(segmentation)
        if in_scene and node.ct is segmentation.GetNodeReference(names.CT_REFERENCE):
            node.lungSegments = ""
            node.givenLungs = segmentation

    def _on_error(self, sentence: str) -> None:
        self._end_run(sentence, warning=True)

    def _end_run(self, sentence: str, warning: bool = False) -> None:
        if self._arrived is not None:  # cancelled at the last moment
            self._arrived.undo()
        self._arrived = self._running_ct = self._on_shown = None
        self._only_lungs = False
        self._progress.end()
        self._log_button.log = self.run.kept_log
        SEGMENTATION_TURN.give_back(self)
        self.say(sentence, warning)
        self.panel.show_state()

    # Segmentations of the console

    def turn_taken(self) -> None:
        """A segmentation was started from the console."""
        self._of_console = True
        self._log_button.log = None
        self._progress.begin(None)
        self.panel.show_state()

    def turn_progressed(self, progress: Progress) -> None:
        """It has reported."""
        self._progress.report(progress)

    def turn_ended(self, shown: Any, error: BaseException | None) -> None:
        """It is over, and put ``shown`` into the scene, or nothing because of ``error``."""
        self._of_console = False
        self._progress.end()
        self.say(*end_of_console(error))
        ct = None
        if isinstance(shown, (SceneResult, SceneLungs)):
            ct = shown.segmentationNode.GetNodeReference(names.CT_REFERENCE)
        if ct is not None:
            self._undo.remember(ct, shown)
            if ct is self.panel.ct:
                self.panel.show_result(ct, find_result(ct), in_views=True, new=True)
        self.panel.show_state()
