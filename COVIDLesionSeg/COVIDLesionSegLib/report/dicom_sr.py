"""DICOM structured report (TID 1500): volumes, shares and severity, which refer to the SEG.

Numbers are those of the result, unrounded. What is undefined is left out, and a comment says so. No
measurement has its meaning from a modifier alone, as not every reader looks at those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import highdicom
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.seg import Segmentation
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.labels import (
    BILATERAL,
    BOTH_LUNGS,
    LESION_SHARE,
    LESION_VOLUME,
    LOBE_LESION_SHARE,
    LOBE_LESION_VOLUME,
    LOBE_SCORE,
    LUNG,
    LUNG_LABELS,
    PRIVATE_CODES,
    VOLUME_IN_LUNG,
    Code,
)
from ..engine.lobes import LOBE_CODES
from ..engine.result import SegmentationResult
from ..engine.severity.lobe_score import SCORE_TITLE
from ..engine.severity.report import RegionSeverity
from ..scene.labels import LabelledSegment, segments_of
from .dicom_objects import (
    EQUIPMENT,
    SOFTWARE,
    SR_SERIES,
    Algorithm,
    Source,
    concept,
    lesion_algorithm,
    lung_algorithm,
)

_ML = sr.CodedConcept("mL", "UCUM", "milliliter")
_SEVERITY_SCORE: Code = (PRIVATE_CODES, "ct-score", SCORE_TITLE)


def report_object(
    result: SegmentationResult, source: Source, segmentation: Segmentation
) -> sr.Comprehensive3DSR:
    """The structured report of a result.

    Each lung and each lesion class is a measurement group that refers to its segment; severity by
    every rule stands with the measurements of both lungs. Lobes that were given have a group each,
    without a segment, as the SEG holds what this software found.

    Args:
        result: The result.
        source: One header for each slice of the series.
        segmentation: Its SEG, of :func:`~.dicom_seg.segmentation_object`.
    """
    groups = [
        _segment_group(number, segment, result, segmentation, source)
        for number, segment in enumerate(segments_of(result), 1)
    ]
    content = sr.MeasurementReport(
        observation_context=_observation_context(),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[*groups, _both_lungs(result), *_lobes(result)],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=source,
    )
    content[0].ContentSequence.extend(
        sr.TextContentItem(codes.DCM.Comment, text, sr.RelationshipTypeValues.CONTAINS)
        for text in comments(result)
    )
    return sr.Comprehensive3DSR(
        evidence=[*source, segmentation],
        content=content,
        series_instance_uid=highdicom.UID(),
        series_number=SR_SERIES,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        is_complete=True,
        series_description=f"{SOFTWARE}: volumes and severity",
        coding_schemes=[
            CodingSchemeIdentificationItem(
                PRIVATE_CODES, name=f"Codes of {SOFTWARE}", responsible_organization=SOFTWARE
            )
        ],
        **EQUIPMENT,
    )


def comments(result: SegmentationResult) -> Iterator[str]:
    """What a reader must know before trusting the numbers, a sentence or two each."""
    yield RESEARCH_USE_NOTICE
    severity = result.severity
    for region in (*severity.regions, *severity.lobes):
        if region.ratio is None:
            yield f"{region.region.capitalize()}: not there, so it has no measurements."
    for rule in severity.rules:
        if rule.category is None:
            yield f"Severity by {rule.title}: n/a."
    if severity.lobes and severity.ct_severity_score is None:
        yield f"{SCORE_TITLE}: n/a."
    if severity.lesion_free_ml:
        yield (
            f"With no more than {severity.lesion_free_ml:g} ml of lesion in both lungs, the "
            "severity is CT-0 by every rule that would say CT-1."
        )
    for flag in result.flags:
        yield flag.message


def _segment_group(
    number: int,
    segment: LabelledSegment,
    result: SegmentationResult,
    segmentation: Segmentation,
    source: Source,
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    style = segment.style
    described = segmentation.SegmentSequence[number - 1]
    is_lung = style.name in LUNG_LABELS
    if is_lung:
        measurements = list(_region_measurements(result.severity.region(style.name)))
        algorithm = lung_algorithm(result)
    else:
        measurements = list(_class_measurements(style.name, result))
        algorithm = lesion_algorithm(result)
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(described.TrackingUID, described.TrackingID),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=number,
            source_series=sr.SourceSeriesForSegmentation(source[0].SeriesInstanceUID),
        ),
        finding_category=concept(style.category),
        finding_type=concept(style.kind),
        finding_sites=[_site(style.modifier)],
        algorithm_id=_identification(algorithm),
        measurements=measurements,
    )


def _both_lungs(result: SegmentationResult) -> sr.MeasurementsAndQualitativeEvaluations:
    """Both lungs together, and by every rule the graded share in % and the category."""
    rules = {
        rule: concept((PRIVATE_CODES, rule.rule, rule.title)) for rule in result.severity.rules
    }
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(highdicom.UID(), BOTH_LUNGS),
        finding_type=concept(LUNG),
        finding_sites=[_site(BILATERAL)],
        algorithm_id=_identification(lesion_algorithm(result)),
        measurements=[
            *_region_measurements(result.severity.region(BOTH_LUNGS)),
            *(
                sr.Measurement(name, 100 * rule.ratio, codes.UCUM.Percent)
                for rule, name in rules.items()
                if rule.ratio is not None
            ),
            *_score(_SEVERITY_SCORE, result.severity.ct_severity_score),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(
                name, concept((PRIVATE_CODES, rule.category, rule.named_category or rule.category))
            )
            for rule, name in rules.items()
            if rule.category is not None
        ],
    )


def _lobes(result: SegmentationResult) -> Iterator[sr.MeasurementsAndQualitativeEvaluations]:
    """Each lobe: volume, lesions, share in % and score."""
    severity = result.severity
    algorithm = lesion_algorithm(result)
    for lobe in severity.lobes:
        place = concept(LOBE_CODES[lobe.region])
        yield sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(highdicom.UID(), lobe.region),
            finding_type=place,
            finding_sites=[sr.FindingSite(place)],
            algorithm_id=_identification(
                replace(algorithm, parameters=algorithm.parameters | {"lobes": "given"})
            ),
            measurements=[
                *_region_measurements(lobe, LOBE_LESION_VOLUME, LOBE_LESION_SHARE),
                *_score(LOBE_SCORE, severity.lobe_scores[lobe.region]),
            ],
        )


def _region_measurements(
    region: RegionSeverity, lesion_volume: Code = LESION_VOLUME, lesion_share: Code = LESION_SHARE
) -> Iterator[sr.Measurement]:
    """Volume, lesions and their share; nothing of a region that is not there."""
    if region.ratio is None:
        return
    yield sr.Measurement(codes.SCT.Volume, region.lung_ml, _ML)
    yield sr.Measurement(concept(lesion_volume), region.lesion_ml, _ML)
    yield sr.Measurement(concept(lesion_share), 100 * region.ratio, codes.UCUM.Percent)


def _score(name: Code, score: int | None) -> Iterator[sr.Measurement]:
    if score is not None:
        yield sr.Measurement(concept(name), score, codes.UCUM.NoUnits)


def _class_measurements(name: str, result: SegmentationResult) -> Iterator[sr.Measurement]:
    """Volume of a lesion class in both lungs, and in each that is there."""
    severity = result.severity
    volume = severity.region(BOTH_LUNGS).lesion_class_ml[name]
    yield sr.Measurement(codes.SCT.Volume, volume, _ML)
    for lung, quantity in VOLUME_IN_LUNG.items():
        region = severity.region(lung)
        if region.ratio is not None:
            yield sr.Measurement(concept(quantity), region.lesion_class_ml[name], _ML)


def _site(side: Code | None) -> sr.FindingSite:
    return sr.FindingSite(concept(LUNG), laterality=concept(side) if side else None)


def _identification(algorithm: Algorithm) -> sr.AlgorithmIdentification:
    return sr.AlgorithmIdentification(
        name=SOFTWARE,
        version=__version__,
        parameters=[f"{name}={value}" for name, value in algorithm.parameters.items()],
    )


def _observation_context() -> sr.ObservationContext:
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                uid=generate_uid(entropy_srcs=[SOFTWARE, __version__]),
                name=SOFTWARE,
                manufacturer_name=EQUIPMENT["manufacturer"],
                model_name=f"{EQUIPMENT['manufacturer_model_name']} {__version__}",
            ),
        )
    )
