"""The structured report says the numbers of the result, and which segments they are of."""

from __future__ import annotations

import json
import subprocess

import pydicom
import pytest

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.severity.lobe_score import SCORE_TITLE
from COVIDLesionSegLib.engine.volume import read_volume
from COVIDLesionSegLib.report.result_files import DICOM_REPORT, DICOM_SEGMENTATION
from report.dicom_results import (
    faults,
    program,
    result_on,
    with_lobes_of,
    without_left_lung,
    write,
    write_series,
)

VOLUME, IN_RIGHT, IN_LEFT = "Volume", "Volume in the right lung", "Volume in the left lung"
LESIONS, SHARE = "Volume of the lesions in the lung", "Share of the lung that is lesion"


def by_dcmqi(path, folder) -> dict:
    """Measurement groups by their tracking identifiers, as dcmqi reads them."""
    metadata = folder / "report.json"
    subprocess.run(
        [program("tid1500reader"), "--inputDICOM", path, "--outputMetadata", metadata],
        check=True,
        capture_output=True,
    )
    groups = json.loads(metadata.read_text())["Measurements"]
    return {group["TrackingIdentifier"]: group for group in groups}


def meaning(item: pydicom.Dataset) -> str:
    return item.ConceptNameCodeSequence[0].CodeMeaning


def walk(item: pydicom.Dataset):
    for child in item.get("ContentSequence", ()):
        yield child
        yield from walk(child)


def groups_of(report: pydicom.Dataset) -> dict[str, pydicom.Dataset]:
    """Measurement groups by their tracking identifiers, with pydicom alone."""
    named = {}
    for group in (item for item in walk(report) if meaning(item) == "Measurement Group"):
        items = {meaning(item): item for item in group.ContentSequence}
        named[items["Tracking Identifier"].TextValue] = group
    return named


def numbers(group: pydicom.Dataset) -> list[tuple[str, float, str]]:
    """Name, value and unit of every measurement of a group."""
    found = []
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            (value,) = item.MeasuredValueSequence
            number = value.get("FloatingPointValue", float(value.NumericValue))
            found.append((meaning(item), number, value.MeasurementUnitsCodeSequence[0].CodeValue))
    return found


def said(report: pydicom.Dataset) -> list[str]:
    return [item.TextValue for item in report.ContentSequence if meaning(item) == "Comment"]


def test_the_numbers_are_those_of_the_result(dicom_case):
    groups = groups_of(pydicom.dcmread(dicom_case.folder / DICOM_REPORT))
    severity = dicom_case.result.severity
    for name in ("right lung", "left lung"):
        region = severity.region(name)
        assert numbers(groups[name]) == [
            (VOLUME, region.lung_ml, "mL"),
            (LESIONS, region.lesion_ml, "mL"),
            (SHARE, 100 * region.ratio, "%"),
        ]
    both = severity.region("both lungs")
    assert numbers(groups["both lungs"]) == [
        (VOLUME, both.lung_ml, "mL"),
        (LESIONS, both.lesion_ml, "mL"),
        (SHARE, 100 * both.ratio, "%"),
        *((rule.title, 100 * rule.ratio, "%") for rule in severity.rules),
    ]
    names = {"both lungs": VOLUME, "right lung": IN_RIGHT, "left lung": IN_LEFT}
    for kind in dicom_case.result.classes:
        assert numbers(groups[kind]) == [
            (name, severity.region(region).lesion_class_ml[kind], "mL")
            for region, name in names.items()
        ]


def test_dcmqi_finds_the_groups_with_their_segments_and_numbers(dicom_case, tmp_path):
    groups = by_dcmqi(dicom_case.folder / DICOM_REPORT, tmp_path)
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    for segment in segmentation.SegmentSequence:
        group = groups[segment.SegmentLabel]
        assert group["ReferencedSegment"] == segment.SegmentNumber
        assert group["segmentationSOPInstanceUID"] == segmentation.SOPInstanceUID
        assert group["TrackingUniqueIdentifier"] == segment.TrackingUID
    right, region = groups["right lung"], dicom_case.result.severity.region("right lung")
    assert right["Laterality"]["CodeMeaning"] == "Right"
    assert [float(one["value"]) for one in right["measurementItems"]] == pytest.approx(
        [region.lung_ml, region.lesion_ml, 100 * region.ratio]
    )


def test_severity_stands_with_the_rule_and_its_source(dicom_case):
    both = groups_of(pydicom.dcmread(dicom_case.folder / DICOM_REPORT))["both lungs"]
    found = {
        meaning(item): item.ConceptCodeSequence[0].CodeMeaning
        for item in both.ContentSequence
        if item.ValueType == "CODE"
    }
    for rule in dicom_case.result.severity.rules:
        assert found[rule.title] == rule.named_category


def test_the_device_and_the_purpose_are_stated(dicom_case):
    report = pydicom.dcmread(dicom_case.folder / DICOM_REPORT)
    observer = {meaning(item): item for item in report.ContentSequence}
    assert observer["Device Observer Name"].TextValue == "COVIDLesionSeg"
    assert said(report)[0] == RESEARCH_USE_NOTICE
    assert dicom_case.result.flags[0].message in said(report)
    assert report.VerificationFlag == "UNVERIFIED" and report.PreliminaryFlag == "PRELIMINARY"


def test_every_slice_and_the_segmentation_are_evidence(dicom_case):
    report = pydicom.dcmread(dicom_case.folder / DICOM_REPORT)
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    referenced = {
        item.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    slices = {one.SOPInstanceUID for one in dicom_case.slices()}
    assert referenced == {segmentation.SOPInstanceUID} | slices


def test_the_file_is_as_the_standard_says(dicom_case):
    assert faults(dicom_case.folder / DICOM_REPORT) == []


def test_what_is_undefined_is_left_out_and_said(tmp_path):
    series = write_series(tmp_path / "ct", "oblique")
    volume = read_volume(series)
    result = without_left_lung(result_on(volume.geometry))
    folder = write(series, volume, result, tmp_path / "out")
    report = pydicom.dcmread(folder / DICOM_REPORT)
    groups = groups_of(report)
    assert numbers(groups["left lung"]) == []
    assert [name for name, *_ in numbers(groups[result.classes[0]])] == [VOLUME, IN_RIGHT]
    assert "Left lung: not there, so it has no measurements." in said(report)
    assert faults(folder / DICOM_REPORT) == []


def test_lobes_that_were_given_have_their_measurements_and_scores(tmp_path):
    series = write_series(tmp_path / "ct", "flipped")
    volume = read_volume(series)
    result = with_lobes_of(result_on(volume.geometry))
    folder = write(series, volume, result, tmp_path / "out")
    groups = groups_of(pydicom.dcmread(folder / DICOM_REPORT))
    severity = result.severity
    for lobe in severity.lobes[:-1]:
        assert numbers(groups[lobe.region]) == [
            (VOLUME, lobe.lung_ml, "mL"),
            ("Volume of the lesions in the lobe", lobe.lesion_ml, "mL"),
            ("Share of the lobe that is lesion", 100 * lobe.ratio, "%"),
            ("Score of the lobe, 0 to 5", severity.lobe_scores[lobe.region], "1"),
        ]
    absent = severity.lobes[-1].region
    assert numbers(groups[absent]) == []
    comments = said(pydicom.dcmread(folder / DICOM_REPORT))
    assert f"{absent.capitalize()}: not there, so it has no measurements." in comments
    assert f"{SCORE_TITLE}: n/a." in comments
    by_reader = by_dcmqi(folder / DICOM_REPORT, tmp_path)
    assert by_reader["right lung"]["Laterality"]["CodeMeaning"] == "Right"
    assert faults(folder / DICOM_REPORT) == []


def test_the_sum_of_the_lobes_scores_stands_with_both_lungs(tmp_path):
    series = write_series(tmp_path / "ct", "thick")
    volume = read_volume(series)
    result = with_lobes_of(result_on(volume.geometry), count=5)
    folder = write(series, volume, result, tmp_path / "out")
    groups = groups_of(pydicom.dcmread(folder / DICOM_REPORT))
    assert numbers(groups["both lungs"])[-1] == (
        SCORE_TITLE,
        result.severity.ct_severity_score,
        "1",
    )
    assert faults(folder / DICOM_REPORT) == []
