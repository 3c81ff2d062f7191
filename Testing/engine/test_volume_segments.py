"""Segments of 3D Slicer's segmentation files: which layer and label, and where they lie."""

import numpy as np
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import Geometry
from COVIDLesionSegLib.engine.volume.segmentation_file import holds_segments, read_segments
from engine.volume_files import not_utf8

GRID = Geometry((6, 5, 4), (0.7, 0.8, 2.5), (-20.0, -30.0, 40.0), tuple(np.eye(3).ravel()))
LABELS = np.zeros(GRID.shape, np.uint8)
LABELS[1, 2, 1:4] = 1
LABELS[2, 2, 1:4] = 2


def write(path, *layers, start=(0, 0, 0), compress=True, **fields):
    """One array (k, j, i) for each layer; ``fields`` such as ``Segment0_Layer``."""
    image = sitk.GetImageFromArray(
        np.stack(layers, axis=-1) if len(layers) > 1 else layers[0], isVector=len(layers) > 1
    )
    image.SetSpacing(GRID.spacing)
    image.SetOrigin((GRID.ijk_to_lps @ [*start, 1])[:3].tolist())
    for key, value in fields.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path), compress)
    return path


def two(**changes):
    both = {
        "Segment0_ID": "a",
        "Segment0_Layer": "0",
        "Segment0_LabelValue": "1",
        "Segment1_ID": "b",
        "Segment1_Layer": "0",
        "Segment1_LabelValue": "2",
    }
    return {key: value for key, value in (both | changes).items() if value is not None}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.seg.nrrd"


def test_segments_share_a_layer(path):
    first, second = read_segments(write(path, LABELS, **two()), GRID)
    np.testing.assert_array_equal(first.mask, LABELS == 1)
    np.testing.assert_array_equal(second.mask, LABELS == 2)


def test_segments_of_several_layers_overlap(path):
    layers = LABELS.clip(0, 1), 2 * np.flip(LABELS, axis=1).clip(0, 1)
    first, second = read_segments(write(path, *layers, **two(Segment1_Layer="1")), GRID)
    np.testing.assert_array_equal(first.mask, layers[0] == 1)
    np.testing.assert_array_equal(second.mask, layers[1] == 2)


def test_older_files_have_a_layer_for_each_segment_and_state_neither(path):
    layers = LABELS.clip(0, 1), np.flip(LABELS, axis=0).clip(0, 1)
    segments = read_segments(write(path, *layers, Segment0_ID="a", Segment1_ID="b"), GRID)
    for segment, layer in zip(segments, layers, strict=True):
        np.testing.assert_array_equal(segment.mask, layer == 1)


@pytest.mark.parametrize("field", ["Segment1_Layer", "Segment1_LabelValue"])
@pytest.mark.parametrize("value", ["abc", "1.0", "", "nan", "-1", "70000", "9" * 5000, "\u0662"])
def test_layer_or_label_that_is_no_number_it_can_have_is_named(path, field, value):
    write(path, LABELS, **two(**{field: value}))
    with pytest.raises(InputError, match=rf"^a\.seg\.nrrd is damaged: its {field} is '") as caught:
        read_segments(path, GRID)
    assert len(str(caught.value)) < 300


def test_layer_that_the_file_does_not_have_and_background_as_label_are_refused(path):
    with pytest.raises(InputError, match="Segment1_Layer is '1'"):
        read_segments(write(path, LABELS, **two(Segment1_Layer="1")), GRID)
    with pytest.raises(InputError, match="Segment1_LabelValue is '0'"):
        read_segments(write(path, LABELS, **two(Segment1_LabelValue="0")), GRID)


def test_voxels_that_belong_to_no_segment_are_not_dropped(path):
    with pytest.raises(InputError, match="a label that belongs to no segment"):
        read_segments(write(path, LABELS, **two(Segment1_LabelValue="3")), GRID)


def test_segment_without_voxels_is_empty(path):
    first, second = read_segments(write(path, LABELS.clip(0, 1), **two()), GRID)
    assert first.mask.sum() == 6 and not second.mask.any()


def test_label_that_one_segment_lacks_is_not_guessed(path):
    with pytest.raises(InputError, match="Segment1_LabelValue is ''"):
        read_segments(write(path, LABELS, **two(Segment1_LabelValue=None)), GRID)


def test_box_inside_the_ct_lies_where_it_belongs(path):
    box = LABELS[1:3, 1:4, 1:5]
    first, second = read_segments(write(path, box, start=(1, 1, 1), **two()), GRID)
    np.testing.assert_array_equal(first.mask, LABELS == 1)
    np.testing.assert_array_equal(second.mask, LABELS == 2)


def test_box_that_marks_voxels_outside_the_ct_is_refused(path):
    with pytest.raises(InputError, match="marks voxels outside its CT"):
        read_segments(write(path, LABELS, start=(3, 0, 0), **two()), GRID)
    empty = np.zeros_like(LABELS)
    empty[0, 0, 0] = 1
    assert read_segments(write(path, empty, start=(3, 0, 0), **two()), GRID)[0].mask.sum() == 1


@pytest.mark.parametrize("compress", [True, False])
def test_truncated_segmentation_is_refused(path, compress):
    write(path, LABELS, compress=compress, **two())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="truncated"):
        read_segments(path, GRID)


def test_missing_file_and_path_that_is_not_utf8_are_refused(path):
    with pytest.raises(InputError, match="does not exist"):
        read_segments(path, GRID)
    latin = not_utf8(path.parent, b"\xe4.nrrd")
    write(path, LABELS, **two()).rename(latin)
    assert holds_segments(latin)
    with pytest.raises(InputError, match="not UTF-8"):
        read_segments(latin, GRID)


def test_key_and_name_that_are_not_utf8_do_no_harm(path):
    write(path, LABELS, **two(Segment0_Name="Xrger", Segment0_Tags="Xy", Xkey="z"))
    path.write_bytes(path.read_bytes().replace(b"X", b"\xc4"))
    assert [segment.id for segment in read_segments(path, GRID)] == ["a", "b"]


def test_a_file_of_any_name_is_known_by_its_segments(tmp_path):
    assert holds_segments(write(tmp_path / "a.nrrd", LABELS, **two()))
    assert not holds_segments(write(tmp_path / "b.nrrd", LABELS))
    assert not holds_segments(tmp_path / "absent.nrrd")
    assert not holds_segments(tmp_path / "c.nii.gz")
