"""A case of a cohort in the scene: its CT, and its result as it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from ..engine.cohort.record import OPENED_CT, OPENED_RESULT
from ..engine.steps import Steps
from ..engine.volume.exact import load_volume_in_steps
from .images import empty_array
from .prepared import PreparedResult, load_prepared
from .volumes import image_to_node

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def load_case(folder: Path, name: str) -> Steps[tuple[vtkMRMLScalarVolumeNode, PreparedResult]]:
    """Read what the job ``open_case`` wrote, in short steps.

    Args:
        folder: It is not needed any more afterwards.
        name: Of the CT's new node; it must not identify the patient.

    Returns:
        The new node, in the scene, and the result for :func:`.show.show_result`.

    Raises:
        InputError: The folder is damaged; the scene is as it was.
    """
    image = vtk.vtkImageData()

    def array_for(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        return empty_array(image, shape, dtype)

    volume = yield from load_volume_in_steps(folder / OPENED_CT, array_for)
    node = image_to_node(image, volume.geometry, name)
    try:
        prepared = yield from load_prepared(node, folder / OPENED_RESULT)
    except BaseException:
        slicer.mrmlScene.RemoveNode(node)
        raise
    return node, prepared
