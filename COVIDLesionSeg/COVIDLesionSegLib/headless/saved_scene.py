"""A scene as one .mrb file, which opens in Slicer with the result in sight."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from ..engine.errors import OutputError
from ..scene.overlay import show_overlay
from ..scene.show import SceneResult
from .bootstrap import MrmlSession

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSegmentationNode

FROM_FRONT = (-0.35, 1.0, 0.18)
"""Direction (RAS) from the lungs to the eye: anterior, slightly from the left and above."""

_SLICE_VIEWS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_VIEW_ANGLE_DEGREES = 30.0


def arrange_views(
    session: MrmlSession, ct_node: vtkMRMLScalarVolumeNode, result: SceneResult
) -> None:
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


def save_scene(scene: vtkMRMLScene, path: str | os.PathLike[str]) -> Path:
    """Write ``scene`` to a Slicer data bundle.

    The bundle is made in a temporary folder beside ``path`` and moved into place, so ``path``
    holds either the whole new bundle or what it held before.

    Args:
        scene: The MRML scene.
        path: Ends in ``.mrb``.

    Returns:
        ``path``.

    Raises:
        OutputError: The folder cannot be written, or a node could not be saved.
    """
    path = Path(path)
    if path.suffix != ".mrb":
        raise OutputError(f"{path.name} must end in .mrb to be a Slicer scene bundle.")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scene-") as folder:
            bundle = Path(folder) / path.name
            if not scene.WriteToMRB(str(bundle)) or not bundle.is_file():
                raise OutputError(
                    f"The scene could not be saved as {path.name}: check the free disk space."
                )
            os.replace(bundle, path)
    except OSError as error:
        raise OutputError(
            f"The scene cannot be written to {path}: choose a folder you may write to."
        ) from error
    return path


def _arrange_slice_view(
    session: MrmlSession,
    name: str,
    orientation: str,
    ct_node: vtkMRMLScalarVolumeNode,
    result: SceneResult,
) -> None:
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


def _arrange_threed_view(scene: vtkMRMLScene, segmentation_node: vtkMRMLSegmentationNode) -> None:
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
