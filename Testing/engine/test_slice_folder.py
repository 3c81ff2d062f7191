"""Annotated slices written to a folder come back as they were."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.labelled import LabelledImage, fingerprint_of_slices
from COVIDLesionSegLib.engine.data.png import read_grey_png, write_grey_png
from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder, write_slice_folder
from COVIDLesionSegLib.engine.errors import InputError, OutputError
from engine.labelled_data import no_file_above
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
    with pytest.raises(OutputError, match="empty exists already and is not empty"):
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


def test_a_full_disk_leaves_nothing_and_is_one_sentence_with_the_folder(tmp_path):
    for size in (50, 1000):  # the first file, and a later one
        with no_file_above(size), pytest.raises(OutputError, match="folder out cannot be written"):
            write_slice_folder([make_slice(shape=(9, 9)), make_slice("b")], tmp_path / "out")
        assert not list(tmp_path.iterdir())


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


# Columns


def index_of(folder):
    with (folder / "index.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_patients_windowed_and_both_patients_of_a_synthetic_slice_have_columns(tmp_path):
    made = replace(make_slice("s1", "a+h"), sources=("a", "h"))
    write_slice_folder([made, make_slice("p1_001", "P+1")], tmp_path / "out")
    first, second = index_of(tmp_path / "out")
    assert (first["patient"], first["windowed"]) == ("a+h", "no")
    assert (first["lesion_patient"], first["lungs_patient"]) == ("a", "h")
    assert (second["lesion_patient"], second["lungs_patient"]) == ("", "")
    one, other = read_slice_folder(tmp_path / "out")
    assert one.patients == ("a", "h") and one.patient == "a+h"
    assert other.patients == ("P+1",)  # a plus sign in a name joins nobody


def rewrite(folder, text):
    (folder / "index.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def one_slice(tmp_path):
    """A folder of one slice ``s1`` of 8 bits; its lungs are the image, its lesion a corner."""
    for kind in ("img", "lesion", "lung"):
        (tmp_path / kind).mkdir()
        image = np.full((12, 16), 60, np.uint8)
        if kind != "img":
            image[:] = 0
            image[2:-2, 2:-2] = 255
        if kind == "lesion":
            image[:, 6:] = 0
        write_grey_png(image, tmp_path / kind / "s1.png")
    return rewrite(tmp_path, "name,case,grey_soft_peak\ns1,p1,120\n")


def test_folders_of_earlier_versions_are_read_as_before(one_slice):
    text = "name,case,grey_soft_peak\ns1,{},120\n"
    (item,) = read_slice_folder(rewrite(one_slice, text.format("radiopaedia_4_85506_1")))
    assert item.windowed and item.patient == "radiopaedia_4_85506"
    np.testing.assert_array_equal(item.image, np.full((12, 16), 60 / 255, np.float32))
    (item,) = read_slice_folder(rewrite(one_slice, text.format("a+h")))
    assert not item.windowed and (item.patient, item.patients) == ("a+h", ("a", "h"))
    np.testing.assert_allclose(item.image, -1024 + 60 * 1064 / 120)


def test_columns_tell_what_names_do_not(one_slice):
    columns = "name,patient,windowed,grey_soft_peak\n"
    (item,) = read_slice_folder(rewrite(one_slice, columns + "s1,radiopaedia_4,no,120\n"))
    assert not item.windowed and item.patient == "radiopaedia_4"
    (item,) = read_slice_folder(rewrite(one_slice, columns + "s1,p1,yes,\n"))
    assert item.windowed and item.image.max() == np.float32(60 / 255)


@pytest.mark.parametrize("values", [(1,), (255,), (1, 2), (128, 255)])
def test_lungs_are_read_whatever_marks_them(one_slice, values):
    lungs = np.zeros((12, 16), np.uint8)
    for number, value in enumerate(values):
        lungs[2:-2, 2 + 6 * number : 14] = value
    write_grey_png(lungs, one_slice / "lung" / "s1.png")
    (item,) = read_slice_folder(one_slice, with_lungs=True)
    np.testing.assert_array_equal(item.lungs, lungs > 0)


def test_lungs_that_would_be_read_as_none_are_refused(one_slice):
    write_grey_png(np.full((12, 16), 100, np.uint8), one_slice / "lung" / "s1.png")
    with pytest.raises(InputError, match=r"mask lung/s1\.png holds the label 100"):
        read_slice_folder(one_slice, with_lungs=True)
    assert read_slice_folder(one_slice)  # nobody asked for lungs


CELL = r"^index\.csv, row 2, column {}: the cell "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(
            (f"name,case,grey_soft_peak\ns1,p1,{peak}\n", CELL.format("grey_soft_peak"))
            for peak in ("", "0", "-5", "nan", "inf", "soft", "1e-3", "300", "1e300")
        ),
        ("name,case,grey_soft_peak\n../s1,p1,120\n", CELL.format("name") + r"is '\.\./s1'"),
        ("name,case,grey_soft_peak\n,p1,120\n", CELL.format("name") + "is empty"),
        ("name,case,grey_soft_peak\ns1,,120\n", CELL.format("case") + "is empty"),
        ("name,patient,windowed\ns1,p1,perhaps\n", CELL.format("windowed") + "is 'perhaps'"),
        ("name,patient,windowed\ns1,p1,no\n", CELL.format("grey_soft_peak") + "is empty"),
        ("name,case,grey_soft_peak,pseudo\ns1,p1,120,maybe\n", CELL.format("pseudo")),
        (
            "name,patient,windowed,lesion_patient,lungs_patient\ns1,a+h,yes,a,\n",
            CELL.format("lungs_patient") + "is empty, but a synthetic slice has two",
        ),
        (
            "name,case,grey_soft_peak\ns1,p1,120\ns1,p1,120\n",
            r"^index\.csv, row 3, column name: .* which row 2 names already",
        ),
        ("name,case,grey_soft_peak\ns2,p1,120\n", r"^s2\.png is listed in index\.csv but missing"),
    ],
)
def test_a_damaged_index_is_refused_with_row_and_column(one_slice, text, said):
    with pytest.raises(InputError, match=said):
        read_slice_folder(rewrite(one_slice, text))


def test_a_byte_order_mark_changes_nothing(one_slice):
    (before,) = read_slice_folder(one_slice, with_lungs=True)
    text = (one_slice / "index.csv").read_text(encoding="utf-8")
    (after,) = read_slice_folder(rewrite(one_slice, "\ufeff" + text), with_lungs=True)
    assert fingerprint_of_slices([before]) == fingerprint_of_slices([after])


def test_images_of_another_kind_or_size_are_refused_with_their_file(one_slice):
    write_grey_png(np.full((12, 16), 30840, np.uint16), one_slice / "img" / "s1.png")
    with pytest.raises(
        InputError, match=r"column grey_soft_peak: .* img/s1\.png.* 272\u202f424 HU"
    ):
        read_slice_folder(one_slice)
    rewrite(one_slice, "name,patient,windowed\ns1,p1,yes\n")
    with pytest.raises(InputError, match=r"^img/s1\.png has grey levels of 16 bits"):
        read_slice_folder(one_slice)
    write_grey_png(np.full((12, 15), 60, np.uint8), one_slice / "img" / "s1.png")
    with pytest.raises(InputError, match=r"img/s1\.png has 12 x 15 .* lesion/s1\.png has 12 x 16"):
        read_slice_folder(one_slice)


def test_an_inverted_mask_and_a_map_of_the_lungs_are_no_lesions(one_slice):
    lesion = read_grey_png(one_slice / "lesion" / "s1.png")
    write_grey_png(255 - lesion, one_slice / "lesion" / "s1.png")
    with pytest.raises(InputError, match=r"lesion/s1\.png marks 83 % of all voxels .* inverted"):
        read_slice_folder(one_slice)
    write_grey_png(read_grey_png(one_slice / "lung" / "s1.png"), one_slice / "lesion" / "s1.png")
    write_grey_png(np.full((12, 16), 20, np.uint8), one_slice / "img" / "s1.png")
    with pytest.raises(InputError, match="mask of p1 marks 100 % of the lungs .* map of the lungs"):
        read_slice_folder(one_slice, with_lungs=True)
    write_grey_png(np.full((12, 16), 60, np.uint8), one_slice / "img" / "s1.png")
    assert read_slice_folder(one_slice, with_lungs=True)  # as dense as a lesion


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_index_gives_slices_or_one_sentence_about_it(one_slice, data):
    text = b"name,patient,windowed,grey_soft_peak,pseudo\ns1,p1,no,120,no\n"
    content = bytearray(text)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] = data.draw(st.integers(0, 255))
        else:
            content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=3))
    (one_slice / "index.csv").write_bytes(bytes(content))
    try:
        (item,) = read_slice_folder(one_slice, with_lungs=True)
    except InputError as error:
        assert "index.csv" in str(error) or "no slices of the patients" in str(error)
    else:
        assert item.lesion.any() and item.lungs.any() and np.isfinite(item.image).all()


@pytest.mark.parametrize("patient", ["", " p1", "p\n1", "p\x1b1"])
def test_patients_that_would_not_come_back_are_refused(patient, tmp_path):
    with pytest.raises(InputError, match="needs another name"):
        write_slice_folder([make_slice(patient=patient)], tmp_path / "out")


def test_a_patient_that_looks_like_a_formula_comes_back(tmp_path):
    write_slice_folder([make_slice(patient="=cmd|' /C calc'!A0")], tmp_path / "out")
    assert "\r\np1_001,'=cmd" in (tmp_path / "out" / "index.csv").read_bytes().decode()
    (item,) = read_slice_folder(tmp_path / "out")
    assert item.patient == "=cmd|' /C calc'!A0"
