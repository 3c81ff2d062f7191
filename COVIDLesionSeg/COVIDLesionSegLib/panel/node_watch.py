"""Tells when nodes are changed outside the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import qt
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    import vtk
    from slicer import vtkMRMLNode

DELAY_MS = 100
"""Changes that follow each other this fast are looked at once, after the last."""


class NodeWatch(VTKObservationMixin):
    """Watches some nodes of the scene."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """``on_change`` is called some time after any watched node was modified."""
        VTKObservationMixin.__init__(self)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.connect("timeout()", on_change)

    def watch(self, nodes: Iterable[vtkMRMLNode]) -> None:
        """Watch these nodes instead of the present ones."""
        self.stop()
        for node in nodes:
            self.addObserver(node, "ModifiedEvent", self._on_modified)

    def look_soon(self) -> None:
        """Call ``on_change`` as if a node had been modified."""
        self._timer.start()

    def stop(self) -> None:
        """Watch nothing more."""
        self._timer.stop()
        self.removeObservers()

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        self.look_soon()
