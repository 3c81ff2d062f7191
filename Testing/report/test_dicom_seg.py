"""A DICOM SEG holds the masks of the result where the slices of the series lie."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.labels import LUNG_STYLES, class_style
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.volume import read_volume
from COVIDLesionSegLib.report.result_files import DICOM_REPORT, DICOM_SEGMENTATION
from COVIDLesionSegLib.scene.labels import segments_of
from report.dicom_results import (
    CLASSES,
    Written,
    faults,
    program,
    result_on,
    without_left_lung,
    write,
    write_series,
)

STYLES = [*LUNG_STYLES.values(), *map(class_style, CLASSES)]


def masks_of(dicom_case) -> list[np.ndarray]:
    return [segment.labels == segment.label for segment in segments_of(dicom_case.result)]


def by_dcmqi(path, folder) -> list[sitk.Image]:
    """Every segment of a file as dcmqi reads it."""
    subprocess.run(
        [
            program("segimage2itkimage"),
            *("--inputDICOM", path, "--outputDirectory", folder),
            *("--outputType", "nrrd", "--prefix", "segment"),
        ],
        check=True,
        capture_output=True,
    )
    return [sitk.ReadImage(folder / f"segment-{n}.nrrd") for n in range(1, 1 + len(STYLES))]


def on_grid(image: sitk.Image, dicom_case) -> np.ndarray:
    """A mask on the grid of the CT, without interpolation."""
    geometry = dicom_case.volume.geometry
    resampled = sitk.Resample(
        image,
        geometry.size,
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        geometry.origin,
        geometry.spacing,
        geometry.direction,
    )
    return sitk.GetArrayFromImage(resampled) > 0


def height(path: Path) -> float:
    """Of an axial slice, LPS in mm."""
    return pydicom.dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2]


def test_dcmqi_reads_the_same_masks_on_the_grid_of_the_ct(dicom_case, tmp_path):
    images = by_dcmqi(dicom_case.folder / DICOM_SEGMENTATION, tmp_path)
    for image, mask in zip(images, masks_of(dicom_case), strict=True):
        assert sorted(image.GetSize()) == sorted(dicom_case.volume.geometry.size)
        assert np.allclose(sorted(image.GetSpacing()), sorted(dicom_case.volume.geometry.spacing))
        assert np.count_nonzero(sitk.GetArrayFromImage(image)) == np.count_nonzero(mask)
        assert np.array_equal(on_grid(image, dicom_case), mask)


def test_each_frame_lies_on_the_slice_that_it_refers_to(dicom_case):
    """Read with pydicom alone."""
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    slices = {one.SOPInstanceUID: one for one in dicom_case.slices()}
    frames = segmentation.pixel_array
    masks = masks_of(dicom_case)
    seen = set()
    for frame, item in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        number = item.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        (source,) = item.DerivationImageSequence[0].SourceImageSequence
        position = item.PlanePositionSequence[0].ImagePositionPatient
        uid = source.ReferencedSOPInstanceUID
        assert position == slices[uid].ImagePositionPatient
        ijk = np.linalg.solve(dicom_case.volume.geometry.ijk_to_lps, [*map(float, position), 1.0])
        assert np.array_equal(frame > 0, masks[number - 1][round(ijk[2])])
        seen.add((number, uid))
    assert len(seen) == len(frames) == len(masks) * len(slices)


def test_every_slice_of_the_series_is_referenced(dicom_case):
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    (series,) = segmentation.ReferencedSeriesSequence
    slices = dicom_case.slices()
    assert series.SeriesInstanceUID == slices[0].SeriesInstanceUID
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence} == {
        slice_.SOPInstanceUID for slice_ in slices
    }
    assert segmentation.FrameOfReferenceUID == slices[0].FrameOfReferenceUID


def test_the_file_is_as_the_standard_says(dicom_case):
    assert faults(dicom_case.folder / DICOM_SEGMENTATION) == []


def test_segments_are_coded_and_say_what_found_them(dicom_case):
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    lung = segmentation.SegmentSequence[0]
    for segment, style in zip(segmentation.SegmentSequence, STYLES, strict=True):
        (kind,) = segment.SegmentedPropertyTypeCodeSequence
        found = kind.CodingSchemeDesignator, kind.CodeValue, kind.CodeMeaning
        assert (segment.SegmentLabel, found) == (style.name, style.kind)
        (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
        assert algorithm.AlgorithmName == "COVIDLesionSeg"
    (side,) = lung.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    assert side.CodeMeaning == "Right"
    hashes = "+".join(["0" * 64] * 2)
    assert f"model=amc-net+unet,weights_sha256={hashes}" in algorithm.AlgorithmParameters
    assert "slice_classifier=capsules" in algorithm.AlgorithmParameters
    assert segmentation.ContentDescription == "Research software, not a medical device"


def test_the_patient_is_that_of_the_series_and_nothing_more_is_told(dicom_case):
    segmentation = pydicom.dcmread(dicom_case.folder / DICOM_SEGMENTATION)
    one = dicom_case.slices()[0]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyID"):
        assert segmentation[keyword].value == one[keyword].value
    assert "Elm Street" in one.PatientComments
    assert "PatientComments" not in segmentation


def test_an_empty_segment_is_there_and_is_empty(tmp_path):
    series = write_series(tmp_path / "ct", "oblique")
    volume = read_volume(series)
    result = without_left_lung(result_on(volume.geometry))
    path = write(series, volume, result, tmp_path / "out") / DICOM_SEGMENTATION
    assert faults(path) == []
    said = [one.get("SegmentDescription") for one in pydicom.dcmread(path).SegmentSequence]
    assert said == [None, *["Nothing was found."] * 3]
    filled = [sitk.GetArrayFromImage(one).any() for one in by_dcmqi(path, tmp_path)]
    assert filled == [True, False, False, False]
    described = json.loads((tmp_path / "segment-meta.json").read_text())
    assert len(described["segmentAttributes"]) == 4


def test_a_class_may_have_a_name_that_dicom_does_not_take(tmp_path):
    series = write_series(tmp_path / "ct", "thick")
    volume = read_volume(series)
    result = result_on(volume.geometry, ("crazy\\paving\n" + 70 * "µ",))
    path = write(series, volume, result, tmp_path / "out") / DICOM_SEGMENTATION
    assert pydicom.dcmread(path).SegmentSequence[2].SegmentLabel == f"crazy/paving {25 * 'µ'}"
    assert faults(path) == []


@pytest.mark.realdata
def test_masks_of_a_scanners_compressed_series_are_kept(data_folder, tmp_path):
    """Every tenth slice of a real CT, compressed as JPEG lossless, with masks by density alone."""
    series = tmp_path / "ct"
    series.mkdir()
    for path in sorted((data_folder / "covid_ct_md_P001").glob("*.dcm"), key=height)[::10]:
        (series / path.name).symlink_to(path)
    volume = read_volume(series)
    lungs = ((volume.array > -950) & (volume.array < -500)).astype(np.uint8)
    lungs[:, :, volume.array.shape[2] // 2 :] *= 2
    lesions = ((lungs > 0) & (volume.array > -650)).astype(np.uint8)
    severity = measure_severity(lungs, lesions, CLASSES, volume.geometry)
    made = result_on(volume.geometry)
    result = replace(made, lungs=lungs, lesions=lesions, severity=severity)
    out = write(series, volume, result, tmp_path / "out")
    assert faults(out / DICOM_SEGMENTATION) == faults(out / DICOM_REPORT) == []
    case = Written(series, volume, result, out)
    for image, mask in zip(
        by_dcmqi(out / DICOM_SEGMENTATION, tmp_path), masks_of(case), strict=True
    ):
        assert np.array_equal(on_grid(image, case), mask)
