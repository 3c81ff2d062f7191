"""The files of a result that Slicer's MRML makes: segmentation, 3D picture and scene."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import OutputError
from ..engine.progress import CancelToken
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from .result_names import INFECTION_PICTURE, SCENE, SEGMENTATION

_CT_NAME = "chest CT"


def write_scene_files(
    volume: Volume, result: SegmentationResult, folder: Path, cancel: CancelToken
) -> None:
    """Build the scene that the panel builds, and save it with its segmentation and picture.

    The scene opens with the overlay in the slice views, at the slice with the most lesion, and
    with the 3D model.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        folder: Where the files go.
        cancel: Looked at between the steps.

    Raises:
        DependencyError: Slicer's MRML or OpenGL is missing.
        OutputError: A file cannot be written.
        Cancelled: ``cancel`` was set.
    """
    from ..headless.bootstrap import boot
    from ..headless.pictures import infection3d_picture
    from ..headless.saved_scene import arrange_views, save_scene
    from ..scene.show import show_result
    from ..scene.volumes import volume_to_node

    session = boot()
    ct = volume_to_node(volume, _CT_NAME, session.scene)
    nodes = show_result(ct, result)
    cancel.raise_if_cancelled()
    _save_segmentation(nodes.segmentationNode, folder / SEGMENTATION)
    cancel.raise_if_cancelled()
    infection3d_picture(session, nodes.segmentationNode, folder / INFECTION_PICTURE)
    cancel.raise_if_cancelled()
    arrange_views(session, ct, nodes)
    save_scene(session.scene, folder / SCENE)


def _save_segmentation(node, path: Path) -> None:
    import slicer

    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise OutputError(f"{path.name} cannot be written: check the free disk space.")
