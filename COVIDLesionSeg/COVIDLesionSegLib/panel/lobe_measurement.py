"""The figures of each lobe, worked out in short steps between the events of the window."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from ..engine.errors import CovidLesionSegError
from ..engine.labels import segment_id
from ..engine.lobes import LOBES
from ..engine.severity.lobes import measure_lobes
from ..engine.severity.report import RegionSeverity
from ..scene.lobes import lobe_segments, placed_labels
from ..scene.volumes import world_geometry

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

    from ..scene.show import SceneResult

DELAY_MS = 500
"""Edits that follow each other this fast are measured once, after the last."""
STEP_SECONDS = 0.02
"""Longest work between two events of the window, but for one slice of a CT."""

_Steps = Generator[float, None, tuple[RegionSeverity, ...]]


class LobeMeasurement(VTKObservationMixin):
    """Measures one segmentation of lobes at a time, and again after every edit of it."""

    def __init__(
        self,
        on_result: Callable[[tuple[RegionSeverity, ...]], None],
        on_problem: Callable[[str], None],
    ) -> None:
        """
        Args:
            on_result: Gets the lobes that have a segment.
            on_problem: Gets one sentence for people.
        """
        VTKObservationMixin.__init__(self)
        self._on_result = on_result
        self._on_problem = on_problem
        self._case: tuple[vtkMRMLScalarVolumeNode, SceneResult] | None = None
        self._lobes: vtkMRMLSegmentationNode | None = None
        self._chosen: Mapping[str, str] = {}
        self._steps: _Steps | None = None
        self._delay = _timer(DELAY_MS, self._start)
        self._turn = _timer(0, self._step)

    def measure(
        self,
        ct: vtkMRMLScalarVolumeNode,
        result: SceneResult,
        lobes: vtkMRMLSegmentationNode,
        chosen: Mapping[str, str],
    ) -> None:
        """Measure these lobes of the result, now and after every edit.

        Args:
            ct: The CT.
            result: Its lesions.
            lobes: The user's segmentation.
            chosen: Segment id by lobe where the user says so.
        """
        self.stop()
        self._case, self._lobes, self._chosen = (ct, result), lobes, chosen
        segmentation = slicer.vtkSegmentation
        for node in (lobes, result.segmentationNode):
            for event in (
                segmentation.SourceRepresentationModified,
                segmentation.SegmentAdded,
                segmentation.SegmentRemoved,
                segmentation.SegmentModified,
                slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
            ):
                self.addObserver(node, event, self._on_modified)
        self._start()

    def stop(self) -> None:
        """Measure nothing more."""
        self.removeObservers()
        self._delay.stop()
        self._turn.stop()
        self._steps = self._case = self._lobes = None

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        self._steps = None  # the voxels may be gone
        self._turn.stop()
        self._delay.start()

    def _start(self) -> None:
        if self._case is None or self._lobes is None:
            return
        ct, result = self._case
        classes = result.severity.classes
        try:
            segments = lobe_segments(self._lobes, self._chosen)
            self._steps = measure_lobes(
                placed_labels(self._lobes, segments),
                placed_labels(
                    result.segmentationNode, {segment_id(name): name for name in classes}
                ),
                [lobe for lobe in LOBES if lobe in segments.values()],
                classes,
                world_geometry(ct),
            )
        except CovidLesionSegError as error:
            self._on_problem(str(error))
        else:
            self._turn.start()

    def _step(self) -> None:
        deadline = time.monotonic() + STEP_SECONDS
        try:
            while self._steps is not None and time.monotonic() < deadline:
                next(self._steps)
        except StopIteration as end:
            self._steps = None
            self._on_result(end.value)
            return
        if self._steps is not None:
            self._turn.start()


def _timer(milliseconds: int, action: Callable[[], None]) -> qt.QTimer:
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.connect("timeout()", action)
    return timer
