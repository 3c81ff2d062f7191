"""Writes every file of a result folder."""

from __future__ import annotations

from pathlib import Path

from ..engine.progress import CancelToken, Progress, ProgressCallback
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from .result_names import (
    DISAGREEMENT,
    INFECTION_PICTURE,
    PROBABILITY,
    REPORT_HTML,
    REPORT_JSON,
    SLICES_PICTURE,
)

STAGE = "Writing the result"


def write_result_files(
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
    from .result_scene import write_scene_files
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
