"""NIfTI files whose header contradicts itself, lies about orientation, or is damaged."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import example, given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import read_array, read_volume
from engine.volume_files import (
    AXIAL,
    chest_hu,
    grid_of,
    overwrite,
    refusal,
    write_image,
)

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)


def test_nifti_slope_and_intercept_are_applied(tmp_path):
    hu = chest_hu()
    path = write_image(tmp_path / "ct.nii", (hu + 1024).astype(np.int16))
    overwrite(path, 112, struct.pack("<2f", 1.0, -1024.0))
    np.testing.assert_array_equal(read_volume(path).array, hu)


def nifti_with(tmp_path, qform_code, sform_code, srow=None):
    """Axial NIfTI; ``srow`` replaces the three rows of the affine (RAS)."""
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 252, struct.pack("<2h", qform_code, sform_code))
    if srow is not None:
        overwrite(path, 280, struct.pack("<12f", *np.ravel(srow)))
    return path


def test_sheared_nifti_is_refused(tmp_path):
    srow = [[-0.75, 0.3, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.5, 0]]
    assert "right angles" in refusal(nifti_with(tmp_path, 0, 1, srow))


def test_nifti_whose_qform_and_sform_swap_left_and_right_is_refused(tmp_path):
    srow = [[0.75, 0, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.5, 0]]
    assert "left and right are unknown" in refusal(nifti_with(tmp_path, 1, 2, srow))


@pytest.mark.parametrize("factor", [0.5, 1.02])
def test_nifti_whose_sform_contradicts_its_voxel_size_is_refused(tmp_path, factor):
    srow = [[-0.75, 0, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.5 * factor, 0]]
    for codes in ((0, 1), (1, 2)):
        assert "different voxel sizes" in refusal(nifti_with(tmp_path, *codes, srow))


def test_nifti_whose_sform_is_rounded_is_read(tmp_path):
    srow = [[-0.75, 0, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.499, 0]]
    assert read_volume(nifti_with(tmp_path, 1, 2, srow)).warnings == ()


def test_nifti_whose_sform_only_shifts_the_patient_is_read(tmp_path):
    srow = [[-0.75, 0, 0, 90], [0, -0.8, 0, 80], [0, 0, 2.5, 0]]
    assert read_volume(nifti_with(tmp_path, 1, 2, srow)).warnings == ()


@pytest.mark.parametrize("direction", [AXIAL, CORONAL, (0, 0, -1, 1, 0, 0, 0, 1, 0)])
def test_qform_and_sform_of_any_orientation_agree_where_itk_wrote_both(tmp_path, direction):
    hu = chest_hu()
    grid = grid_of(hu, direction=tuple(float(d) for d in direction))
    assert read_volume(write_image(tmp_path / "ct.nii.gz", hu, grid)).warnings == ()


@pytest.mark.parametrize("pixdim", [0.0, float("nan")])
def test_nifti_without_voxel_size_is_refused(tmp_path, pixdim):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 84, struct.pack("<f", pixdim))
    assert "voxel size" in refusal(path)


@pytest.mark.parametrize("degrees", [0.5, 5, 20])
def test_gantry_tilt_in_the_sform_is_refused_although_the_qform_has_right_angles(tmp_path, degrees):
    tilt = np.radians(degrees)
    srow = [[-0.75, 0, 0, 0], [0, -0.8, 2.5 * np.sin(tilt), 0], [0, 0, 2.5 * np.cos(tilt), 0]]
    assert "right angles" in refusal(nifti_with(tmp_path, 1, 1, srow))


def test_qform_and_sform_that_are_turned_against_each_other_are_refused(tmp_path):
    cos, sin = np.cos(np.radians(20)), np.sin(np.radians(20))
    srow = [[-0.75, 0, 0, 0], [0, -0.8 * cos, 2.5 * sin, 0], [0, 0.8 * sin, 2.5 * cos, 0]]
    assert "turned against each other" in refusal(nifti_with(tmp_path, 1, 1, srow))


@given(angles=st.tuples(*[st.floats(-3.2, 3.2)] * 3))
@example(angles=(0.0, 0.0, np.pi))
@example(angles=(np.pi, 1e-4, 1e-4))
def test_qform_in_single_precision_agrees_with_its_sform_at_any_angle(angles, tmp_path_factory):
    x, y, z = (sitk.Euler3DTransform() for _ in range(3))
    for transform, turn in zip((x, y, z), np.diag(angles), strict=True):
        transform.SetRotation(*turn)
    direction = np.linalg.multi_dot([np.reshape(t.GetMatrix(), (3, 3)) for t in (x, y, z)])
    labels = np.zeros((500, 1, 500), np.uint8)
    grid = grid_of(labels, spacing=(0.7, 0.7, 0.7), direction=tuple(direction.ravel()))
    path = tmp_path_factory.getbasetemp() / "labels.nii"
    assert read_array(write_image(path, labels, grid))[1].size == grid.size


def test_file_without_qform_and_sform_gives_a_warning(tmp_path):
    (warning,) = read_volume(nifti_with(tmp_path, 0, 0)).warnings
    assert "left and right" in warning


@pytest.mark.parametrize("asked", ["ct.nii", "ct.nii.gz"])
def test_voxels_are_those_of_the_file_that_was_asked_for(tmp_path, asked):
    contents = {"ct.nii": chest_hu(seed=1), "ct.nii.gz": chest_hu(seed=2)}
    for name, hu in contents.items():
        write_image(tmp_path / name, hu)
    np.testing.assert_array_equal(read_volume(tmp_path / asked).array, contents[asked])
    np.testing.assert_array_equal(read_array(tmp_path / asked)[0], contents[asked])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_share_of_voxels_that_are_no_numbers_is_that_of_the_same_nrrd(tmp_path, value, dtype):
    hu = chest_hu().astype(dtype)
    hu[0, 0, :] = value
    said = {refusal(write_image(tmp_path / f"ct{s}", hu)) for s in (".nrrd", ".nii", ".nii.gz")}
    assert len(said) == 1
    assert "0.9 % of the voxels are NaN or infinite" in said.pop()


@pytest.mark.parametrize("magic", [b"\0\0\0\0", b"n+2\0", b"N+1\0", b"n+1 "])
def test_damaged_mark_is_refused_instead_of_read_without_orientation(tmp_path, magic):
    path = overwrite(write_image(tmp_path / "ct.nii", chest_hu()), 344, magic)
    assert "not a NIfTI file" in refusal(path)


def test_header_of_a_pair_is_refused(tmp_path):
    path = overwrite(write_image(tmp_path / "ct.nii", chest_hu()), 344, b"ni1\0")
    assert "voxels in another file" in refusal(path)
    path.rename(tmp_path / "ct.hdr")
    assert "not in a format read here" in refusal(tmp_path / "ct.hdr")


def test_nifti_2_and_hidden_compression_are_named(tmp_path):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 0, struct.pack("<i", 540))
    assert "NIfTI-2" in refusal(path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "rename it to ct.nii.gz" in refusal(path)


@pytest.mark.parametrize("offset", [0, 348, -352, 1e30, np.inf, np.nan])
def test_voxels_that_cannot_begin_where_the_header_says_are_refused(tmp_path, offset):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 108, struct.pack("<f", offset))
    assert "truncated" in refusal(path) if offset == 1e30 else "cannot begin" in refusal(path)


def test_voxels_after_an_extension_are_read(tmp_path):
    hu = chest_hu()
    path = write_image(tmp_path / "ct.nii", hu)
    content = overwrite(path, 108, struct.pack("<f", 384)).read_bytes()
    path.write_bytes(content[:352] + bytes(32) + content[352:])
    np.testing.assert_array_equal(read_volume(path).array, hu)


@pytest.mark.parametrize("dim", [(3, 18, -14, 8), (3, 18, 0, 8), (0, 18, 14, 8), (9, 18, 14, 8)])
def test_dimensions_that_are_not_positive_are_refused(tmp_path, dim):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 40, struct.pack("<4h", *dim))
    assert "dimensions" in refusal(path)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(0.0, -1024.0), (np.nan, 5.0), (2.0, np.nan), (np.inf, 0.0)]
)
def test_scaling_that_programs_understand_differently_is_refused(tmp_path, slope, intercept):
    path = write_image(tmp_path / "ct.nii", chest_hu())
    overwrite(path, 112, struct.pack("<2f", slope, intercept))
    assert "scales its values" in refusal(path)


@pytest.mark.parametrize("unscaled", [(0.0, 0.0), (np.nan, np.nan), (1.0, 0.0)])
def test_values_without_scaling_keep_their_type(tmp_path, unscaled):
    hu = chest_hu()
    path = write_image(tmp_path / "ct.nii", hu)
    overwrite(path, 112, struct.pack("<2f", *unscaled))
    array, _ = read_array(path)
    assert array.dtype == np.int16
    np.testing.assert_array_equal(array, hu)


def test_big_endian_voxels_are_read(tmp_path):
    hu = chest_hu()
    header = np.frombuffer(write_image(tmp_path / "ct.nii", hu).read_bytes()[:348], np.uint8)
    swapped = header.copy()
    for start, stop, width in ((0, 4, 4), (40, 56, 2), (70, 74, 2), (76, 120, 4), (252, 256, 2)):
        swapped[start:stop] = header[start:stop].reshape(-1, width)[:, ::-1].ravel()
    swapped[256:328] = header[256:328].reshape(-1, 4)[:, ::-1].ravel()
    (tmp_path / "ct.nii").write_bytes(swapped.tobytes() + bytes(4) + hu.astype(">i2").tobytes())
    np.testing.assert_array_equal(read_volume(tmp_path / "ct.nii").array, hu)


@pytest.mark.parametrize("unit", [1, 3])
def test_voxel_size_in_another_unit_than_it_says_is_refused(tmp_path, unit):
    path = overwrite(write_image(tmp_path / "ct.nii", chest_hu()), 123, bytes([unit]))
    assert "which no CT has" in refusal(path)


@given(data=st.data())
def test_any_damage_to_a_header_is_refused_or_leaves_the_shape_that_it_states(
    data, tmp_path_factory
):
    path = write_image(tmp_path_factory.getbasetemp() / "damaged.nii", chest_hu((3, 4, 5)))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from([*range(0, 128, 2), *range(252, 348, 2)]))
        content[at : at + 4] = data.draw(st.binary(min_size=1, max_size=4))
    path.write_bytes(content[: data.draw(st.integers(300, len(content)))])
    try:
        array, grid = read_array(path)
    except InputError as error:
        assert str(error).endswith(".")
    else:
        dim = struct.unpack_from("<4h" if content[0] == 92 else ">4h", content, 40)
        assert array.shape == grid.shape == dim[:0:-1]
