"""The CT of a reviewed case in the scene: read in short steps, and never twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from ..engine.review import ReviewedCase
from ..engine.steps import Steps
from . import names
from .images import empty_array
from .nodes import nodes_by_class
from .volumes import image_to_node

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def opened_ct(case_id: str) -> vtkMRMLScalarVolumeNode | None:
    """The CT that was opened of this case, if it is in the scene."""
    for node in nodes_by_class(slicer.mrmlScene, "vtkMRMLScalarVolumeNode"):
        if node.GetAttribute(names.CASE_ATTRIBUTE) == case_id:
            return node
    return None


def open_ct(case: ReviewedCase, name: str) -> Steps[vtkMRMLScalarVolumeNode]:
    """Read the CT of a case into a new volume node, in short steps.

    Args:
        case: The case.
        name: Of the node; it must not identify the patient.

    Raises:
        InputError: A file of the case is damaged or gone; the scene is as it was.
    """
    image = vtk.vtkImageData()

    def array_for(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        return empty_array(image, shape, dtype)

    volume = yield from case.volume_in_steps(array_for)
    node = image_to_node(image, volume.geometry, name)
    node.SetAttribute(names.CASE_ATTRIBUTE, case.id)
    return node
