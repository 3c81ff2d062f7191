"""Slicer's slice views, rendered into a picture file, to see what they would show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import slicer
import vtk

from COVIDLesionSegLib.headless.bootstrap import MrmlSession
from COVIDLesionSegLib.headless.views import OffscreenView

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceCompositeNode

_SLICE_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceView(OffscreenView):
    """One of Slicer's slice views."""

    def __init__(
        self,
        session: MrmlSession,
        name: str = "picture",
        orientation: str = "Axial",
        size: tuple[int, int] = (700, 700),
    ) -> None:
        super().__init__(session, size)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        # Before the managers, which put markers into further layers on top.
        self._mapper = self._add_image_layer()
        self._use_managers(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), _SLICE_MANAGERS
        )
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(session.application_logic)
        session.application_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(session.scene)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(orientation)
        self.group.SetMRMLDisplayableNode(self.node)
        self.logic.ResizeSliceNode(*size)
        self._own_nodes = self._new_nodes()

    def close(self) -> None:
        self.session.application_logic.GetSliceLogics().RemoveItem(self.logic)
        super().close()

    @property
    def composite_node(self) -> vtkMRMLSliceCompositeNode:
        """Which volumes the view shows."""
        return self.logic.GetSliceCompositeNode()

    def fit(self) -> None:
        """Fill the view with the background volume, on a slice through its voxel centres."""
        self.logic.FitSliceToAll()
        self.logic.SnapSliceOffsetToIJK()

    def save(self, path: str | os.PathLike[str]) -> None:
        # The slice logic has an image to show only once a volume is in the view.
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        super().save(path)

    def _add_image_layer(self) -> vtk.vtkImageMapper:
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        # Segment fills blend with the image only if it is in a layer of its own below them.
        image_renderer = vtk.vtkRenderer()
        image_renderer.AddViewProp(actor)
        self.window.SetNumberOfLayers(2)
        self.renderer.SetLayer(1)
        self.window.AddRenderer(image_renderer)
        return mapper
