"""How stored values become HU: rescale, bits, padding and transfer syntaxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from COVIDLesionSegLib.engine.volume import read_volume
from engine.volume_files import (
    changed,
    chest_hu,
    encode,
    refusal,
    write_dicom_series,
)


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


def test_slice_of_another_rescale_gives_a_warning(tmp_path):
    edit = changed("RescaleIntercept", -1000, [3])
    volume = read_volume(write_dicom_series(tmp_path / "ct", chest_hu(), edit=edit))
    (warning,) = volume.warnings
    assert "File 5 of 8 (by name) differs from most" in warning
