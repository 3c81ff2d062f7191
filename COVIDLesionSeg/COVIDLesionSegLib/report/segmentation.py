"""Writes every file of a result folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import OutputError
from ..engine.files import write_bytes
from ..engine.progress import CancelToken, Progress, ProgressCallback
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from .result_files import (
    DICOM_SEGMENTATION,
    DISAGREEMENT,
    INFECTION_PICTURE,
    PROBABILITY,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_PDF,
    SCENE,
    SEGMENTATION,
    SLICES_CSV,
    SLICES_PICTURE,
)

if TYPE_CHECKING:
    from .dicom_files import DicomOutput

STAGE = "Writing the result"


def write_segmentation(
    volume: Volume,
    result: SegmentationResult,
    folder: Path,
    progress: ProgressCallback,
    cancel: CancelToken,
    with_scene: bool = True,
    title: str = "",
    paper: str | None = None,
    dicom: DicomOutput | None = None,
) -> None:
    """Write numbers, pictures, segmentation, scene and report of one CT.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        folder: An empty folder.
        progress: Told before each file.
        cancel: Looked at before each file.
        with_scene: Without, there is neither scene nor picture of the 3D model.
        title: Title of the report, as the user chose.
        paper: The report is a PDF of this size, too, of ``PAPERS``.
        dicom: The series that the CT came from, where DICOM files are wanted.

    Raises:
        DependencyError: A library that a file needs is missing.
        OutputError: A file cannot be written.
        Cancelled: ``cancel`` was set.
    """
    # Matplotlib and MRML take time to load, so they are loaded when they are needed.
    from .report_html import report_page
    from .report_json import write_report_json
    from .severity_slices import write_severity_slices_csv

    def step(fraction: float, name: str) -> Path:
        cancel.raise_if_cancelled()
        progress(Progress(STAGE, fraction, name))
        return folder / name

    write_report_json(result, step(0.0, REPORT_JSON))
    write_severity_slices_csv(result.severity, step(0.01, SLICES_CSV))
    with ThreadPoolExecutor(1) as beside:
        # Neither needs MRML, which works in one thread.
        volumes_and_slices = beside.submit(
            _write_volumes_and_slices, volume, result, folder, cancel
        )
        write_scene_files(volume, result, folder, step, with_scene)
        step(0.9, SLICES_PICTURE)
        volumes_and_slices.result()
    page = report_page(
        result,
        slices_picture=folder / SLICES_PICTURE,
        infection_picture=folder / INFECTION_PICTURE if with_scene else None,
        title=title,
    )
    write_bytes(page.encode(), step(0.97, REPORT_HTML))
    if paper is not None:
        from .report_pdf import write_pdf

        write_pdf(page, paper, step(0.98, REPORT_PDF))
    if dicom is not None:
        step(0.98, DICOM_SEGMENTATION)
        dicom.write(volume, result, folder, cancel)
    cancel.raise_if_cancelled()


def _write_volumes_and_slices(
    volume: Volume, result: SegmentationResult, folder: Path, cancel: CancelToken
) -> None:
    from ..engine.volume.writing import write_volume
    from .slices_figure import write_slices_figure

    write_volume(result.probability, result.geometry, folder / PROBABILITY)
    cancel.raise_if_cancelled()
    if result.disagreement is not None:
        write_volume(result.disagreement, result.geometry, folder / DISAGREEMENT)
    cancel.raise_if_cancelled()
    write_slices_figure(volume, result, folder / SLICES_PICTURE)


_CT_NAME = "chest CT"
_TREE = "vtkMRMLSubjectHierarchyNode"


def write_scene_files(
    volume: Volume,
    result: SegmentationResult,
    folder: Path,
    step: Callable[[float, str], Path],
    with_scene: bool = True,
) -> None:
    """Build the scene that the panel builds, and save it with its segmentation and picture.

    The scene opens with the overlay in the slice views, at the slice with the most lesion, and
    with the 3D model.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        folder: Where the files go.
        step: Told before each step, with a fraction of the whole writing, and the name of what is
            made; gives the file of that name in ``folder``.
        with_scene: Without, only the segmentation is saved.

    Raises:
        DependencyError: Slicer's MRML or OpenGL is missing.
        OutputError: A file cannot be written.
        Cancelled: Raised by ``step``.
    """
    from ..headless.bootstrap import boot
    from ..headless.pictures import infection3d_picture
    from ..headless.saved_scene import arrange_views, save_scene
    from ..scene.show import show_result
    from ..scene.volumes import volume_to_node

    # MRML's temporary files go with the folder, even if the process is killed.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".mrml-") as temporary:
        step(0.05, "3D model")
        session = boot(Path(temporary))
        with _left_as_it_was(session.scene):
            ct = volume_to_node(volume, _CT_NAME, session.scene)
            nodes = show_result(ct, result)
            _save_segmentation(nodes.segmentationNode, step(0.3, SEGMENTATION))
            if not with_scene:
                return
            infection3d_picture(session, nodes.segmentationNode, step(0.35, INFECTION_PICTURE))
            arrange_views(session, ct, nodes)
            save_scene(session.scene, step(0.65, SCENE))


@contextmanager
def _left_as_it_was(scene: Any) -> Iterator[None]:
    """Remove from the scene what the block added: the next CT's must not hold this one.

    What a scene has once and for all, such as its colours, stays.
    """
    before = {node.GetID() for node in _nodes(scene)}
    try:
        yield
    finally:
        for node in _nodes(scene):
            lasting = node.GetSingletonTag() or node.IsA("vtkMRMLColorNode")
            if node.GetID() not in before and not lasting and not node.IsA(_TREE):
                scene.RemoveNode(node)


def _nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]


def _save_segmentation(node: Any, path: Path) -> None:
    import slicer

    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise OutputError(f"{path.name} cannot be written: check the free disk space.")
