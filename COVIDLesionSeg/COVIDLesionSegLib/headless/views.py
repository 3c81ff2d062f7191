"""Slicer's views, rendered into a picture file instead of onto a screen."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

import slicer
import vtk

from ..engine.errors import OutputError
from ..engine.labels import Color
from .bootstrap import MrmlSession, require_rendering

if TYPE_CHECKING:
    from slicer import (
        vtkMRMLAbstractLogic,
        vtkMRMLCameraNode,
        vtkMRMLDisplayableManagerFactory,
        vtkMRMLNode,
    )
    from typing_extensions import Self

_THREED_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)
_DEPTH_PEELS = 24
_INK, _WARNING = (1.0, 1.0, 1.0), (1.0, 0.75, 0.0)
# Shares of the window.
_LEGEND_WIDTH, _LEGEND_LINE, _LEGEND_TOP = 0.3, 0.035, 0.92


def _load_compiler() -> None:
    """Load PyTorch's compiler before OpenGL.

    Triton and Mesa's software OpenGL each bring an LLVM. Where Triton comes second, as with a
    training after a picture, it ends the whole process.
    """
    with suppress(Exception):
        importlib.import_module("triton")


class OffscreenView:
    """What all kinds of view share: a window, its renderer and Slicer's displayable managers.

    Used as a context manager, it leaves no node of its own in the scene.

    Attributes:
        logic: Of the view; every kind of view has its own.
    """

    logic: vtkMRMLAbstractLogic

    def __init__(self, session: MrmlSession, size: tuple[int, int]) -> None:
        require_rendering()
        _load_compiler()
        self.session = session
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.EnableRenderOff()
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self._nodes_before = self._nodes()
        self._own_nodes: list[vtkMRMLNode] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the view out of the scene."""
        self.group.SetMRMLDisplayableNode(None)
        # A logic that still watches the scene would make its nodes anew.
        self.logic.SetMRMLScene(None)
        for node in self._own_nodes:
            if self.session.scene.IsNodePresent(node):
                self.session.scene.RemoveNode(node)
        self.window.Finalize()

    def annotate(self, text: str) -> None:
        """Write ``text`` into the lower left corner, for a dark ground."""
        self._write(text, vtk.vtkCornerAnnotation.LowerLeft, _INK, 16)

    def warn(self, text: str) -> None:
        """Write ``text`` large at the upper edge."""
        self._write(text, vtk.vtkCornerAnnotation.UpperEdge, _WARNING, 30)

    def _write(self, text: str, place: int, color: Color, size: int) -> None:
        annotation = vtk.vtkCornerAnnotation()
        annotation.SetText(place, text)
        annotation.SetMaximumFontSize(size)
        annotation.GetTextProperty().SetColor(*color)
        self.renderer.AddViewProp(annotation)

    def add_legend(self, entries: Sequence[tuple[str, Color]]) -> None:
        """Name colours (RGB, 0 to 1) in the upper right corner, each text in its own colour."""
        legend = vtk.vtkLegendBoxActor()
        legend.SetNumberOfEntries(len(entries))
        square = vtk.vtkPlaneSource()
        square.Update()
        for number, (text, color) in enumerate(entries):
            legend.SetEntry(number, square.GetOutput(), text, color)
        legend.BorderOff()
        legend.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        legend.GetPosition2Coordinate().SetCoordinateSystemToNormalizedViewport()
        height = _LEGEND_LINE * len(entries)
        legend.SetPosition(1.0 - _LEGEND_WIDTH, _LEGEND_TOP - height)
        legend.SetPosition2(_LEGEND_WIDTH, height)
        self.renderer.AddViewProp(legend)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Render and write a PNG file.

        Raises:
            OutputError: The file cannot be written.
        """
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.ShouldRerenderOff()
        writer = vtk.vtkPNGWriter()
        writer.SetInputConnection(grabber.GetOutputPort())
        writer.SetFileName(str(path))
        writer.Write()
        if writer.GetErrorCode():
            raise OutputError(f"The picture {path} cannot be written: choose another folder.")

    def _nodes(self) -> list[vtkMRMLNode]:
        scene = self.session.scene
        return [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]

    def _new_nodes(self) -> list[vtkMRMLNode]:
        return [node for node in self._nodes() if node not in self._nodes_before]

    def _use_managers(
        self, factory: vtkMRMLDisplayableManagerFactory, names: tuple[str, ...]
    ) -> None:
        factory.SetMRMLApplicationLogic(self.session.application_logic)
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group.Initialize(factory, self.renderer)


class ThreeDView(OffscreenView):
    """One of Slicer's 3D views."""

    def __init__(self, session: MrmlSession, size: tuple[int, int] = (900, 800)) -> None:
        super().__init__(session, size)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyle3D())
        # Translucent lungs in front of and behind lesions come out right only when peeled.
        self.window.SetAlphaBitPlanes(1)
        self.renderer.SetUseDepthPeeling(True)
        self.renderer.SetUseDepthPeelingForVolumes(True)
        self.renderer.SetMaximumNumberOfPeels(_DEPTH_PEELS)
        self._use_managers(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), _THREED_MANAGERS
        )
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(session.application_logic)
        self.logic.SetMRMLScene(session.scene)
        session.application_logic.GetViewLogics().AddItem(self.logic)
        self.node = self.logic.AddViewNode("picture")
        self.group.SetMRMLDisplayableNode(self.node)
        self._own_nodes = self._new_nodes()

    def close(self) -> None:
        self.session.application_logic.GetViewLogics().RemoveItem(self.logic)
        super().close()

    @property
    def camera_node(self) -> vtkMRMLCameraNode:
        """The view's camera."""
        manager = self.group.GetDisplayableManagerByClassName("vtkMRMLCameraDisplayableManager")
        return manager.GetCameraNode()

    def set_background(self, color: Color) -> None:
        """One RGB colour, 0 to 1, without Slicer's gradient."""
        self.node.SetBackgroundColor(*color)
        self.node.SetBackgroundColor2(*color)

    def look_from(self, direction: tuple[float, float, float], zoom: float = 1.0) -> None:
        """Look at everything visible from ``direction`` (RAS), superior up."""
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        bounds = [0.0] * 6
        self.renderer.ComputeVisiblePropBounds(bounds)
        centre = [(bounds[i] + bounds[i + 1]) / 2 for i in (0, 2, 4)]
        camera = self.camera_node
        camera.SetFocalPoint(*centre)
        camera.SetPosition(*(c + d for c, d in zip(centre, direction, strict=True)))
        camera.SetViewUp(0.0, 0.0, 1.0)
        self.renderer.ResetCamera(bounds)
        camera.GetCamera().Zoom(zoom)
        self.renderer.ResetCameraClippingRange()
