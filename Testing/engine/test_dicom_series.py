"""Which files of a folder are the CT, in which order, on which grid, and which series is meant."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.errors import InputError, SeveralSeriesError
from COVIDLesionSegLib.engine.volume import read_volume
from engine.volume_files import (
    PATIENT_ID,
    PATIENT_NAME,
    SERIES_UID,
    changed,
    chest_hu,
    grid_of,
    refusal,
    write_dicom_series,
    write_image,
)

OTHER_UID = "1.2.826.0.1.3680043.8.498.2002"


SAGITTAL = tuple(np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]).ravel())


OBLIQUE = (0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, 1.0)


REAL_DATA = Path(
    os.environ.get("COVIDLESIONSEG_DATA", Path(__file__).parents[3] / "shared" / "data")
)


@pytest.mark.parametrize("direction", [(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), SAGITTAL, OBLIQUE])
def test_series_is_sorted_by_position_and_rescaled(tmp_path, direction):
    hu = chest_hu()
    grid = grid_of(hu, direction=direction)
    volume = read_volume(write_dicom_series(tmp_path / "ct", hu, grid))
    np.testing.assert_array_equal(volume.array, hu)
    assert volume.array.dtype == np.int16
    assert volume.geometry.size == grid.size
    for name in ("spacing", "origin", "direction"):
        np.testing.assert_allclose(getattr(volume.geometry, name), getattr(grid, name), atol=1e-3)


def test_grid_agrees_with_simpleitk_reading_the_same_series(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu, grid_of(hu, direction=OBLIQUE))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(image))
    for index in ((0, 0, 0), (17, 0, 3), (17, 13, 7)):
        np.testing.assert_allclose(
            (volume.geometry.ijk_to_lps @ [*index, 1])[:3],
            image.TransformIndexToPhysicalPoint(index),
            atol=1e-4,
        )


def test_source_holds_no_patient_data(tmp_path):
    volume = read_volume(write_dicom_series(tmp_path / "ct", chest_hu()))
    assert volume.source == {"format": "DICOM", "modality": "CT", "slices": "8"}
    assert volume.warnings == ()


def test_same_ct_as_dicom_and_as_file_is_the_same(tmp_path):
    hu = chest_hu()
    dicom = read_volume(write_dicom_series(tmp_path / "ct", hu))
    file = read_volume(write_image(tmp_path / "ct.nii.gz", hu))
    np.testing.assert_array_equal(dicom.axial, file.axial)
    assert dicom.axial_spacing == pytest.approx(file.axial_spacing)


def test_files_without_ending_in_subfolders_beside_other_files_are_read(tmp_path):
    hu = chest_hu()
    write_dicom_series(tmp_path / "ct" / "a" / "b", hu, suffix="")
    (tmp_path / "ct" / "labels.json").write_text("{}")
    (tmp_path / "ct" / "._IM001.dcm").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "ct" / "README").write_text("DICM")
    np.testing.assert_array_equal(read_volume(tmp_path / "ct").array, hu)


def test_dicomdir_is_ignored(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    directory = pydicom.Dataset()
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = pydicom.uid.MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    assert read_volume(folder).array.shape == hu.shape


@pytest.mark.parametrize("content", [b"", bytes(128) + b"DICM" + bytes(99)])
def test_damaged_dicomdir_is_ignored(tmp_path, content):
    folder = write_dicom_series(tmp_path / "ct", chest_hu())
    (folder / "DICOMDIR").write_bytes(content)
    assert read_volume(folder).array.shape == chest_hu().shape


def test_one_file_stands_for_its_series(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    write_dicom_series(folder, hu[:4], series_uid=OTHER_UID, prefix="OTHER")
    np.testing.assert_array_equal(read_volume(folder / "IM003.dcm").array, hu)


def test_screenshots_and_localizers_beside_the_series_are_left_out(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    write_dicom_series(
        folder, hu[:2], series_uid=OTHER_UID, prefix="SCOUT",
        edit=changed("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    )  # fmt: skip

    def screenshot(dataset, k):
        dataset.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        del dataset.ImagePositionPatient

    write_dicom_series(folder, hu[:1], series_uid=f"{OTHER_UID}.1", prefix="DOSE", edit=screenshot)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


def test_folder_of_localizers_is_refused(tmp_path):
    edit = changed("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"])
    folder = write_dicom_series(tmp_path / "scout", chest_hu(), edit=edit)
    assert "only localizer images" in refusal(folder)


def test_folder_without_dicom_is_refused(tmp_path):
    (tmp_path / "labels.json").write_text("{}")
    assert f"{tmp_path.name} holds no DICOM images; choose the folder of" in refusal(tmp_path)
    (tmp_path / "ct.nii.gz").write_bytes(b"")
    assert "choose a file in it, such as ct.nii.gz" in refusal(tmp_path)
    for name in ("report.json", "segmentation.seg.nrrd"):
        (tmp_path / name).write_bytes(b"")
    assert "it is the result of a CT: choose the CT itself" in refusal(tmp_path)


def two_series(folder):
    hu = chest_hu()
    write_dicom_series(folder, hu)
    write_dicom_series(
        folder, hu[:5], series_uid=OTHER_UID, prefix="B", series_number=0, modality="PT"
    )
    return hu


def test_two_series_are_listed_for_choosing(tmp_path):
    two_series(tmp_path / "study")
    with pytest.raises(SeveralSeriesError) as caught:
        read_volume(tmp_path / "study")
    assert caught.value.series == {
        SERIES_UID: "CT, 8 slices",
        OTHER_UID: "PT, series 0, 5 slices",
    }
    message = refusal(tmp_path / "study")
    assert "choose one by its SeriesInstanceUID" in message
    assert SERIES_UID in message and OTHER_UID in message


@pytest.mark.parametrize("series", [SERIES_UID, SERIES_UID[:-3]])
def test_series_is_chosen_by_uid_or_unique_beginning(tmp_path, series):
    hu = two_series(tmp_path / "study")
    np.testing.assert_array_equal(read_volume(tmp_path / "study", series).array, hu)


def test_beginning_shared_by_two_series_asks_again(tmp_path):
    two_series(tmp_path / "study")
    with pytest.raises(SeveralSeriesError):
        read_volume(tmp_path / "study", SERIES_UID[:-4])


def test_uid_that_is_the_beginning_of_another_is_chosen_exactly(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "study", hu)
    write_dicom_series(folder, hu[:5], series_uid=f"{SERIES_UID}.2", prefix="B")
    np.testing.assert_array_equal(read_volume(folder, SERIES_UID).array, hu)


def test_series_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    two_series(tmp_path / "study")
    message = refusal(tmp_path / "study", "9.9.9")
    assert "9.9.9" in message and SERIES_UID in message


def test_mr_is_refused(tmp_path):
    folder = write_dicom_series(tmp_path / "mr", chest_hu(), modality="MR")
    assert "The series is MR, not CT" in refusal(folder)


def test_slices_are_missing_and_their_place_is_told(tmp_path):
    folder = write_dicom_series(tmp_path / "ct", chest_hu((9, 14, 18)))
    for number in (6, 3, 4):  # slices k = 3, 6 and 5
        (folder / f"IM{number:03d}.dcm").unlink()
    message = refusal(folder)
    assert "3 slices of the series are missing" in message
    assert "1 between -341.0 and -336.0 mm" in message
    assert "2 between -336.0 and -328.5 mm" in message


def test_doubled_slice_is_refused(tmp_path):
    folder = write_dicom_series(tmp_path / "ct", chest_hu())
    (folder / "copy.dcm").write_bytes((folder / "IM004.dcm").read_bytes())
    message = refusal(folder)
    assert "1 slice of the series lies where another" in message
    assert "at -336.0 mm" in message


def test_two_slice_series_is_refused(tmp_path):
    assert "only 2 slices" in refusal(write_dicom_series(tmp_path / "ct", chest_hu()[:2]))


def test_gantry_tilt_is_refused(tmp_path):
    def tilt(dataset, k):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y + 0.6 * k, z]

    folder = write_dicom_series(tmp_path / "ct", chest_hu(), edit=tilt)
    message = refusal(folder)
    assert "gantry tilt" in message and "4.2 mm" in message


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (changed("ImageOrientationPatient", [1, 0, 0, 0, 0, -1], [2]), "different orientation"),
        (changed("PixelSpacing", [0.5, 0.5], [2]), "different pixel size"),
        (changed("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), "right angles"),
        (changed("ImageOrientationPatient", [0, 0, 0, 0, 0, 0]), "right angles"),
        (changed("ImagePositionPatient", None, [2]), "lacks a valid ImagePositionPatient"),
        (changed("PixelSpacing", None), "lacks a valid PixelSpacing"),
        (changed("RescaleIntercept", None), "unsigned data without rescale"),
        (changed("RescaleSlope", None, [1]), "1 of 8 slices hold unsigned data"),
        (changed("SOPClassUID", pydicom.uid.EnhancedCTImageStorage), "multi-frame"),
        (changed("NumberOfFrames", 4), "multi-frame"),
        (changed("Rows", None, [2]), "damaged"),
        (changed("SeriesInstanceUID", None, [2]), "damaged"),
        (changed("SamplesPerPixel", 3), "colour"),
        (changed("NumberOfFrames", 4, [2]), "multi-frame"),
        (changed("RescaleType", "Z_EFF"), "type Z_EFF, not HU"),
        (changed("ModalityLUTSequence", [pydicom.Dataset()]), "look-up table"),
    ],
)  # fmt: skip
def test_series_that_is_not_one_regular_stack_of_ct_is_refused(tmp_path, edit, reason):
    assert reason in refusal(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))


@pytest.mark.parametrize(
    ("keyword", "value", "what"),
    [
        ("PatientID", "ID-4712", "patients"),
        ("StudyInstanceUID", f"{SERIES_UID}.2", "studies"),
        ("FrameOfReferenceUID", f"{SERIES_UID}.3", "coordinate systems"),
    ],
)
def test_two_cts_with_one_series_uid_are_refused_without_patient_data(
    tmp_path, keyword, value, what
):
    def edit(dataset, k):
        dataset.FrameOfReferenceUID = f"{SERIES_UID}.9"
        if k >= 5:
            setattr(dataset, keyword, value)

    folder = write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit)
    with pytest.raises(InputError, match=f"slices of 2 {what} .File . of 8") as error:
        read_volume(folder)
    assert value not in str(error.value) and PATIENT_ID not in str(error.value)


@pytest.mark.parametrize(("number", "warns"), [(lambda k: k % 2, True), (lambda k: k // 2, False)])
def test_acquisitions_that_alternate_give_a_warning(tmp_path, number, warns):
    def edit(dataset, k):
        dataset.AcquisitionNumber = number(k) + 1

    volume = read_volume(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))
    assert bool(volume.warnings) == warns
    assert not warns or "2 acquisitions alternate" in volume.warnings[0]


def test_slices_of_different_size_are_refused(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    smaller = grid_of(hu[:1, :-2], origin=(-170.5, -320.25, -200.0))
    write_dicom_series(folder, hu[:1, :-2], smaller, prefix="B")
    assert "different height" in refusal(folder)


def test_unevenly_spaced_series_is_refused(tmp_path):
    def stretch(dataset, k):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, z + 0.1 * k * k]

    folder = write_dicom_series(tmp_path / "ct", chest_hu(), edit=stretch)
    assert "unevenly spaced" in refusal(folder)


def test_other_files_among_the_slices_are_ignored(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu, suffix="")
    (folder / "README").write_text("Read me.")
    (folder / "README.txt").write_bytes(b"")
    (folder / "index.html").write_bytes(bytes(200))
    (folder / "IM001.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0")
    (folder / "thumbnail").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\0")
    (tmp_path / "ct" / "viewer").mkdir()
    (tmp_path / "ct" / "viewer" / "run").write_bytes(b"\x01\0\x02\0" * 100)
    (tmp_path / "ct" / ".Trash").mkdir()
    (tmp_path / "ct" / ".Trash" / "IM001").write_bytes((folder / "IM001").read_bytes())
    np.testing.assert_array_equal(read_volume(folder).array, hu)


def test_names_of_folders_and_files_that_name_the_patient_are_never_repeated(tmp_path):
    folder = write_dicom_series(tmp_path / PATIENT_NAME, chest_hu(), prefix=PATIENT_NAME)
    file = folder / f"{PATIENT_NAME}001.dcm"
    assert "The file does not belong" in refusal(file, "9.9.9")
    assert "The folder holds no CT series" in refusal(folder, "9.9.9")
    assert "File 2 of 8 (by name) lacks" in refusal(
        write_dicom_series(
            folder, chest_hu(), prefix=PATIENT_NAME, edit=changed("PixelSpacing", None, [6])
        )
    )
    file.write_bytes(b"")
    assert "File 1 of 8" in refusal(folder)
    assert "The file is not in a format" in refusal(file)


@pytest.mark.realdata
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real CTs in {REAL_DATA}")
def test_real_series_in_lossless_jpeg_is_read_whole():
    volume = read_volume(REAL_DATA / "covid_ct_md_P001")
    assert volume.array.shape == (148, 512, 512)
    assert volume.geometry.spacing == pytest.approx((0.748046875, 0.748046875, 2.0))
    assert volume.array.dtype == np.int16
    assert (int(volume.array.min()), int(volume.array.max())) == (-1024, 1563)
    assert volume.warnings == ()
    # In radiological view the spine is at the back and the apex of the lungs at the top.
    dense = np.argwhere(volume.axial[60:90] > 400).mean(axis=0)
    assert dense[1] > 256


@pytest.mark.realdata
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real CTs in {REAL_DATA}")
def test_real_nifti_with_padding_is_read():
    volume = read_volume(REAL_DATA / "LIDC-IDRI-0001.nii.gz")
    assert volume.array.shape == (133, 512, 512)
    assert volume.array.min() == -1024
    assert volume.geometry.spacing == pytest.approx((0.703125, 0.703125, 2.5))
