"""Series that are incomplete or damaged, as after an interrupted copy: never read as whole."""

import struct

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    RLELossless,
)

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import read_volume
from engine.volume_files import (
    chest_hu,
    encode,
    not_utf8,
    refusal,
    truncate,
    write_dicom_series,
)


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
