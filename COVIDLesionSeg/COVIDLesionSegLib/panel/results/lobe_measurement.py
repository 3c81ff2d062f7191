"""The figures of each lobe, worked out in short steps between the events of the window."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from ...engine.labels import segment_id
from ...engine.lobes import LOBES
from ...engine.severity.lobes import measure_lobes
from ...engine.severity.report import RegionSeverity
from ...scene.lobes import lobe_segments, placed_labels
from ...scene.volumes import world_geometry
from ..idle_work import IdleWork
from ..unforeseen import raise_unforeseen

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

    from ...scene.show import SceneResult

DELAY_MS = 500
"""Edits that follow each other this fast are measured once, after the last."""

_Lobes = tuple[RegionSeverity, ...]


class LobeMeasurement(VTKObservationMixin):
    """Measures one segmentation of lobes at a time, and again after every edit of it."""

    def __init__(
        self,
        on_result: Callable[[_Lobes], None],
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
        self._work = IdleWork()
        self._delay = qt.QTimer()
        self._delay.setSingleShot(True)
        self._delay.setInterval(DELAY_MS)
        self._delay.connect("timeout()", self._start)

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
        self._work.stop()
        self._case = self._lobes = None

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        self._work.stop()  # the voxels may be gone
        self._delay.start()

    def _start(self) -> None:
        if self._case is not None and self._lobes is not None:
            self._work.start(
                _measure(*self._case, self._lobes, self._chosen), self._on_result, self._on_error
            )

    def _on_error(self, error: Exception) -> None:
        self._on_problem(raise_unforeseen(error))


def _measure(
    ct: vtkMRMLScalarVolumeNode,
    result: SceneResult,
    lobes: vtkMRMLSegmentationNode,
    chosen: Mapping[str, str],
) -> Generator[float, None, _Lobes]:
    classes = result.severity.classes
    segments = lobe_segments(lobes, chosen)
    lesions = {segment_id(name): name for name in classes}
    return (
        yield from measure_lobes(
            placed_labels(lobes, segments),
            placed_labels(result.segmentationNode, lesions),
            [lobe for lobe in LOBES if lobe in segments.values()],
            classes,
            world_geometry(ct),
        )
    )
