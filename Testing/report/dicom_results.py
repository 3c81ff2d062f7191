"""DICOM series on awkward grids, with results whose masks no flip or shift maps onto themselves."""

from __future__ import annotations

import subprocess
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.severity.lobes import with_lobes
from COVIDLesionSegLib.engine.volume import Geometry, Volume, read_volume
from COVIDLesionSegLib.engine.volume.placed_labels import PlacedLabels
from COVIDLesionSegLib.report.dicom_files import DicomOutput
from engine.volume_files import SERIES_UID, chest_hu, grid_of, write_dicom_series
from report.facts import member

CLASSES = ("ground-glass opacity", "consolidation")
SHAPE = (8, 14, 18)
_TURNED = (
    0.936293,
    -0.289629,
    0.198669,
    0.312992,
    0.944703,
    -0.097843,
    -0.159345,
    0.153792,
    0.97517,
)
GRIDS = {
    "oblique": {"direction": _TURNED},
    "flipped": {"direction": (1.0, 0, 0, 0, -1, 0, 0, 0, -1)},
    "thick": {"spacing": (0.75, 0.8, 7.5)},
}
"""How the slices of a series lie; those of ``thick`` overlap, too: they are 10 mm thick."""


@dataclass(frozen=True)
class Written:
    """A series, a result on its grid, and the DICOM files of both."""

    series: Path
    volume: Volume
    result: SegmentationResult
    folder: Path

    def slices(self) -> list[pydicom.Dataset]:
        """The slices of the series, in no particular order."""
        return [pydicom.dcmread(path) for path in self.series.glob("*.dcm")]


def complete(dataset: pydicom.Dataset, k: int) -> None:
    """What a scanner writes beside the least that is needed for reading."""
    dataset.FrameOfReferenceUID = f"{SERIES_UID}.2"
    dataset.PatientBirthDate, dataset.PatientSex = "19530817", "F"
    dataset.StudyDate, dataset.StudyTime = "20210304", "101500"
    dataset.StudyID, dataset.AccessionNumber = "7", "ACC-77310"
    dataset.ReferringPhysicianName = "Ferreira^Odalys"
    dataset.PatientComments = "Lives at 3 Elm Street"
    if dataset.SliceThickness == 7.5:
        dataset.SliceThickness = "10"


def write_series(folder: Path, grid: str) -> Path:
    array = chest_hu(SHAPE)
    return write_dicom_series(folder, array, grid_of(array, **GRIDS[grid]), edit=complete)


def result_on(geometry: Geometry, classes: tuple[str, ...] = CLASSES) -> SegmentationResult:
    """Lesions of the first class in both lungs; nothing of any other."""
    lungs, lesions = np.zeros((2, *geometry.shape), np.uint8)
    lungs[1:6, 3:11, 2:8], lungs[2:7, 2:11, 10:15] = 1, 2
    lesions[2:5, 4:8, 3:6], lesions[4, 5:9, 11:13], lesions[5, 10, 14] = 1, 1, 1
    return SegmentationResult(
        geometry=geometry,
        lungs=lungs,
        lesions=lesions,
        probability=np.select([lesions > 0, lungs > 0], [0.75, 0.1]).astype(np.float32),
        classes=classes,
        severity=measure_severity(lungs, lesions, classes, geometry, lesion_free_ml=0.001),
        flags=(Flag("slices-thick", "Slices are thick; small lesions can be missed.", "note"),),
        provenance={
            "software": {},
            "models": {"amc-net": member(), "unet": member()},
            "lungs": {"method": "threshold"},
            "slice_classifier": {"model": "capsules", **member()},
            "parameters": {"threshold": 0.5},
            "seconds": {},
        },
    )


def without_left_lung(result: SegmentationResult) -> SegmentationResult:
    """The same with a single lung and without lesions."""
    lungs, lesions = np.where(result.lungs == 1, 1, 0).astype(np.uint8), 0 * result.lesions
    severity = measure_severity(lungs, lesions, result.classes, result.geometry)
    return replace(result, lungs=lungs, lesions=lesions, severity=severity)


def with_lobes_of(result: SegmentationResult, count: int = 4) -> SegmentationResult:
    """The same with so many lobes, two rows of voxels each."""
    labels = np.zeros(result.geometry.shape, np.uint8)
    for number in range(count):
        labels[:, 2 * number + 2 : 2 * number + 4] = number + 1
    labels[result.lungs == 0] = 0
    names = dict(enumerate(LOBES, start=1))
    placed = PlacedLabels(labels, result.geometry.ijk_to_ras, names)
    severity = with_lobes(result.severity, placed, result.lesions, result.geometry)
    return replace(result, severity=severity)


def written(folder: Path, grid: str, with_slices: bool = False) -> Written:
    """A series and its result, with the DICOM files of it."""
    series = write_series(folder / "ct", grid)
    volume = read_volume(series)
    result = result_on(volume.geometry)
    out = write(series, volume, result, folder / "out", with_slices)
    return Written(series, volume, result, out)


def write(
    series: Path,
    volume: Volume,
    result: SegmentationResult,
    folder: Path,
    with_slices: bool = False,
) -> Path:
    folder.mkdir()
    output = DicomOutput.of_series(series, None, with_slices)
    output.write(volume, result, folder, CancelToken())
    return folder


def program(name: str) -> str:
    """A program that came with a package of the tests; its folder is not on every PATH."""
    return str(Path(sysconfig.get_path("scripts"), name))


def faults(path: Path) -> list[str]:
    """What the validator of dicom3tools calls an error."""
    said = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)
    lines = (said.stdout + said.stderr).splitlines()
    assert lines, "dciodvfy said nothing"
    return [line for line in lines if line.startswith(("Error", "Abort"))]
