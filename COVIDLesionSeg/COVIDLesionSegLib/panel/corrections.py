"""Whether, and by how much, the segmentation on show differs from what its run gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.util import VTKObservationMixin

from ..engine.errors import CovidLesionSegError, in_one_sentence
from ..engine.flags import is_untrained
from ..engine.severity.correction import Correction
from ..scene.corrected_severity import show_correction
from ..scene.corrections import may_be_corrected_in_steps
from ..scene.label_boxes import bring_prediction_along, labelled_ct
from ..scene.show import SceneResult, find_result
from ..scene.volumes import world_geometry
from ..worker.correction_meter import CorrectionMeter, Question
from .idle_work import IdleWork

if TYPE_CHECKING:
    import vtk
    from slicer import vtkMRMLScalarVolumeNode

    from .section import Panel

DELAY_MS = 500
"""Strokes that follow each other this fast are measured once, after the last."""
POLL_INTERVAL_MS = 50


class Corrections(VTKObservationMixin):
    """Watches the segmentation on show, and measures every edit in a background process.

    Tables, severity and provenance in the scene follow what was measured, and then the panel does.
    A case that was left before its last edit was measured is measured as soon as the case on show
    needs nothing.

    Attributes:
        before_measuring: Called before voxels of the case on show are taken; it may change the
            segmentation.
        problem: Why the last edit could not be measured, or "".
        unwatched: Whether what is being measured was edited while the case was not on show.
    """

    def __init__(self, panel: Panel) -> None:
        VTKObservationMixin.__init__(self)
        self.before_measuring: Callable[[], None] = lambda: None
        self.problem = ""
        self.unwatched = False
        self._panel = panel
        self._measurement = CorrectionMeter(temporary_path=slicer.app.temporaryPath)
        self._listeners: list[Callable[[], None]] = []
        self._listeners_elsewhere: list[Callable[[vtkMRMLScalarVolumeNode], None]] = []
        self._ct: vtkMRMLScalarVolumeNode | None = None
        self._result: SceneResult | None = None
        self._unmeasured = False
        self._left: list[vtkMRMLScalarVolumeNode] = []
        self._measured_ct: vtkMRMLScalarVolumeNode | None = None
        self._looking = IdleWork()
        self._delay = qt.QTimer()
        self._delay.setSingleShot(True)
        self._delay.setInterval(DELAY_MS)
        self._delay.connect("timeout()", self._measure)
        self._asking: Iterator[None] = iter(())
        self._step = qt.QTimer()
        self._step.setInterval(0)
        self._step.connect("timeout()", self._ask)
        self._poll = qt.QTimer()
        self._poll.setInterval(POLL_INTERVAL_MS)
        self._poll.connect("timeout()", self._on_poll)

    # For sections

    @property
    def corrected(self) -> bool | None:
        """Whether the segmentation on show differs from its run, as last measured.

        None where there is no result, or the run's segmentation is not known.
        """
        if self._result is None or self._result.predictionNode is None:
            return None
        return self._result.correction is not None

    @property
    def measured(self) -> Correction | None:
        """What was last measured to differ; None if nothing does, or it is not known."""
        return None if self._result is None else self._result.correction

    @property
    def pending(self) -> bool:
        """Whether an edit is being looked for or measured: what is on show may be older."""
        return self._unmeasured or self._looking.active

    @property
    def looking(self) -> bool:
        """Whether it is being found out if the case on show was edited at all."""
        return self._looking.active

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every edit of the segmentation on show, and once it is measured.

        It may ask for :attr:`pending`, :attr:`corrected` and :attr:`measured`.
        """
        self._listeners.append(listener)

    def on_measured_elsewhere(self, listener: Callable[[vtkMRMLScalarVolumeNode], None]) -> None:
        """Call ``listener`` with the CT of a case that was measured after it was left."""
        self._listeners_elsewhere.append(listener)

    def measure(self) -> None:
        """The segmentation on show is not that of its run, though nobody edited it just now."""
        if self._result is not None and self._result.predictionNode is not None:
            self._looking.stop()
            self.unwatched = False
            self._begin()
            self._tell()

    # The panel's calls

    def watch(
        self, ct: vtkMRMLScalarVolumeNode | None, result: SceneResult | None, new: bool
    ) -> None:
        """Watch the result on show; edits that were made unwatched are measured now.

        Args:
            ct: Its CT.
            result: The result, or None.
            new: Whether a run has just given it.
        """
        node = result.segmentationNode if result else None
        same = self._result is not None and node is self._result.segmentationNode
        if self._unmeasured and self._ct is not None and ct is not self._ct:
            self._left.append(self._ct)
        self._ct, self._result = ct, result
        if same and not new:
            return
        self._forget()
        if ct in self._left:
            self._left.remove(ct)
            self._unmeasured = result is not None
        self._watch(result, new)
        if self._unmeasured or self._left:
            self._delay.start()

    def _watch(self, result: SceneResult | None, new: bool) -> None:
        node = result.segmentationNode if result else None
        if result is None or node is None:
            return
        segmentation = slicer.vtkSegmentation
        # The node repeats its segmentation's events, also those of one that an undo puts there.
        for event in (
            segmentation.SourceRepresentationModified,
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
            segmentation.SegmentModified,  # all that Segment Editor's Undo tells
        ):
            self.addObserver(node, event, self._on_modified)
        if new:
            self._unmeasured = False
        elif result.correction is not None:
            self._unmeasured = self.unwatched = True
        elif result.predictionNode is not None and not self._unmeasured:
            self._looking.start(
                may_be_corrected_in_steps(node), self._on_looked, self._on_not_looked
            )

    def close(self) -> None:
        """Watch nothing more, and end the process."""
        self._left.clear()
        self._forget()
        self._ct = self._result = None
        self._measurement.close()

    def _forget(self) -> None:
        self.removeObservers()
        self._looking.stop()
        for timer in (self._delay, self._step, self._poll):
            timer.stop()
        self._asking = iter(())
        self._measurement.forget()
        self._measured_ct = None
        self._unmeasured = self.unwatched = False
        self.problem = ""

    # Looking

    def _on_looked(self, edited: bool) -> None:
        if edited:
            self.unwatched = True
            self._begin()
        self._tell()

    def _on_not_looked(self, error: Exception) -> None:
        """What it was is told when the case is measured."""
        self._on_looked(edited=True)

    # Measuring

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        self.measure()

    def _begin(self) -> None:
        """Measure the case on show after a while."""
        # Voxels that were about to be copied may be gone.
        self._step.stop()
        self._asking = iter(())
        self._unmeasured = True
        self._delay.start()

    def _measure(self) -> None:
        """Measure the case on show, or else one that was left."""
        if self._looking.active:
            self._delay.start()
            return
        self._left = [ct for ct in self._left if slicer.mrmlScene.IsNodePresent(ct)]
        edited = [self._ct, *self._left] if self._unmeasured else self._left
        # A run may be filling the nodes of its CT.
        ready = [ct for ct in edited if not self._panel.is_segmenting(ct)]
        if not ready:
            if edited:
                self._delay.start()
            return
        self._measured_ct = ready[0]
        if self._measured_ct is self._ct:
            self.before_measuring()
        try:
            question = _question(self._measured_ct)
        except CovidLesionSegError as error:  # as of a CT that was moved
            self._fail(str(error))
            return
        if question is None:
            self._done()
            self._tell()
            return
        self._asking = self._measurement.ask(question)
        self._step.start()

    def _ask(self) -> None:
        """Copy some more voxels for the process that measures."""
        try:
            next(self._asking)
        except StopIteration:
            self._step.stop()
            self._poll.start()
        except Exception as error:
            self._step.stop()
            self._fail_with(error)

    def _on_poll(self) -> None:
        try:
            correction = self._measurement.poll()
        except Exception as error:
            self._poll.stop()
            self._fail_with(error)
            return
        if correction is None:
            return
        self._poll.stop()
        # While the user goes on editing, the next measurement is on its way.
        if self._delay.active or self._step.active:
            self._tell()
            return
        ct = self._measured_ct
        self._done()
        if ct is None or not slicer.mrmlScene.IsNodePresent(ct):
            return
        show_correction(ct, correction)
        if ct is self._ct:
            self.problem = ""
            self._panel.show_result(ct, find_result(ct))
            self._tell()
        else:
            for listener in self._listeners_elsewhere:
                listener(ct)

    def _done(self) -> None:
        """Nothing more is to be done for the case that was measured last."""
        ct, self._measured_ct = self._measured_ct, None
        if ct is self._ct:
            self._unmeasured = self.unwatched = False
        elif ct in self._left:
            self._left.remove(ct)
        if self._left:
            self._delay.start()

    def _fail_with(self, error: Exception) -> None:
        """Say once what went wrong; what nobody expected goes to the log, too."""
        self._measurement.forget()
        self._fail(in_one_sentence(error))
        if not isinstance(error, (CovidLesionSegError, OSError)):
            raise error

    def _fail(self, sentence: str) -> None:
        shown = self._measured_ct is self._ct
        self._done()
        if shown:
            self.problem = sentence
            self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _question(ct: vtkMRMLScalarVolumeNode | None) -> Question | None:
    """What to measure of a case; None where it has no result to compare with.

    Raises:
        CovidLesionSegError: It cannot be measured.
    """
    result = None if ct is None else find_result(ct)
    if ct is None or result is None or result.original is None:
        return None
    classes = result.original.classes
    bring_prediction_along(ct)
    return Question(
        before=labelled_ct(result.predictionNode, ct, classes),
        after=labelled_ct(result.segmentationNode, ct, classes),
        classes=classes,
        geometry=world_geometry(ct),
        original=result.original,
        graded=not is_untrained(result.flags),
    )
