"""``slicer.app.layoutManager()``: slice views that note when they are fitted, real 3D cameras."""

from __future__ import annotations

import itertools

import numpy as np
import slicer
import vtk

_CLOSED_SURFACE = "Closed surface"


class ThreeDView:
    """A 3D view's camera, over the surfaces that the scene shows; ``threeDView()`` is itself."""

    def __init__(self, scene) -> None:
        self._scene = scene
        self._camera_node = slicer.vtkMRMLCameraNode()
        self._renderer = vtk.vtkRenderer()
        self._renderer.SetActiveCamera(self._camera_node.GetCamera())

    def threeDView(self) -> ThreeDView:
        return self

    def resetFocalPoint(self) -> None:
        """Look at the centre of what is visible, from as far away as before (CTK)."""
        bounds = self._visible_bounds()
        camera = self._camera_node
        offset = np.subtract(camera.GetPosition(), camera.GetFocalPoint())
        centre = np.mean([bounds[0::2], bounds[1::2]], axis=0)
        camera.SetFocalPoint(*centre)
        camera.SetPosition(*(centre + offset))

    def resetCamera(self, rotation=True, translation=True, distance=True) -> None:
        self._visible_bounds()
        self._camera_node.Reset(rotation, translation, distance, self._renderer)

    @property
    def direction(self) -> np.ndarray:
        """From the camera to what it looks at, length 1."""
        return np.array(self._camera_node.GetCamera().GetDirectionOfProjection())

    def sees_everything(self) -> bool:
        """Whether every corner of the visible surfaces' box is inside the camera's cone."""
        bounds = self._visible_bounds()
        camera = self._camera_node.GetCamera()
        corners = np.array(list(itertools.product(bounds[:2], bounds[2:4], bounds[4:])))
        rays = corners - camera.GetPosition()
        along = rays @ self.direction
        angles = np.degrees(np.arccos(along / np.linalg.norm(rays, axis=1)))
        return bool((angles <= camera.GetViewAngle() / 2 + 1e-6).all())

    def _visible_bounds(self) -> list[float]:
        self._renderer.RemoveAllViewProps()
        for number in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
            node = self._scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode")
            for surface in _visible_surfaces(node):
                mapper = vtk.vtkPolyDataMapper()
                mapper.SetInputData(surface)
                actor = vtk.vtkActor()
                actor.SetMapper(mapper)
                self._renderer.AddActor(actor)
        return list(self._renderer.ComputeVisiblePropBounds())


def _visible_surfaces(node) -> list:
    display, segmentation = node.GetDisplayNode(), node.GetSegmentation()
    if display is None or not (display.GetVisibility() and display.GetVisibility3D()):
        return []
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    visible = [i for i in ids if display.GetSegmentVisibility(i)]
    visible = [i for i in visible if display.GetSegmentVisibility3D(i)]
    found = [segmentation.GetSegment(i).GetRepresentation(_CLOSED_SURFACE) for i in visible]
    return [surface for surface in found if surface is not None and surface.GetNumberOfPoints()]


class LayoutManager:
    """A layout with several 3D views.

    Attributes:
        slice_fits: How many times the slice views were fitted to their background.
    """

    def __init__(self, scene, three_d_views: int = 2) -> None:
        self.views = [ThreeDView(scene) for _ in range(three_d_views)]
        self.slice_fits = 0

    @property
    def threeDViewCount(self) -> int:
        return len(self.views)

    def threeDWidget(self, index: int) -> ThreeDView:
        return self.views[index]

    def resetSliceViews(self) -> None:
        self.slice_fits += 1
