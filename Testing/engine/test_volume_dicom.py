"""DICOM series: sorted by position, rescaled to HU, and refused where a slice is not in place."""

import os
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from COVIDLesionSegLib.engine.errors import InputError, SeveralSeriesError
from COVIDLesionSegLib.engine.volume import read_volume
from engine.volume_files import (
    PATIENT_ID,
    PATIENT_NAME,
    SERIES_UID,
    chest_hu,
    grid_of,
    not_utf8,
    truncate,
    write_dicom_series,
    write_image,
)

OTHER_UID = "1.2.826.0.1.3680043.8.498.2002"
SAGITTAL = tuple(np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]).ravel())
OBLIQUE = (0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, 1.0)
REAL_DATA = Path(
    os.environ.get("COVIDLESIONSEG_DATA", Path(__file__).parents[3] / "shared" / "data")
)


def refusal(path, series=None) -> str:
    """The message of the error: one line, and nothing that identifies the patient."""
    with pytest.raises(InputError) as caught:
        read_volume(path, series)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert PATIENT_ID not in message
    assert "Doe" not in message and PATIENT_NAME not in message
    return message


def changed(keyword, value, slices=None):
    """An edit that sets one element, in all slices or some; None deletes it."""

    def edit(dataset, k):
        if slices is None or k in slices:
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)

    return edit


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


@pytest.mark.parametrize("rescale", [(1.0, 0.0), (2.0, -1024.0), (0.5, -1024.0), None])
def test_rescale_of_any_kind_gives_hu(tmp_path, rescale):
    hu = (chest_hu().clip(-1000, None) // 2 * 2).astype(np.int16)
    if rescale == (1.0, 0.0):
        folder = write_dicom_series(
            tmp_path / "ct", hu, rescale=None, edit=changed("RescaleSlope", 1)
        )
    else:
        folder = write_dicom_series(tmp_path / "ct", hu, rescale=rescale)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


def test_intercept_of_zero_is_stated_not_absent(tmp_path):
    hu = chest_hu()
    hu[0] = 40

    def edit(dataset, k):
        if k == 0:
            dataset.RescaleIntercept = 0
            dataset.PixelData = hu[0].astype("<u2").tobytes()

    folder = write_dicom_series(tmp_path / "ct", hu, edit=edit)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


def test_each_slice_is_rescaled_by_its_own_intercept(tmp_path):
    hu = chest_hu()

    def edit(dataset, k):
        if k % 2:
            dataset.RescaleIntercept = -1000
            dataset.PixelData = (hu[k].astype(int) + 1024 - 24).clip(0).astype("<u2").tobytes()

    folder = write_dicom_series(tmp_path / "ct", hu.clip(-1000, None), edit=edit)
    np.testing.assert_array_equal(read_volume(folder).array, hu.clip(-1000, None))


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


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("PixelData", bytes(100), "truncated: only 20 % of its pixels"),
        ("PixelData", bytes(252), "truncated: only 50 % of its pixels"),
        ("PixelData", b"", "truncated or damaged"),
        ("PixelData", None, "truncated or damaged"),
        ("PixelData", bytes(504 + 28), "more pixels than its 18 columns and 14 rows"),
        ("Columns", 1, "1 x 14 pixels, too small"),
        ("Columns", 0, "0 x 14 pixels, too small"),
        ("RescaleSlope", 0, "RescaleSlope of 0"),
        ("RescaleSlope", 1e300, "lacks a valid RescaleSlope"),
        ("RescaleSlope", 1000, "which are not HU"),
        ("PixelSpacing", [1e300, 1e300], "lacks a valid PixelSpacing"),
        ("PixelSpacing", [0, 0.75], "PixelSpacing), which cannot be"),
        ("PixelSpacing", [0.8, 1000], "1000 x 0.8 mm (PixelSpacing), which cannot be"),
        ("ImagePositionPatient", [0, 0, -1e300], "lacks a valid ImagePositionPatient"),
        ("BitsAllocated", 12, "stores its pixels in a form"),
        ("BitsStored", 17, "stores its pixels in a form"),
        ("HighBit", 11, "stores its pixels in a form"),
        ("BitsStored", None, "lacks a valid BitsStored"),
        ("PixelRepresentation", 2, "stores its pixels in a form"),
    ],
)
@pytest.mark.parametrize("slices", [[0], None])
def test_file_that_cannot_be_a_slice_in_hu_is_refused_and_named(
    tmp_path, keyword, value, reason, slices
):
    edit = changed(keyword, value, slices)
    message = refusal(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))
    assert reason in message
    assert ("File 8 of 8" if slices else "of 8 (by name)") in message


@pytest.mark.parametrize(("keyword", "value"), [("Rows", 7), ("PixelSpacing", [0.5, 0.5])])
def test_slice_unlike_the_others_is_named(tmp_path, keyword, value):
    def edit(dataset, k):
        changed(keyword, value, [2])(dataset, k)
        if k == 2 and keyword == "Rows":
            dataset.PixelData = dataset.PixelData[: 7 * 18 * 2]

    folder = write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit)
    assert "File 6 of 8 (by name) differs from most" in refusal(folder)


def test_only_one_of_slope_and_intercept_is_refused(tmp_path):
    folder = write_dicom_series(
        tmp_path / "ct", chest_hu(), rescale=None, edit=changed("RescaleSlope", 2, [2])
    )
    assert "File 6 of 8 (by name) has only one of rescale slope" in refusal(folder)


def test_padding_after_the_pixels_is_tolerated(tmp_path):
    def pad(dataset, k):
        dataset.PixelData += bytes(2)

    hu = chest_hu()
    volume = read_volume(write_dicom_series(tmp_path / "ct", hu, edit=pad))
    np.testing.assert_array_equal(volume.array, hu)


@pytest.mark.parametrize("rescale", [(1.0, -1024.0), None])
def test_monochrome1_has_the_same_hu(tmp_path, rescale):
    hu = chest_hu()
    edit = changed("PhotometricInterpretation", "MONOCHROME1")
    folder = write_dicom_series(tmp_path / "ct", hu, rescale=rescale, edit=edit)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


@settings(max_examples=25, deadline=None)
@given(
    allocated=st.sampled_from([16, 32]),
    stored=st.sampled_from([12, 13, 16, 32]),
    signed=st.booleans(),
    extended=st.booleans(),
    slope=st.sampled_from([1, 2, 0.5, -1]),
)
def test_any_bits_are_read_as_they_were_written(
    tmp_path_factory, allocated, stored, signed, extended, slope
):
    stored = min(stored, allocated)
    hu = (chest_hu() // 2 * 2).clip(-1000, 900)
    intercept = 0 if signed else (-1000 if slope > 0 else 1000)

    def edit(dataset, k):
        values = np.rint((hu[k] - intercept) / slope).astype(np.int64)
        if not extended:
            values &= 2**stored - 1
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, stored, stored - 1
        dataset.PixelRepresentation = int(signed)
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
        dataset.PixelData = values.astype(f"<i{allocated // 8}").tobytes()

    folder = write_dicom_series(tmp_path_factory.mktemp("bits"), hu, edit=edit)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


@pytest.mark.parametrize("signed", [False, True])
def test_values_beyond_the_announced_bits_are_refused(tmp_path, signed):
    hu = chest_hu()
    hu[3, 7, 9] = 3000  # as metal

    def edit(dataset, k):
        dataset.BitsStored, dataset.HighBit = 12, 11

    folder = write_dicom_series(
        tmp_path / "ct", hu, rescale=None if signed else (0.5, -1024.0), edit=edit
    )
    assert "File 5 of 8 (by name) holds values (or an overlay) beyond" in refusal(folder)


def test_padding_beyond_the_scale_becomes_air(tmp_path):
    hu = chest_hu()

    def edit(dataset, k):
        dataset.PixelPaddingValue = 63536
        stored = (hu[k].astype(int) + 1024).astype("<u2")
        stored[:2] = 63536
        dataset.PixelData = stored.tobytes()

    volume = read_volume(write_dicom_series(tmp_path / "ct", hu, edit=edit))
    np.testing.assert_array_equal(volume.array[:, 2:], hu[:, 2:])
    assert (volume.array[:, :2] == -1024).all()


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless],
)
def test_transfer_syntaxes_give_the_same_hu(tmp_path, syntax):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    for path in folder.iterdir():
        encode(path, syntax)
    np.testing.assert_array_equal(read_volume(folder).array, hu)


def encode(path, syntax):
    """Write the slice anew in a transfer syntax; ``JPEG`` and ``JPEG2000`` are lossless."""
    dataset = pydicom.dcmread(path)
    if syntax == RLELossless:
        dataset.compress(RLELossless)
        dataset.save_as(path)
        return
    if isinstance(syntax, pydicom.uid.UID):
        stored = dataset.pixel_array
        copy = pydicom.Dataset()
        copy.update(dataset)
        copy.file_meta = dataset.file_meta
        copy.file_meta.TransferSyntaxUID = syntax
        copy.PixelData = stored.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
        copy["PixelData"].VR = "OW"
        copy.save_as(path, enforce_file_format=True)
        return
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(syntax)
    temporary = path.parent.parent / "compressed.dcm"
    writer.SetFileName(str(temporary))
    writer.Execute(sitk.GetImageFromArray(dataset.pixel_array[None]))
    compressed = pydicom.dcmread(temporary)
    dataset.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
    dataset.PixelData = compressed.PixelData
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


@pytest.mark.parametrize("syntax", ["JPEG", "JPEG2000", RLELossless])
def test_compressed_slices_are_read_whole_or_refused(tmp_path, syntax):
    hu = chest_hu((4, 30, 32))
    folder = write_dicom_series(tmp_path / "ct", hu)
    for path in folder.iterdir():
        encode(path, syntax)
    np.testing.assert_array_equal(read_volume(folder).array, hu)
    path = folder / "IM002.dcm"
    whole = path.read_bytes()
    pixels = len(pydicom.dcmread(path).PixelData)
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: len(whole) - int(pixels * share)])
        assert "File 2 of 4 (by name) is truncated" in refusal(folder)


@pytest.mark.parametrize("syntax", ["JPEG", "JPEG2000", RLELossless])
def test_compressed_frame_cut_inside_a_whole_file_is_refused(tmp_path, syntax):
    folder = write_dicom_series(tmp_path / "ct", chest_hu((4, 30, 32)))
    path = folder / "IM002.dcm"
    encode(path, syntax)
    dataset = pydicom.dcmread(path)
    table, frame = 8, dataset.PixelData[16:]
    half = frame[: len(frame) // 4 * 2]
    dataset.PixelData = (
        dataset.PixelData[:table] + struct.pack("<HHL", 0xFFFE, 0xE000, len(half)) + half
    )
    dataset.save_as(path)
    assert "File 2 of 4 (by name) is truncated" in refusal(folder)


def test_compressed_image_of_another_size_is_refused(tmp_path):
    folder = write_dicom_series(tmp_path / "ct", chest_hu())
    for path in folder.iterdir():
        encode(path, "JPEG")
        dataset = pydicom.dcmread(path)
        dataset.Rows, dataset.Columns = dataset.Columns, dataset.Rows
        dataset.save_as(path)
    assert "of 8 (by name) is" in refusal(folder)


@pytest.mark.parametrize("compressed", [False, True])
def test_names_that_are_not_utf8_never_end_the_process(tmp_path, compressed):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    for path in folder.iterdir() if compressed else ():
        encode(path, RLELossless)
    folder = folder.rename(not_utf8(tmp_path, b"\xe4"))
    if compressed:
        assert "not UTF-8; rename" in refusal(folder)
    else:
        np.testing.assert_array_equal(read_volume(folder).array, hu)


def test_compressed_monochrome1_is_refused_with_that_reason(tmp_path):
    edit = changed("PhotometricInterpretation", "MONOCHROME1")
    folder = write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit)
    for path in folder.iterdir():
        encode(path, "JPEG")
    assert "MONOCHROME1" in refusal(folder)


def test_transfer_syntax_that_contradicts_the_pixels_is_refused(tmp_path):
    folder = write_dicom_series(tmp_path / "ct", chest_hu())
    path = folder / "IM002.dcm"
    old, new = ExplicitVRLittleEndian.encode(), RLELossless.encode()
    content = path.read_bytes()
    assert content.count(old) == 1
    # Same length in the file: 19 characters and a zero, where RLE Lossless has 19.
    path.write_bytes(content.replace(old.ljust(20, b"\0"), new.ljust(20, b"\0")))
    assert "File 2 of 8 (by name) is truncated or damaged" in refusal(folder)


@pytest.mark.parametrize("suffix", ["", ".dcm", ".IMA", ".ct", ".7"])
@pytest.mark.parametrize("left", [0, 60, 131])
def test_slices_at_the_end_that_were_not_copied_are_refused(tmp_path, suffix, left):
    folder = write_dicom_series(tmp_path / "ct", chest_hu(), suffix=suffix)
    for path in sorted(folder.iterdir())[:3]:
        path.write_bytes(path.read_bytes()[:left])
    assert "File 1 of 8 (by name) and 2 other files are empty, damaged" in refusal(folder)


def test_slices_of_zeros_in_another_subfolder_are_refused(tmp_path):
    hu = chest_hu()
    write_dicom_series(tmp_path / "ct" / "a", hu, suffix="")
    (tmp_path / "ct" / "b").mkdir()
    (tmp_path / "ct" / "b" / "IM009").write_bytes(bytes(5000))
    assert "File 9 of 9 (by name) is empty, damaged" in refusal(tmp_path / "ct")


def test_unfinished_download_beside_the_slices_is_refused(tmp_path):
    folder = write_dicom_series(tmp_path / "ct", chest_hu())
    (folder / "IM000.dcm.part").write_bytes(b"")
    assert "File 1 of 9" in refusal(folder)


@pytest.mark.parametrize("bare", [slice(132, None), slice(None)])
def test_slices_without_preamble_are_read(tmp_path, bare):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu, suffix="")
    for path in sorted(folder.iterdir())[::2]:
        content = path.read_bytes()
        if bare.start is None:  # without file meta information either
            length = struct.unpack("<L", content[140:144])[0]
            path.write_bytes(content[144 + length :])
        else:
            path.write_bytes(content[bare])
    np.testing.assert_array_equal(read_volume(folder).array, hu)
    np.testing.assert_array_equal(read_volume(sorted(folder.iterdir())[0]).array, hu)


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


def test_slices_behind_links_are_read_once_and_lost_ones_are_noticed(tmp_path):
    hu = chest_hu()
    write_dicom_series(tmp_path / "store", hu, suffix="")
    folder = tmp_path / "ct"
    folder.mkdir()
    (folder / "a").symlink_to(tmp_path / "store")
    (folder / "b").symlink_to(tmp_path / "store")
    (folder / "loop").symlink_to(folder)
    np.testing.assert_array_equal(read_volume(folder).array, hu)
    (folder / "IM009").symlink_to(tmp_path / "gone")
    assert "cannot be opened" in refusal(folder)


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_slice_that_ends_in_zeros_gives_a_warning(tmp_path, share):
    def edit(dataset, k):
        if k == 3:
            lost = int(len(dataset.PixelData) * share)
            dataset.PixelData = dataset.PixelData[:-lost] + bytes(lost)

    volume = read_volume(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))
    (warning,) = volume.warnings
    assert "File 5 of 8 (by name)" in warning
    assert f"{100 * share:.0f} %" in warning


def test_slice_of_another_rescale_gives_a_warning(tmp_path):
    edit = changed("RescaleIntercept", -1000, [3])
    volume = read_volume(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))
    (warning,) = volume.warnings
    assert "File 5 of 8 (by name) differs from most" in warning


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.6, 0.95])
def test_truncated_slice_is_refused_even_at_the_end_of_the_stack(tmp_path, fraction):
    folder = write_dicom_series(tmp_path / "ct", chest_hu((4, 60, 60)))
    truncate(folder / "IM001.dcm", fraction)
    assert "File 1 of 4" in refusal(folder)


def test_header_cut_anywhere_never_passes(tmp_path):
    hu = chest_hu((4, 6, 7))
    folder = write_dicom_series(tmp_path / "ct", hu)
    whole = (folder / "IM001.dcm").read_bytes()
    for length in range(0, len(whole), 37):
        (folder / "IM001.dcm").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_volume(folder)


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
