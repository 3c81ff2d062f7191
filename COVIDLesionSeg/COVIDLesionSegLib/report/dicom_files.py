"""The DICOM files of a result folder: segmentation, structured report, slices as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..engine.errors import DependencyError
from ..engine.progress import CancelToken
from ..engine.result import SegmentationResult
from ..engine.volume import Volume
from ..engine.volume.dicom_headers import read_source_headers
from ..engine.volume.quiet_dicom import quiet_dicom
from .result_files import DICOM_REPORT, DICOM_SEGMENTATION, DICOM_SLICES

try:
    from .dicom_objects import Source, save
    from .dicom_seg import segmentation_object
    from .dicom_sr import report_object
except ModuleNotFoundError as error:
    if error.name != "highdicom":
        raise
    raise DependencyError(
        "DICOM files need the package highdicom: install covid-lesion-seg[dicom] with pip, or "
        "leave DICOM out.",
        option="dicom",
    ) from error


@dataclass(frozen=True)
class DicomOutput:
    """Which DICOM files to write beside a result, and of which series.

    Attributes:
        source: One header for each slice of the series, in the order of the volume.
        with_slices: Whether to write the slices with lesion as pictures (secondary capture), too.
    """

    source: Source
    with_slices: bool

    @classmethod
    def of_series(
        cls, ct: Path | tuple[Path, ...], series: str | None, with_slices: bool
    ) -> DicomOutput:
        """Read what the files repeat of the CT's series.

        Args:
            ct, series: As of :func:`~COVIDLesionSegLib.engine.volume.read_volume`.
            with_slices: As the attribute.

        Raises:
            InputError: It is no DICOM series, or DICOM objects cannot refer to it.
            SeveralSeriesError: More than one series, and ``series`` does not choose one.
        """
        return cls(read_source_headers(ct, series), with_slices)

    def write(
        self, volume: Volume, result: SegmentationResult, folder: Path, cancel: CancelToken
    ) -> None:
        """Write the files into a folder.

        Args:
            volume: The CT in HU, read from the series.
            result: Its segmentation, on the same grid.
            folder: Where the files go.
            cancel: Looked at before each file, and between slices.

        Raises:
            OutputError: A file cannot be written.
            Cancelled: ``cancel`` was set.
        """
        with quiet_dicom():
            segmentation = segmentation_object(result, self.source)
            save(segmentation, folder / DICOM_SEGMENTATION)
            cancel.raise_if_cancelled()
            report = report_object(result, self.source, segmentation)
            save(report, folder / DICOM_REPORT)
            cancel.raise_if_cancelled()
            if self.with_slices:
                from .dicom_slices import slices_object

                save(slices_object(volume, result, self.source, cancel), folder / DICOM_SLICES)
