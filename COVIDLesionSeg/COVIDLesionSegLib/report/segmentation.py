"""Writes every file of a result folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..engine.errors import OutputError
from ..engine.progress import CancelToken, Progress, ProgressCallback
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from .result_files import (
    DISAGREEMENT,
    INFECTION_PICTURE,
    PROBABILITY,
    REPORT_HTML,
    REPORT_JSON,
    SCENE,
    SEGMENTATION,
    SLICES_PICTURE,
)

STAGE = "Writing the result"


def write_segmentation(
    volume: Volume,
    result: SegmentationResult,
    folder: Path,
    report: ProgressCallback,
    cancel: CancelToken,
) -> None:
    """Write numbers, pictures, segmentation, scene and report of one CT.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        folder: An empty folder.
        report: Told before each file.
        cancel: Looked at before each file.

    Raises:
        DependencyError: A library that a file needs is missing.
        OutputError: A file cannot be written.
        Cancelled: ``cancel`` was set.
    """
    # Matplotlib and MRML take time to load, so they are loaded when they are needed.
    from ..engine.volume.writing import write_volume
    from .report_html import write_report_html
    from .report_json import write_report_json
    from .slices_figure import write_slices_figure

    def step(fraction: float, name: str) -> Path:
        cancel.raise_if_cancelled()
        report(Progress(STAGE, fraction, name))
        return folder / name

    write_report_json(result, step(0.0, REPORT_JSON))
    write_volume(result.probability, result.geometry, step(0.02, PROBABILITY))
    if result.disagreement is not None:
        write_volume(result.disagreement, result.geometry, step(0.1, DISAGREEMENT))
    write_slices_figure(volume, result, step(0.15, SLICES_PICTURE))
    step(0.3, "segmentation, 3D model and scene")
    write_scene_files(volume, result, folder, cancel)
    write_report_html(
        result,
        step(0.97, REPORT_HTML),
        slices_picture=folder / SLICES_PICTURE,
        infection_picture=folder / INFECTION_PICTURE,
    )
    cancel.raise_if_cancelled()


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

    # MRML's temporary files go with the folder, even if the process is killed.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".mrml-") as temporary:
        session = boot(Path(temporary))
        ct = volume_to_node(volume, _CT_NAME, session.scene)
        nodes = show_result(ct, result)
        cancel.raise_if_cancelled()
        _save_segmentation(nodes.segmentationNode, folder / SEGMENTATION)
        cancel.raise_if_cancelled()
        infection3d_picture(session, nodes.segmentationNode, folder / INFECTION_PICTURE)
        cancel.raise_if_cancelled()
        arrange_views(session, ct, nodes)
        save_scene(session.scene, folder / SCENE)


def _save_segmentation(node: Any, path: Path) -> None:
    import slicer

    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise OutputError(f"{path.name} cannot be written: check the free disk space.")
