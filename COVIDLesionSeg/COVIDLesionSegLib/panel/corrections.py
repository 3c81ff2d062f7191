"""Whether, and by how much, the segmentation on show differs from what its run gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.util import VTKObservationMixin

from ..engine.errors import CovidLesionSegError
from ..engine.flags import is_untrained
from ..engine.severity.correction import Correction
from ..scene.corrected_severity import show_correction
from ..scene.corrections import may_be_corrected
from ..scene.label_boxes import labelled_ct
from ..scene.show import SceneResult, find_result
from ..scene.volumes import world_geometry
from ..worker.measurement import Measurement, Question

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

    Attributes:
        before_measuring: Called before voxels are taken; it may change the segmentation.
        problem: Why the last edit could not be measured, or "".
    """

    def __init__(self, panel: Panel) -> None:
        VTKObservationMixin.__init__(self)
        self.before_measuring: Callable[[], None] = lambda: None
        self.problem = ""
        self._panel = panel
        self._measurement = Measurement(temporary_path=slicer.app.temporaryPath)
        self._listeners: list[Callable[[], None]] = []
        self._ct: vtkMRMLScalarVolumeNode | None = None
        self._result: SceneResult | None = None
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
        """Whether an edit is being measured: what is on show may be older than the edit."""
        return bool(self._delay.active or self._step.active) or self._measurement.pending

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every edit of the segmentation on show, and once it is measured.

        It may ask for :attr:`pending`, :attr:`corrected` and :attr:`measured`.
        """
        self._listeners.append(listener)

    def measure(self) -> None:
        """The segmentation on show is not that of its run, though nobody edited it just now."""
        if self._result is not None and self._result.predictionNode is not None:
            # Voxels that were about to be copied may be gone.
            self._step.stop()
            self._asking = iter(())
            self._delay.start()
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
        self._ct, self._result = ct, result
        if same and not new:
            return
        self._forget()
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
        if not new and (result.correction is not None or may_be_corrected(node)):
            self._delay.start()

    def close(self) -> None:
        """Watch nothing more, and end the process."""
        self._forget()
        self._ct = self._result = None
        self._measurement.close()

    def _forget(self) -> None:
        self.removeObservers()
        for timer in (self._delay, self._step, self._poll):
            timer.stop()
        self._asking = iter(())
        self._measurement.forget()
        self.problem = ""

    # Measuring

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        self.measure()

    def _measure(self) -> None:
        if self._panel.busy:  # a run may be filling the nodes
            self._delay.start()
            return
        ct = self._ct
        result = None if ct is None else find_result(ct)
        if ct is None or result is None or result.original is None:
            return
        self.before_measuring()
        classes = result.original.classes
        try:
            question = Question(
                before=labelled_ct(result.predictionNode, ct, classes),
                after=labelled_ct(result.segmentationNode, ct, classes),
                classes=classes,
                geometry=world_geometry(ct),
                original=result.original,
                graded=not is_untrained(result.flags),
            )
        except CovidLesionSegError as error:  # as of a CT that was moved
            self._fail(str(error))
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
        except (CovidLesionSegError, OSError) as error:
            self._step.stop()
            self._fail(str(error))

    def _on_poll(self) -> None:
        try:
            correction = self._measurement.poll()
        except CovidLesionSegError as error:
            self._poll.stop()
            self._fail(str(error))
            return
        if correction is None:
            return
        self._poll.stop()
        # While the user goes on editing, the next measurement is on its way.
        if not (self._delay.active or self._step.active) and self._ct is not None:
            self.problem = ""
            show_correction(self._ct, correction)
            self._panel.show_result(self._ct, find_result(self._ct))
        self._tell()

    def _fail(self, sentence: str) -> None:
        self.problem = sentence
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
