"""Views that travel with a saved scene, so that it opens in Slicer with the result in sight."""

from __future__ import annotations

import math

import slicer

from ..scene.overlay import show_overlay
from ..scene.show import SceneResult
from .bootstrap import Session

FROM_FRONT = (-0.35, 1.0, 0.18)
"""Direction (RAS) from the lungs to the eye: anterior, slightly from the left and above."""

_SLICE_VIEWS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_VIEW_ANGLE_DEGREES = 30.0


def arrange_views(session: Session, ct_node, result: SceneResult) -> None:
    """Set up Slicer's three slice views and its 3D view for one result.

    The slice views show the CT with the overlay, the axial one at the slice with the most lesion;
    the 3D view looks at the lungs from the front. Nothing is rendered.

    Args:
        session: The running MRML, without the application.
        ct_node: The CT.
        result: Shown over it.
    """
    for name, orientation in _SLICE_VIEWS.items():
        _arrange_slice_view(session, name, orientation, ct_node, result)
    _arrange_threed_view(session.scene, result.segmentationNode)


def _arrange_slice_view(session, name, orientation, ct_node, result: SceneResult) -> None:
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(session.application_logic)
    logic.SetMRMLScene(session.scene)
    node = session.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
    if node is None:
        node = logic.AddSliceNode(name)
    else:
        logic.SetSliceNode(node)
    node.SetOrientation(orientation)
    show_overlay([logic.GetSliceCompositeNode()], ct_node, result.probabilityNode)
    logic.FitSliceToAll()
    most_infected = result.severity.most_infected_slice
    if orientation == "Axial" and most_infected is not None:
        logic.SetSliceOffset(most_infected.position_mm)
    logic.SnapSliceOffsetToIJK()
    logic.DeleteSliceModel()
    logic.SetMRMLScene(None)


def _arrange_threed_view(scene, segmentation_node) -> None:
    view = slicer.vtkMRMLViewNode()
    view.SetName("View1")
    view.SetLayoutName("1")
    view.SetSingletonTag("1")
    view = scene.AddNode(view)
    camera = slicer.vtkMRMLCameraNode()
    camera.SetName("Camera")
    camera.SetLayoutName("1")
    camera.SetSingletonTag("1")
    camera = scene.AddNode(camera)
    bounds = [0.0] * 6
    segmentation_node.GetRASBounds(bounds)
    centre = [(bounds[i] + bounds[i + 1]) / 2 for i in (0, 2, 4)]
    radius = math.dist(bounds[0::2], bounds[1::2]) / 2
    distance = radius / math.sin(math.radians(_VIEW_ANGLE_DEGREES) / 2)
    step = distance / math.hypot(*FROM_FRONT)
    camera.SetViewAngle(_VIEW_ANGLE_DEGREES)
    camera.SetFocalPoint(*centre)
    camera.SetPosition(*(c + step * d for c, d in zip(centre, FROM_FRONT, strict=True)))
    camera.SetViewUp(0.0, 0.0, 1.0)
