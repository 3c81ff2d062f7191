"""A result folder becomes DICOM of the very series that its CT was, or nothing is written."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.engine.flags import untrained_flag
from COVIDLesionSegLib.engine.lesions import corrected_lungs
from COVIDLesionSegLib.engine.review import result_on as turned_result
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry, Volume, read_volume
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.result_reading import read_labels, read_result
from jobs.result_folders import write_result_folder
from report.dicom_results import faults, result_on, write_series

pytestmark = pytest.mark.usefixtures("mrml")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return write_series(tmp_path_factory.mktemp("ct") / "series", "oblique")


@pytest.fixture(scope="module")
def volume(series):
    return read_volume(series)


@pytest.fixture(scope="module")
def result(volume):
    """A result that says which CT it was made from."""
    found = result_on(volume.geometry)
    facts = {"input": {**volume.source, FINGERPRINT: fingerprint(volume)}}
    return replace(found, provenance=found.provenance | facts)


@pytest.fixture
def folder(volume, result, tmp_path):
    return write_result_folder(volume, result, tmp_path / "result")


def export(folder, series, out, **more):
    return jobs.export_dicom(jobs.ExportDicomOptions(result=folder, ct=series, **more), out)


def masks(segmentation: pydicom.Dataset) -> dict[str, np.ndarray]:
    """Voxels of each segment, in the order of the slices along the series' normal."""
    frames = segmentation.pixel_array
    found: dict[str, list[tuple[float, np.ndarray]]] = {}
    labels = {one.SegmentNumber: one.SegmentLabel for one in segmentation.SegmentSequence}
    shared = segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    row, column = np.reshape([float(x) for x in shared.ImageOrientationPatient], (2, 3))
    for frame, group in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = [float(x) for x in group.PlanePositionSequence[0].ImagePositionPatient]
        distance = float(np.dot(np.cross(row, column), place))
        found.setdefault(labels[number], []).append((distance, frame))
    return {
        name: np.stack([frame for _, frame in sorted(slices, key=lambda one: one[0])])
        for name, slices in found.items()
    }


def test_the_files_hold_the_result_and_refer_to_the_series(folder, series, result, tmp_path):
    export(folder, series, tmp_path / "dicom", dicom_slices=True)

    out = tmp_path / "dicom"
    assert {path.name for path in out.iterdir()} == names.DICOM_FILES
    assert faults(out / names.DICOM_SEGMENTATION) == faults(out / names.DICOM_REPORT) == []
    segmentation = pydicom.dcmread(out / names.DICOM_SEGMENTATION)
    source = pydicom.dcmread(next(series.glob("*.dcm")))
    assert segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    found = masks(segmentation)
    assert np.array_equal(found["right lung"], result.lungs == 1)
    assert np.array_equal(found[result.classes[0]], result.lesions == 1)
    assert {one.SegmentAlgorithmType for one in segmentation.SegmentSequence} == {"AUTOMATIC"}


def test_a_result_of_a_converted_file_with_other_axes_fits_its_series(
    volume, result, series, tmp_path
):
    grid = volume.geometry
    to_ras = grid.ijk_to_ras.copy()
    to_ras[:, 3] += to_ras[:, 1] * (grid.size[1] - 1)  # as converters to NIfTI turn the rows round
    to_ras[:, 1] *= -1
    other = Geometry.from_ijk_to_ras(to_ras, grid.size)
    converted = Volume(np.ascontiguousarray(volume.array[:, ::-1]), other)
    folder = write_result_folder(converted, turned_result(result, other), tmp_path / "result")
    export(folder, series, tmp_path / "dicom")

    found = masks(pydicom.dcmread(tmp_path / "dicom" / names.DICOM_SEGMENTATION))
    assert np.array_equal(found["left lung"], result.lungs == 2)


def test_a_corrected_segmentation_is_written_with_its_own_numbers(
    folder, volume, result, series, tmp_path
):
    lesions = result.lesions * (np.arange(result.lesions.shape[2]) < 9)
    severity = measure_severity(result.lungs, lesions, result.classes, volume.geometry)
    corrected = write_result_folder(
        volume, replace(result, lesions=lesions, severity=severity), tmp_path / "corrected"
    )
    shutil.copy(corrected / names.SEGMENTATION, folder / names.SEGMENTATION)
    written = export(folder, series, tmp_path / "dicom")

    assert written.severity.region("both lungs") == severity.region("both lungs")
    assert written.flags[-1].code == "segmentation-corrected"
    segmentation = pydicom.dcmread(tmp_path / "dicom" / names.DICOM_SEGMENTATION)
    assert np.array_equal(masks(segmentation)[result.classes[0]], lesions == 1)
    assert {one.SegmentAlgorithmType for one in segmentation.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert faults(tmp_path / "dicom" / names.DICOM_REPORT) == []


def correct(folder, volume, result, lungs, lesions):
    """Replace the segmentation of a result folder, as saving a corrected one does."""
    other = folder.with_name("corrected")
    write_result_folder(volume, replace(result, lungs=lungs, lesions=lesions), other)
    shutil.copy(other / names.SEGMENTATION, folder / names.SEGMENTATION)
    return read_result(folder, measure_again=True)


def test_a_lesion_that_was_painted_over_a_lung_counts_and_leaves_it_whole(folder, volume, result):
    lungs, lesions = result.lungs.copy(), result.lesions.copy()
    lesions[2:5, 4:10, 3:7] = 1  # over a lesion that was found, and beyond it
    lungs[2:5, 4:10, 3:7] = 0
    read = correct(folder, volume, result, lungs, lesions)

    np.testing.assert_array_equal(read.lungs, result.lungs)
    whole = measure_severity(result.lungs, lesions, result.classes, volume.geometry)
    assert read.severity.regions == whole.regions
    assert read_labels(folder).severity.regions == result.severity.regions


def test_a_stroke_beyond_the_lung_counts_as_in_the_panel_where_it_was_lung(folder, volume, result):
    lungs, lesions = result.lungs.copy(), result.lesions.copy()
    stroke = np.zeros(lungs.shape, bool)
    stroke[2:5, 1:8, 0:5] = True  # the lung begins at the third row and the second column
    assert 0 < np.count_nonzero(lungs[stroke] == 0) < stroke.sum()
    lesions[stroke], lungs[stroke] = 1, 0
    read = correct(folder, volume, result, lungs, lesions)

    of_panel = corrected_lungs(lungs, lesions, result.lungs, result.lesions)
    np.testing.assert_array_equal(read.lungs, of_panel)
    np.testing.assert_array_equal(read.lungs, result.lungs)


def test_what_was_painted_in_a_slice_that_was_not_segmented_counts(folder, volume, result):
    axial = AxialOrder.of(volume.geometry)
    clean, probability = (array.copy() for array in (result.lesions, result.probability))
    lungs = axial.to_axial(result.lungs)
    (index, *_) = np.flatnonzero(lungs.any(axis=(1, 2)))
    axial.to_axial(clean)[index] = axial.to_axial(probability)[index] = 0
    severity = measure_severity(result.lungs, clean, result.classes, volume.geometry)
    found = replace(
        result,
        lesions=clean,
        probability=probability,
        severity=severity.without_slices([int(index)]),
    )
    shutil.rmtree(folder)
    write_result_folder(volume, found, folder)
    cut, lesions = result.lungs.copy(), clean.copy()
    painted = axial.to_axial(cut)[index] == 1
    painted[painted.any(axis=1).argmax()] = False  # a row of the lung is left
    axial.to_axial(lesions)[index][painted] = 1
    axial.to_axial(cut)[index][painted] = 0
    read = correct(folder, volume, found, cut, lesions)
    np.testing.assert_array_equal(read.lungs, result.lungs)


def test_lung_that_was_erased_below_a_found_lesion_stays_erased(folder, volume, result):
    lungs = result.lungs.copy()
    lungs[2:5, 4:8, 3:6] = 0
    read = correct(folder, volume, result, lungs, result.lesions)

    np.testing.assert_array_equal(read.lungs, lungs)
    assert read.severity.region("right lung").lesion_ml == 0


def test_a_drawn_lesion_counts_however_small_and_corrected_lungs_leave_the_limit(
    folder, volume, result
):
    ml = volume.geometry.voxel_volume_ml
    none, drawn = np.zeros_like(result.lesions), np.zeros_like(result.lesions)
    drawn[2, 4, 3] = 1
    smaller = result.lungs.copy()
    smaller[1, 3:11, 2:8] = 0

    def measured(lesions):
        return measure_severity(
            result.lungs, lesions, result.classes, volume.geometry, lesion_free_ml=2 * ml
        )

    for was, lungs, lesions, category in (
        (none, result.lungs, drawn, "CT-1"),
        (drawn, smaller, drawn, "CT-0"),
    ):
        shutil.rmtree(folder)
        found = replace(result, lesions=was, severity=measured(was))
        write_result_folder(volume, found, folder)
        assert correct(folder, volume, found, lungs, lesions).severity.category == category
        shutil.rmtree(folder.with_name("corrected"))


def test_another_ct_is_refused_though_it_has_the_same_grid(folder, series, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(series, other)
    path = min(other.glob("*.dcm"))
    one = pydicom.dcmread(path)
    pixels = one.pixel_array.copy()
    pixels[0, 0] += 1
    one.PixelData = pixels.tobytes()
    one.save_as(path)
    with pytest.raises(InputError, match="is not the CT that the result") as error:
        export(folder, other, tmp_path / "dicom")
    assert error.value.option == "ct"
    assert {path.name for path in tmp_path.iterdir()} == {"result", "other"}


def test_a_result_that_does_not_say_its_ct_is_refused(folder, series, tmp_path):
    path = folder / names.REPORT_JSON
    report = json.loads(path.read_text("utf-8"))
    del report["provenance"]["input"][FINGERPRINT]
    path.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(InputError, match="does not say which CT"):
        export(folder, series, tmp_path / "dicom")


def test_what_an_untrained_network_found_is_not_written(volume, result, series, tmp_path):
    untrained = replace(result, flags=(untrained_flag(["unet"]),))
    folder = write_result_folder(volume, untrained, tmp_path / "result")
    with pytest.raises(InputError, match="untrained"):
        export(folder, series, tmp_path / "dicom")
    assert not (tmp_path / "dicom").exists()


def test_nothing_is_written_into_a_folder_with_other_files(folder, series, tmp_path):
    with pytest.raises(OutputError, match="not empty"):
        export(folder, series, folder)
