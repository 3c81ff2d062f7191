"""DICOM SEG: right lung, left lung and each lesion class on the slices of the CT's series.

Segments overlap: a lesion is part of its lung. Every segment has a frame for every slice, also
where it is empty, so that whoever reads it gets the grid of the CT.
"""

from __future__ import annotations

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription

from .. import __version__
from ..engine.labels import LUNG_LABELS
from ..engine.result import SegmentationResult
from ..scene.labels import LabelledSegment, segments_of
from .dicom_objects import (
    EQUIPMENT,
    RESEARCH_MARK,
    SEG_SERIES,
    SOFTWARE,
    Algorithm,
    Source,
    concept,
    lesion_algorithm,
    lung_algorithm,
    short,
)

_EMPTY = "Nothing was found."


def segmentation_object(result: SegmentationResult, source: Source) -> Segmentation:
    """The segmentation of a CT that came from a DICOM series.

    Args:
        result: Arrays of shape (k, j, i), on the grid of the series.
        source: One header for each slice along k; each is referenced.
    """
    segments = segments_of(result)
    masks = np.zeros((*result.geometry.shape, len(segments)), np.uint8)
    for index, segment in enumerate(segments):
        masks[..., index] = segment.labels == segment.label
    return Segmentation(
        source_images=source,
        pixel_array=masks,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(number, segment, result) for number, segment in enumerate(segments, 1)
        ],
        series_instance_uid=highdicom.UID(),
        series_number=SEG_SERIES,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        omit_empty_frames=False,
        content_label="LUNGS_LESIONS",
        content_description=RESEARCH_MARK,
        series_description=f"{SOFTWARE}: lungs and lesions",
        **EQUIPMENT,
    )


def _description(
    number: int, segment: LabelledSegment, result: SegmentationResult
) -> SegmentDescription:
    style = segment.style
    is_lung = style.name in LUNG_LABELS
    algorithm = lung_algorithm(result) if is_lung else lesion_algorithm(result)
    description = SegmentDescription(
        segment_number=number,
        segment_label=short(style.name),
        segmented_property_category=concept(style.category),
        segmented_property_type=concept(style.kind),
        algorithm_type=algorithm.kind,
        algorithm_identification=_identification(algorithm),
        tracking_uid=highdicom.UID(),
        tracking_id=short(style.name),
        anatomic_regions=[concept(style.region)] if style.region else None,
        display_color=CIELabColor.from_rgb(*(255 * part for part in style.color)),
    )
    if style.modifier:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(style.modifier)]
    if not (segment.labels == segment.label).any():
        description.SegmentDescription = _EMPTY
    return description


def _identification(algorithm: Algorithm) -> highdicom.AlgorithmIdentificationSequence:
    return highdicom.AlgorithmIdentificationSequence(
        name=SOFTWARE,
        family=algorithm.family,
        version=__version__,
        source=SOFTWARE,
        parameters=algorithm.parameters,
    )
