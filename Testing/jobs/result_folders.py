"""Result folders as the job ``segment`` leaves them, without their pictures."""

from __future__ import annotations

from pathlib import Path

from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.volume import Volume, write_volume
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.report_json import write_report_json
from COVIDLesionSegLib.report.segmentation import write_scene_files


def write_result_folder(volume: Volume, result: SegmentationResult, folder: Path) -> Path:
    """Needs MRML."""
    folder.mkdir()
    write_report_json(result, folder / names.REPORT_JSON)
    write_volume(result.probability, result.geometry, folder / names.PROBABILITY)
    write_scene_files(volume, result, folder, lambda _, name: folder / name, with_scene=False)
    return folder
