"""Annotated slices written to a folder come back as they were."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder, write_slice_folder
from COVIDLesionSegLib.engine.errors import InputError, OutputError
from engine.labelled_data import write_slice_folder as write_real_folder


def make_slice(name="p1_001", patient="p1", seed=0, shape=(30, 41)):
    random = np.random.default_rng(seed)
    image = random.integers(-1024, 3072, shape).astype(np.float32)
    lesion, lungs = random.random((2, *shape)) > 0.5
    return LabelledImage(name, patient, image, False, lesion & lungs, lungs)


def test_whole_hu_and_masks_come_back_exactly(tmp_path):
    slices = [make_slice(), make_slice("p2_001", "p2", seed=1, shape=(8, 5))]
    write_slice_folder(slices, tmp_path / "out")
    read = read_slice_folder(tmp_path / "out", with_lungs=True)
    assert [(s.name, s.patient, s.windowed) for s in read] == [
        ("p1_001", "p1", False),
        ("p2_001", "p2", False),
    ]
    for before, after in zip(slices, read, strict=True):
        for name in ("image", "lesion", "lungs"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
            assert getattr(after, name).dtype == getattr(before, name).dtype


def test_fractions_of_hu_move_by_a_32nd_at_most_and_only_hu_out_of_range_are_clipped(tmp_path):
    image = np.random.default_rng(3).uniform(-1024, 3071, (20, 20)).astype(np.float32)
    image[0, :4] = (-2048.0, -1024.4, 3071.9375, 30000.0)
    write_slice_folder([replace(make_slice(shape=(20, 20)), image=image)], tmp_path / "out")
    (read,) = read_slice_folder(tmp_path / "out")
    assert list(read.image[0, :4]) == [-1024.0, -1024.0, 3071.9375, 3071.9375]
    assert np.abs(read.image[1:] - image[1:]).max() <= 1 / 32


def test_slices_read_from_8_bit_images_survive_another_round_within_a_32nd_hu(tmp_path):
    before = [s for s in read_slice_folder(write_real_folder(tmp_path / "a")) if not s.windowed]
    write_slice_folder(before, tmp_path / "b")
    for first, second in zip(before, read_slice_folder(tmp_path / "b"), strict=True):
        assert np.abs(first.image - second.image).max() <= 1 / 32


def test_slices_without_lungs_make_no_lung_folder_and_facts_become_columns(tmp_path):
    bare = replace(make_slice(), lungs=None)
    write_slice_folder([bare], tmp_path / "out", [{"synthetic": "yes"}])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"img", "lesion", "index.csv"}
    with (tmp_path / "out" / "index.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["synthetic"] == "yes" and row["case"] == "p1"


def test_an_empty_folder_is_filled_and_any_other_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    write_slice_folder([make_slice()], tmp_path / "empty")
    assert len(read_slice_folder(tmp_path / "empty")) == 1
    with pytest.raises(OutputError, match="empty is not empty"):
        write_slice_folder([make_slice(seed=5)], tmp_path / "empty")
    np.testing.assert_array_equal(
        read_slice_folder(tmp_path / "empty")[0].image, make_slice().image
    )
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_folder_that_cannot_be_written_is_left_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", disk_full)
    with pytest.raises(OutputError, match="cannot be written"):
        write_slice_folder([make_slice()], tmp_path / "out")
    assert not any(path.name.startswith(".slices") for path in tmp_path.iterdir())
    with pytest.raises(OutputError, match="cannot be written"):
        write_slice_folder([make_slice()], tmp_path / "no" / "parent")


@pytest.mark.parametrize(
    ("slices", "message"),
    [
        ([], "no slice to write"),
        ([make_slice(), make_slice()], "same name"),
        ([make_slice(), replace(make_slice("b"), lungs=None)], "some have none"),
        ([replace(make_slice(), windowed=True)], "windowed"),
        ([make_slice("../elsewhere")], "cannot be a file's name"),
        ([make_slice(patient="radiopaedia_4_85506")], "another name"),
    ],
)
def test_what_would_not_come_back_the_same_is_refused(slices, message, tmp_path):
    with pytest.raises(InputError, match=message):
        write_slice_folder(slices, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


CLASSES = ("ground-glass opacity", "consolidation")


def by_class(**values):
    """A slice with both classes, in every third pixel each."""
    item = make_slice(**values)
    numbers = np.arange(item.image.size).reshape(item.image.shape) % 3
    return replace(item, lesion=numbers.astype(np.uint8))


def test_classes_and_pseudo_labels_come_back_to_who_asks_for_them(tmp_path):
    slices = [replace(by_class(), pseudo=True), by_class(name="p1_002", seed=2)]
    write_slice_folder(slices, tmp_path / "out")
    for before, after in zip(
        slices, read_slice_folder(tmp_path / "out", classes=CLASSES), strict=True
    ):
        np.testing.assert_array_equal(after.lesion, before.lesion)
        assert after.lesion.dtype == np.uint8 and after.pseudo == before.pseudo
    for before, after in zip(slices, read_slice_folder(tmp_path / "out"), strict=True):
        np.testing.assert_array_equal(after.lesion, before.lesion > 0)
        assert after.lesion.dtype == bool


def test_a_mask_of_0_and_255_is_lesion_of_any_class_even_where_classes_are_asked_for(tmp_path):
    write_slice_folder([make_slice()], tmp_path / "out")
    (item,) = read_slice_folder(tmp_path / "out", classes=CLASSES)
    assert item.lesion.dtype == bool
    np.testing.assert_array_equal(item.lesion, make_slice().lesion)


@pytest.mark.parametrize("value", [3, 255])
@pytest.mark.parametrize("classes", [("lesion",), CLASSES])
def test_a_value_that_is_no_class_is_refused_with_its_file_and_what_is_allowed(
    value, classes, tmp_path
):
    item = by_class()
    item.lesion[0, 0] = value
    write_slice_folder([item], tmp_path / "out")
    said = (
        rf"The mask lesion/p1_001\.png holds the label {value}, but .* 1 for ground-glass opacity, "
        "2 for consolidation, or 255 alone for lesion of any kind"
    )
    with pytest.raises(InputError, match=said):
        read_slice_folder(tmp_path / "out", classes=classes)
