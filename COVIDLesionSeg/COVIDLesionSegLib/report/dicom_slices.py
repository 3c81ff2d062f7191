"""DICOM secondary capture: every axial slice with lesion as a picture, in one multi-frame file."""

from __future__ import annotations

from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
from highdicom.base import SOPClass
from highdicom.frame import encode_frame
from highdicom.sr import CodedConcept
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.encaps import encapsulate
from pydicom.sr.codedict import codes
from pydicom.uid import JPEGBaseline8Bit, MultiFrameTrueColorSecondaryCaptureImageStorage

from .. import RESEARCH_USE_NOTICE
from ..engine.errors import LungsNotFoundError
from ..engine.progress import CancelToken
from ..engine.result import OVERLAY_FROM, SegmentationResult
from ..engine.severity.report import SliceSeverity
from ..engine.volume import Volume
from .dicom_objects import CAPTURE_SERIES, EQUIPMENT, RESEARCH_MARK, SOFTWARE, Source
from .figures import FOOT_INCHES, INK, black_figure, color_bar, figure_style
from .slices_figure import AxialViews, outline_legend

_SLICE_INCHES, _BAR_INCHES = 6.4, 0.85
_DPI = 100
_COLOURS = "YBR_FULL_422"  # of JPEG


@figure_style()
def slices_object(
    volume: Volume, result: SegmentationResult, source: Source, cancel: CancelToken
) -> SOPClass:
    """A frame for each axial slice with lesion, from inferior to superior.

    Without any lesion it is the slice with most lung. The pictures are those of ``slices.png``,
    with the research-use notice in each; they are compressed as JPEG.

    Args:
        volume: The CT in HU.
        result: Its segmentation, on the same grid.
        source: One header for each slice of the series; each is referenced.
        cancel: Looked at before each frame.

    Raises:
        LungsNotFoundError: There is no lung on any slice.
        Cancelled: ``cancel`` was set.
    """
    featured = result.severity.most_infected_slice
    if featured is None:
        raise LungsNotFoundError("There is no lung on any slice, so there is no slice to show.")
    shown = [slice_ for slice_ in result.severity.slices if slice_.lesion_mm2] or [featured]
    views = AxialViews(volume, result)
    frames: list[bytes] = []
    for slice_ in shown:
        cancel.raise_if_cancelled()
        picture = _picture(views, slice_, result)
        frames.append(
            encode_frame(
                picture,
                transfer_syntax_uid=JPEGBaseline8Bit,
                bits_allocated=8,
                bits_stored=8,
                photometric_interpretation=_COLOURS,
                pixel_representation=0,
                planar_configuration=0,
            )
        )
    capture = _capture(source)
    capture.Rows, capture.Columns = picture.shape[:2]
    capture.NumberOfFrames = len(frames)
    if len(frames) > 1:
        capture.FrameIncrementPointer = tag_for_keyword("FrameLabelVector")
        capture.FrameLabelVector = [f"Slice {slice_.index}" for slice_ in shown]
    ratio = len(frames) * picture.size / sum(map(len, frames))
    capture.LossyImageCompressionRatio = round(ratio, 2)
    capture.PixelData = encapsulate(frames)
    return capture


def _picture(
    views: AxialViews, one: SliceSeverity, result: SegmentationResult
) -> npt.NDArray[np.uint8]:
    """A slice with its legend and the research-use notice, RGB, shape (rows, columns, 3)."""
    height_mm, width_mm = views.cell_shape_mm
    slice_height = _SLICE_INCHES * height_mm / width_mm
    width, height = _SLICE_INCHES + _BAR_INCHES, slice_height + 2 * FOOT_INCHES
    figure = black_figure(width, height)
    figure.set_dpi(_DPI)
    axes = figure.add_axes((0, FOOT_INCHES / height, _SLICE_INCHES / width, slice_height / height))
    views.draw(axes, one, line_width=0.9, font_size=9)
    bar = (_SLICE_INCHES + 0.12, FOOT_INCHES + 0.2 * slice_height, 0.15, 0.6 * slice_height)
    color_bar(figure, bar, OVERLAY_FROM, "lesion probability")
    outline_legend(figure, result.classes, width)
    figure.text(
        0.5,
        1 - FOOT_INCHES / 2 / height,
        RESEARCH_USE_NOTICE,
        color=INK,
        fontsize=8,
        ha="center",
        va="center",
    )
    canvas: Any = figure.canvas
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _capture(source: Source) -> SOPClass:
    """Everything of the object that does not depend on the frames."""
    first = source[0]
    capture = SOPClass(
        study_instance_uid=first.StudyInstanceUID,
        series_instance_uid=highdicom.UID(),
        series_number=CAPTURE_SERIES,
        sop_instance_uid=highdicom.UID(),
        sop_class_uid=MultiFrameTrueColorSecondaryCaptureImageStorage,
        instance_number=1,
        modality="OT",
        transfer_syntax_uid=JPEGBaseline8Bit,
        patient_id=first.PatientID,
        patient_name=first.PatientName,
        patient_birth_date=first.PatientBirthDate,
        patient_sex=first.PatientSex,
        accession_number=first.AccessionNumber,
        study_id=first.StudyID,
        study_date=first.StudyDate,
        study_time=first.StudyTime,
        referring_physician_name=first.ReferringPhysicianName,
        specific_character_set=first.SpecificCharacterSet,
        series_description=f"{SOFTWARE}: slices with lesion",
        **EQUIPMENT,
    )
    capture.ConversionType = "WSD"
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.DerivationDescription = f"Axial slices with lungs and lesions. {RESEARCH_MARK}."
    capture.SourceImageSequence = [_reference(header) for header in source]
    capture.PatientOrientation = ["L", "P"]
    capture.BodyPartExamined = "CHEST"
    # Of the patient's identity; what is drawn in the pictures is none of it.
    capture.BurnedInAnnotation = "NO"
    capture.SamplesPerPixel = 3
    capture.PhotometricInterpretation = _COLOURS
    capture.PlanarConfiguration = 0
    capture.BitsAllocated = capture.BitsStored = 8
    capture.HighBit = 7
    capture.PixelRepresentation = 0
    capture.LossyImageCompression = "01"
    capture.LossyImageCompressionMethod = "ISO_10918_1"
    return capture


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [
        CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    return item
