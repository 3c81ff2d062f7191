"""``slicer.app.layoutManager()``: slice views that note when they are fitted, real 3D cameras."""

from __future__ import annotations

import numpy as np
import slicer
import vtk

_CLOSED_SURFACE = "Closed surface"


class ThreeDView:
    """A 3D view's camera, over the surfaces that the scene shows; ``threeDView()`` is itself."""

    def __init__(self, scene) -> None:
        self._scene = scene
        self._node = slicer.vtkMRMLViewNode()
        self._camera_node = slicer.vtkMRMLCameraNode()
        self._renderer = vtk.vtkRenderer()
        self._renderer.SetActiveCamera(self._camera_node.GetCamera())

    def threeDView(self) -> ThreeDView:
        return self

    def mrmlViewNode(self):
        return self._node

    def resetCamera(self, rotation=True, translation=True, distance=True) -> None:
        self._visible_bounds()
        if self._node.GetBoxVisible() or self._node.GetAxisLabelsVisible():
            self._add(_large_box())
        self._camera_node.Reset(rotation, translation, distance, self._renderer)

    @property
    def direction(self) -> np.ndarray:
        """From the camera to what it looks at, length 1."""
        return np.array(self._camera_node.GetCamera().GetDirectionOfProjection())

    def fits(self) -> bool:
        """Whether the sphere around what is visible fills the camera's cone (Slicer's rule)."""
        bounds = np.array(self._visible_bounds())
        centre = (bounds[0::2] + bounds[1::2]) / 2
        radius = np.linalg.norm(bounds[1::2] - bounds[0::2]) / 2
        camera = self._camera_node.GetCamera()
        distance = radius / np.sin(np.radians(camera.GetViewAngle() / 2))
        expected = centre - distance * self.direction
        return np.allclose(camera.GetPosition(), expected, rtol=0, atol=0.01)

    def _visible_bounds(self) -> list[float]:
        self._renderer.RemoveAllViewProps()
        for number in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
            node = self._scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode")
            for surface in _visible_surfaces(node):
                self._add(surface)
        return list(self._renderer.ComputeVisiblePropBounds())

    def _add(self, surface: vtk.vtkPolyData) -> None:
        mapper = vtk.vtkPolyDataMapper()
        mapper.SetInputData(surface)
        actor = vtk.vtkActor()
        actor.SetMapper(mapper)
        self._renderer.AddActor(actor)


def _large_box() -> vtk.vtkPolyData:
    """The box that Slicer draws around all nodes, hidden ones as well."""
    box = vtk.vtkCubeSource()
    box.SetBounds(*3 * (-1000.0, 1000.0))
    box.Update()
    return box.GetOutput()


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
