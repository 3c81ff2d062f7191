"""NRRD and MetaImage files whose header is silent about the patient, or damaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.engine.volume import read_array, read_volume, write_volume
from engine.volume_files import chest_hu, grid_of, refusal, write_image


def test_sheared_nrrd_is_refused(tmp_path):
    path = write_image(tmp_path / "ct.nrrd", chest_hu())
    content = path.read_bytes().replace(b"(0.75,0,0)", b"(.75,0.2,0)")
    path.write_bytes(content)
    assert "right angles" in refusal(path)


def without_lines(path, *starts):
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    kept = [line for line in header.split(b"\n") if not line.startswith(starts)]
    path.write_bytes(b"\n".join(kept) + b"\n\n" + voxels)
    return path


def test_nrrd_without_voxel_size_is_refused(tmp_path):
    path = write_image(tmp_path / "ct.nrrd", chest_hu())
    assert "voxel size" in refusal(without_lines(path, b"space"))


def test_metaimage_without_voxel_size_is_refused(tmp_path):
    path = write_image(tmp_path / "ct.mhd", chest_hu())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("ElementSpacing")))
    assert "voxel size" in refusal(path)


def with_field(path, field, value):
    """The header with one field changed, or added before the last one."""
    separator, last = (b": ", b"encoding") if path.suffix == ".nrrd" else (b" = ", b"ElementType")
    lines = path.read_bytes().split(b"\n")
    starts = field.encode() + separator
    stated = [n for n, line in enumerate(lines) if line.startswith(starts)]
    place = next(n for n, line in enumerate(lines) if line.startswith(last))
    lines[slice(stated[0], stated[0] + 1) if stated else slice(place, place)] = [
        starts + value.encode()
    ]
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.fixture
def nrrd(tmp_path):
    return write_image(tmp_path / "ct.nrrd", chest_hu())


@pytest.fixture
def mha(tmp_path):
    return write_image(tmp_path / "ct.mha", chest_hu())


def test_nrrd_without_a_space_gives_a_warning(nrrd):
    header, voxels = without_lines(nrrd, b"space").read_bytes().split(b"\n\n", 1)
    nrrd.write_bytes(header + b"\nspacings: 0.75 0.8 2.5\n\n" + voxels)
    (warning,) = read_volume(nrrd).warnings
    assert "left and right" in warning


@pytest.mark.parametrize("space", ["3D-left-handed", "3D-right-handed", "scanner-xyz"])
def test_nrrd_space_without_a_patient_gives_a_warning(nrrd, space):
    (warning,) = read_volume(with_field(nrrd, "space", space)).warnings
    assert "left and right" in warning


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", "LAS"])
def test_nrrd_space_of_a_patient_gives_none(nrrd, space):
    assert read_volume(with_field(nrrd, "space", space)).warnings == ()


def test_key_that_looks_like_a_field_is_none(nrrd):
    content = nrrd.read_bytes().replace(b"encoding", b"spacings:=9 9 9\nsizes:=1 1 1\nencoding", 1)
    nrrd.write_bytes(content)
    assert read_volume(nrrd).geometry.spacing == (0.75, 0.8, 2.5)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("space units", '"um" "um" "um"', "not measured in mm"),
        ("old min", "-1000", "quantised"),
        ("kinds", "domain domain time", "time series"),
        ("space directions", "none (0,0.8,0) (0,0,2.5)", "voxel size"),
        ("space directions", "(0.75,0,0) (0,0.8,0) (0,0,nan)", "voxel size"),
        ("space directions", "(1,0,0) " * 5000, "line of its header is too long"),
        ("space directions", "(1,0,0) " * 20, "directions"),
        ("measurement frame", "(1,0,0) " * 20, "measurementframe"),
        ("space origin", "(1,2,nan)", "space origin"),
        ("space origin", "(1,2,3\x1a4)", "space origin"),
        ("type", "A" * 2000, "line of its header is too long"),
        ("unknown", "A" * 2000, "line of its header is too long"),
        ("data file", "%d%n%n%n%s 1 4 1", "data file"),
        ("data file", "%999d 1 4 1", "data file"),
        ("data file", "absent%d.raw 1 8 1", ""),
        ("data file", "absent.raw", "missing"),
        ("data file", "\0", "zero byte"),
        ("byte skip", "-5", "byteskip"),
        ("dimension", "-1", "dimension"),
        ("dimension", "99", "dimension"),
        ("sizes", "18 -14 8", "sizes"),
        ("sizes", "18 14.5 8", "sizes"),
        ("sizes", "99999999999999999999 14 8", "sizes"),
    ],
)
def test_nrrd_that_would_be_misread_or_end_the_process_is_refused(nrrd, field, value, reason):
    assert reason in refusal(with_field(nrrd, field, value))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("NDims", "-1", "NDims"),
        ("NDims", "99", "NDims"),
        ("NDims", "3.7", "NDims"),
        ("DimSize", "18 -14 8", "DimSize"),
        ("DimSize", "18 14 8 2", "DimSize"),
        ("ElementDataFile", "%s%s%n%n 1 10 1", "several files"),
        ("ElementDataFile", "LIST", "several files"),
        ("ElementDataFile", "absent.raw", "missing"),
        ("ElementDataFile", "\0", "zero byte"),
        ("TransformMatrix", "1 0 0", "TransformMatrix"),
        ("TransformMatrix", "nan 0 0 0 1 0 0 0 1", "TransformMatrix"),
        ("Offset", "1", "Offset"),
        ("ElementSpacing", "0,75 0,8 2,5", "ElementSpacing"),
        ("ElementSpacing", "-1 1 1", "damaged"),
        ("DistanceUnits", "um", "not measured in mm"),
        ("ElementToIntensityFunctionSlope", "2", "scaled values"),
        ("ElementToIntensityFunctionOffset", "-1024", "scaled values"),
        ("CompressedData", "1e5", "CompressedData"),
        ("CompressedData", "True", "CompressedDataSize"),
        ("HeaderSize", "-2", "HeaderSize"),
        ("HeaderSize", "10", "HeaderSize"),
    ],
)
def test_metaimage_that_would_be_misread_or_end_the_process_is_refused(mha, field, value, reason):
    assert reason in refusal(with_field(mha, field, value))


def test_metaimage_that_states_a_field_twice_is_refused(mha):
    mha.write_bytes(mha.read_bytes().replace(b"NDims = 3", b"NDims = 3\nNDims = 3"))
    assert "NDims twice" in refusal(mha)


def test_compressed_size_that_is_too_small_is_refused(tmp_path):
    path = write_image(tmp_path / "ct.mha", chest_hu(), compress=True)
    assert "do not unpack" in refusal(with_field(path, "CompressedDataSize", "100"))


def test_detached_voxels_behind_other_data_are_read(tmp_path):
    hu = chest_hu()
    path = write_image(tmp_path / "ct.mhd", hu)
    raw = tmp_path / "ct.raw"
    raw.write_bytes(bytes(1000) + raw.read_bytes())
    for size in ("1000", "-1"):
        np.testing.assert_array_equal(read_array(with_field(path, "HeaderSize", size))[0], hu)


@pytest.mark.parametrize("files", ["LIST", "slice%02d.raw 0 7 1"])
def test_nrrd_with_a_file_for_each_slice_is_read_or_refused_if_one_is_missing(tmp_path, files):
    hu = chest_hu()
    header = write_image(tmp_path / "ct.nrrd", hu).read_bytes().split(b"\n\n")[0].decode()
    names = [f"slice{k:02d}.raw" for k in range(len(hu))]
    for name, values in zip(names, hu, strict=True):
        (tmp_path / name).write_bytes(values.tobytes())
    path = tmp_path / "ct.nhdr"
    listed = "\n".join(names) + "\n" if files == "LIST" else "\n"
    path.write_text(f"{header}\ndata file: {files}\n{listed}")
    np.testing.assert_array_equal(read_array(path)[0], hu)
    (tmp_path / names[5]).write_bytes(b"short")
    assert "truncated" in refusal(path)
    (tmp_path / names[5]).unlink()
    assert "truncated" in refusal(path)


def test_damaged_nrrd_deep_in_folders_is_refused_instead_of_ending_the_process(tmp_path):
    folder = tmp_path.joinpath(*["d" * 100] * 12)
    folder.mkdir(parents=True)
    path = with_field(write_image(folder / "ct.nrrd", chest_hu()), "type", "foo")
    assert "path of ct.nrrd is too long" in refusal(path)
    with pytest.raises(OutputError, match="path of ct.nrrd is too long"):
        write_volume(chest_hu(), grid_of(chest_hu()), path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@given(data=st.data())
def test_any_damage_to_a_header_is_refused_or_leaves_size_and_spacing(
    suffix, data, tmp_path_factory
):
    path = write_image(tmp_path_factory.getbasetemp() / f"damaged{suffix}", chest_hu((3, 4, 5)))
    lines = path.read_bytes()[:-120].split(b"\n")
    lines = [line for line in lines if b"pacing" not in line and b"directions" not in line]
    at = data.draw(st.integers(0, len(lines) - 1))
    name = lines[at].partition(b":" if suffix == ".nrrd" else b"=")[0]
    kept = path.read_bytes().replace(
        lines[at], name + data.draw(st.sampled_from([b": ", b" = "])) + data.draw(st.binary()), 1
    )
    path.write_bytes(kept)
    try:
        array, grid = read_array(path)
    except InputError as error:
        assert str(error).endswith(".")
    else:
        assert array.shape == grid.shape
        assert grid.spacing == (0.75, 0.8, 2.5)
