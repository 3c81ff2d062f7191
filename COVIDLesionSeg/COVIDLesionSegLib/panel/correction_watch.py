"""Tells when the user corrects the segmentation that the panel shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.util import VTKObservationMixin

from ..scene.corrections import is_corrected

if TYPE_CHECKING:
    import vtk
    from slicer import vtkMRMLSegmentationNode

DELAY_MS = 500
"""Strokes that follow each other this fast are looked at once, after the last."""


class CorrectionWatch(VTKObservationMixin):
    """Watches one segmentation node at a time; runs and saved scenes are no corrections."""

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        """``on_change`` hears whether the watched segmentation was corrected since its run."""
        VTKObservationMixin.__init__(self)
        self._on_change = on_change
        self._node: vtkMRMLSegmentationNode | None = None
        self._corrected = False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.connect("timeout()", self._look)

    def watch(self, node: vtkMRMLSegmentationNode | None) -> None:
        """Watch ``node`` instead of the present one, or nothing if it is None."""
        self.stop()
        self._node = node
        self._tell(False)
        if node is None:
            return
        segmentation = slicer.vtkSegmentation
        # The node repeats its segmentation's events, also those of one that an undo puts there.
        for event in (segmentation.SourceRepresentationModified, segmentation.SegmentRemoved):
            self.addObserver(node, event, self._on_modified)
        self._look()

    def stop(self) -> None:
        """Watch nothing more."""
        self._timer.stop()
        self.removeObservers()
        self._node = None

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        # The fingerprints of a large CT take a while: what is known already is not asked again.
        if not self._corrected:
            self._timer.start()

    def _look(self) -> None:
        if self._node is not None:
            self._tell(bool(is_corrected(self._node)))

    def _tell(self, corrected: bool) -> None:
        self._corrected = corrected
        self._on_change(corrected)
