"""The result of an earlier run as DICOM, beside the series that its CT came from."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import InputError
from ..engine.files import atomic_folder, output_path
from ..engine.flags import is_untrained
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.result import SegmentationResult
from ..engine.review import result_on
from ..engine.volume import Volume, read_volume
from ..engine.volume.fingerprint import made_from
from ..report.result_reading import read_result
from .options import ExportDicomOptions


def export_dicom(
    options: ExportDicomOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Write DICOM SEG and structured report of a result folder, as ``segment`` does with ``dicom``.

    The CT of the result may have been a converted file: the series must have the same voxels in the
    same place. A segmentation that was corrected and saved in the folder is written as corrected,
    with its own numbers.

    Args:
        options: The result, and the series that the files refer to. **The files identify the
            patient.**
        out: A new folder for them.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps; there is no ``out`` then.

    Returns:
        What was written, on the grid of the series.

    Raises:
        DependencyError: highdicom is missing.
        InputError: The result is damaged, of an untrained network, or of another CT than the
            series; or DICOM objects cannot refer to the series.
        SeveralSeriesError: The folder holds several series, and none was chosen.
        OutputError: A file cannot be written, or ``out`` holds something.
        Cancelled: ``cancel`` was set.

    Example:
        >>> from COVIDLesionSegLib import jobs
        >>> options = jobs.ExportDicomOptions(result="result", ct="series")
        >>> jobs.export_dicom(options, "dicom").severity.category  # doctest: +SKIP
        'CT-1'
    """
    from ..report.dicom_files import DicomOutput

    cancel = cancel or CancelToken()
    with atomic_folder(output_path(out)) as staging:
        progress(Progress("Reading the result", 0.0))
        result = read_result(options.result, measure_again=True)
        if is_untrained(result.flags):
            raise InputError(
                "What an untrained network finds is not written as DICOM, where it would be taken "
                "for a finding: segment the CT with a trained model."
            )
        cancel.raise_if_cancelled()
        progress(Progress("Reading the CT", 0.3))
        dicom = DicomOutput.of_series(options.ct, options.series, options.dicom_slices)
        volume = read_volume(options.ct, options.series)
        _check_same_ct(result, volume, options.result.name)
        cancel.raise_if_cancelled()
        progress(Progress("Writing the DICOM files", 0.6))
        result = result_on(result, volume.geometry)
        dicom.write(volume, result, staging, cancel)
    progress(Progress("Done", 1.0))
    return result


def _check_same_ct(result: SegmentationResult, volume: Volume, name: str) -> None:
    same = made_from(result.provenance, volume)
    if same is None:
        raise InputError(
            f"The result {name} does not say which CT it was made from, as it is of an earlier "
            "version: segment the series again."
        )
    if not same:
        raise InputError(
            f"The series is not the CT that the result {name} was made from: choose the series "
            "with the same voxels.",
            option="ct",
        )
