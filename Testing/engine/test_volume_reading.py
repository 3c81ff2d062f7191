"""Files that are read exactly, and files that are refused with one clear sentence."""

import gzip
import os
import struct
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import Volume, read_array, read_volume
from engine.volume_files import (
    AXIAL,
    as_image,
    chest_hu,
    damage,
    grid_of,
    not_utf8,
    overwrite,
    refusal,
    truncate,
    write_dicom_series,
    write_image,
)

FORMATS = [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"]
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("direction", [AXIAL, CORONAL])
def test_voxels_and_grid_come_back_as_stored(tmp_path, suffix, compress, direction):
    hu = chest_hu()
    grid = grid_of(hu, direction=direction)
    volume = read_volume(write_image(tmp_path / f"ct{suffix}", hu, grid, compress))
    np.testing.assert_array_equal(volume.array, hu)
    assert volume.array.dtype == np.int16
    assert volume.geometry.size == grid.size
    for name in ("spacing", "origin", "direction"):
        np.testing.assert_allclose(getattr(volume.geometry, name), getattr(grid, name), atol=1e-5)
    assert volume.warnings == ()


def test_source_states_format_and_number_of_axial_slices(tmp_path):
    hu = chest_hu((8, 14, 18))
    volume = read_volume(write_image(tmp_path / "ct.nrrd", hu, grid_of(hu, direction=CORONAL)))
    assert volume.source == {"format": "NRRD", "modality": "not stated", "slices": "14"}


@pytest.mark.parametrize("pixel_type", [np.float32, np.float64, np.int32])
def test_whole_hu_become_int16_whatever_their_type(tmp_path, pixel_type):
    hu = chest_hu()
    volume = read_volume(write_image(tmp_path / "ct.nrrd", hu.astype(pixel_type)))
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, hu)


def test_same_content_is_the_same_in_every_format_and_orientation(tmp_path):
    hu = chest_hu()
    image = as_image(hu, grid_of(hu, spacing=(0.8125, 0.6875, 1.25)))
    names = {f"ct{suffix}": image for suffix in FORMATS}
    names["flipped.nii.gz"] = sitk.Flip(image, (True, False, True))
    names["sagittal.nrrd"] = sitk.PermuteAxes(image, (1, 2, 0))
    for name, stored in names.items():
        sitk.WriteImage(stored, str(tmp_path / name))
        volume = read_volume(tmp_path / name)
        np.testing.assert_array_equal(volume.axial, Volume(hu, grid_of(hu)).axial)
        assert volume.axial_spacing == pytest.approx((1.25, 0.6875, 0.8125))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("fraction", [0.5, 0.98])
def test_truncated_file_is_refused(tmp_path, capfd, suffix, compress, fraction):
    path = write_image(tmp_path / f"ct{suffix}", chest_hu((20, 30, 30)), compress=compress)
    voxels = next((p for p in tmp_path.iterdir() if p != path), path)
    truncate(voxels, fraction)
    assert "truncated" in refusal(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_damaged_compressed_voxels_are_refused(tmp_path, suffix):
    path = write_image(tmp_path / f"ct{suffix}", chest_hu((20, 30, 30)), compress=True)
    assert "ct" in refusal(damage(path))


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_missing_file_with_the_voxels_is_named_as_the_reason(tmp_path, suffix):
    path = write_image(tmp_path / f"ct{suffix}", chest_hu())
    next(p for p in tmp_path.iterdir() if p != path).unlink()
    assert "missing" in refusal(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".nhdr"])
@pytest.mark.parametrize("content", ["", "not an image\nat all\n"])
def test_text_file_with_an_image_name_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"notes{suffix}"
    path.write_text(content)
    assert f"notes{suffix} is not a" in refusal(path)


def test_gzipped_text_is_refused(tmp_path):
    path = tmp_path / "notes.nii.gz"
    path.write_bytes(gzip.compress(b"not an image" * 100))
    assert "not a NIfTI file" in refusal(path)


def test_unknown_kind_of_file_is_refused_with_the_known_ones(tmp_path):
    path = tmp_path / "ct.txt"
    path.write_text("hello")
    assert ".nrrd" in refusal(path)


def test_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "absent.nrrd") == "absent.nrrd does not exist; check the path."


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_unreadable_file_is_refused(tmp_path):
    path = write_image(tmp_path / "ct.nrrd", chest_hu())
    path.chmod(0)
    if os.geteuid() != 0:
        assert "permissions" in refusal(path)
        return
    os.seteuid(65534)  # root may read everything
    try:
        assert "permissions" in refusal(path)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", [b"M\xfcller.nrrd", b"M\xfcller/ct.nrrd"])
def test_path_that_is_not_utf8_is_refused_instead_of_ending_the_process(tmp_path, name):
    path = write_image(tmp_path / "ct.nrrd", chest_hu())
    target = not_utf8(tmp_path, name)
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    for read in (read_volume, read_array):
        with pytest.raises(InputError, match=r"not UTF-8; rename") as caught:
            read(target)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("place", [b"M\xfcller", b"series"])
def test_dicom_folder_or_file_that_is_not_utf8_is_read(tmp_path, place):
    folder = write_dicom_series(tmp_path / "series", chest_hu())
    target = not_utf8(tmp_path, place)
    folder.rename(target)
    if place == b"series":
        first = min(target.iterdir())
        first.rename(not_utf8(target, b"\xe4.dcm"))
    np.testing.assert_array_equal(read_volume(target).array, chest_hu())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ct.nrrd")
    assert "neither a file nor a folder" in refusal(tmp_path / "ct.nrrd")


def test_folder_with_an_image_name_is_refused(tmp_path):
    (tmp_path / "ct.nrrd").mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        read_array(tmp_path / "ct.nrrd")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
def test_file_with_more_slices_than_its_header_announces_is_refused(tmp_path, suffix, compress):
    hu = chest_hu()
    path = write_image(tmp_path / f"ct{suffix}", hu, compress=compress)
    if suffix.startswith(".nii"):
        content = path.read_bytes()
        plain = bytearray(gzip.decompress(content) if suffix == ".nii.gz" else content)
        plain[46:48] = struct.pack("<h", 5)
        path.write_bytes(gzip.compress(plain) if suffix == ".nii.gz" else plain)
    else:
        path.write_bytes(path.read_bytes().replace(b" 14 8\n", b" 14 5\n"))
    assert "more slices" in refusal(path)


def test_series_cannot_be_chosen_in_a_file_without_series(tmp_path):
    assert "not DICOM" in refusal(write_image(tmp_path / "ct.nrrd", chest_hu()), series="1.2")


def test_time_series_is_refused(tmp_path):
    image = as_image(chest_hu(), grid_of(chest_hu()))
    path = tmp_path / "ct.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(path))
    assert "4-dimensional" in refusal(path)


def test_single_image_is_refused(tmp_path):
    path = tmp_path / "ct.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(chest_hu()[0]), str(path))
    assert "2-dimensional" in refusal(path)


def test_colour_volume_is_refused(tmp_path):
    path = tmp_path / "ct.nrrd"
    colours = np.zeros((4, 5, 6, 3), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(path))
    assert "3 values per voxel" in refusal(path)


def test_announced_size_beyond_memory_is_refused_before_reading(tmp_path):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 40, struct.pack("<4h", 3, 32000, 32000, 32000))
    assert "crop or resample" in refusal(path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (lambda hu: hu[:2], "only 2 axial slices"),
        (lambda hu: np.where(hu < -900, np.nan, hu).astype(np.float32), "NaN"),
        (lambda hu: np.where(hu < -900, -np.inf, hu).astype(np.float32), "infinite"),
        (lambda hu: (hu + 1024).astype(np.uint16), "not HU"),
        (lambda hu: np.interp(hu, (-1024, 400), (0, 255)).astype(np.uint8), "not HU"),
        (lambda hu: np.full_like(hu, -1000), "same value"),
        (lambda hu: np.full_like(hu, 0), "same value"),
        (lambda hu: np.where(hu < -900, -2000, hu + 1024).astype(np.int16), "lung and air"),
        (lambda hu: ((hu - hu.mean()) / hu.std()).astype(np.float32), "lung and air"),
    ],
    ids=[
        "two-slices",
        "nan",
        "infinity",
        "unsigned",
        "8-bit",
        "air-only",
        "zeros",
        "offset-with-padding",
        "normalised",
    ],
)
def test_values_that_are_not_a_chest_ct_in_hu_are_refused(tmp_path, values, reason):
    assert reason in refusal(write_image(tmp_path / "ct.nrrd", values(chest_hu())))


@pytest.mark.parametrize("padding", [-2048, -3024, -32768])
def test_padding_outside_the_field_of_view_becomes_air(tmp_path, padding):
    hu = chest_hu()
    padded = hu.copy()
    padded[:, 0] = padding
    volume = read_volume(write_image(tmp_path / "ct.nrrd", padded))
    assert (volume.array[:, 0] == -1024).all()
    np.testing.assert_array_equal(volume.array[:, 1:], hu[:, 1:])
    assert volume.warnings == ()


def test_metal_is_kept(tmp_path):
    hu = chest_hu()
    hu[3, 7, 9] = 14000
    assert read_volume(write_image(tmp_path / "ct.nrrd", hu)).array[3, 7, 9] == 14000


def test_fractional_hu_stay_fractional(tmp_path):
    hu = chest_hu().astype(np.float64) + 0.25
    volume = read_volume(write_image(tmp_path / "ct.nrrd", hu))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, hu)


def test_thick_slices_give_a_warning(tmp_path):
    hu = chest_hu()
    grid = grid_of(hu, spacing=(0.75, 0.75, 12.0))
    (warning,) = read_volume(write_image(tmp_path / "ct.nrrd", hu, grid)).warnings
    assert "12.0 mm" in warning


def test_array_of_any_kind_is_read_with_its_grid(tmp_path):
    labels = (chest_hu() < -500).astype(np.uint8)
    array, grid = read_array(write_image(tmp_path / "labels.nrrd", labels))
    np.testing.assert_array_equal(array, labels)
    assert grid == grid_of(labels)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_compressed_file_without_its_checksum_is_refused(tmp_path, suffix):
    path = write_image(tmp_path / f"ct{suffix}", chest_hu(), compress=True)
    path.write_bytes(path.read_bytes()[:-4])
    assert "truncated" in refusal(path)


@pytest.mark.parametrize("display", [True, False])
def test_itk_warnings_are_left_as_they_were(tmp_path, display):
    path = write_image(tmp_path / "ct.nrrd", chest_hu())
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    try:
        sitk.ProcessObject.SetGlobalWarningDisplay(display)
        read_volume(path)
        assert sitk.ProcessObject.GetGlobalWarningDisplay() == display
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
