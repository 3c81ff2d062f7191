"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.files import atomic_folder, atomic_path, cannot_write, write_bytes


def test_an_earlier_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "card.json"
    write_bytes(b"first", path)
    write_bytes(b"second", path)
    assert path.read_bytes() == b"second"
    assert [file.name for file in tmp_path.iterdir()] == ["card.json"]


def test_a_failure_is_one_sentence_and_leaves_what_was_there(tmp_path):
    occupied = tmp_path / "card.json"
    occupied.mkdir()
    for path in (occupied, tmp_path / "absent" / "card.json"):
        with pytest.raises(OutputError, match=r"^card.json cannot be written: .+\.$"):
            write_bytes(b"data", path)
    assert [file.name for file in tmp_path.iterdir()] == ["card.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_named_by_where_it_is_mounted(number, tmp_path):
    place = tmp_path
    while not place.is_mount():
        place = place.parent
    error = cannot_write(tmp_path / "absent" / "ct.nrrd", OSError(number, os.strerror(number)))
    assert isinstance(error, OutputError)
    assert str(error) == (
        f"ct.nrrd cannot be written: the disk at {place} is full; free disk space there, or choose "
        "a place on another disk."
    )


def test_any_other_reason_is_told_without_the_path(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory") as caught:
        write_bytes(b"", tmp_path / "absent" / "card.json")
    assert str(tmp_path) not in str(caught.value)
    assert "check that the folder exists" in str(cannot_write(tmp_path / "a.txt", None))


def test_a_file_that_was_not_finished_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "ct.nrrd"
    path.write_text("first")
    with pytest.raises(ValueError, match="damaged"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ValueError("damaged")
    assert path.read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["ct.nrrd"]


def test_a_hidden_path_has_the_ending_that_its_writer_needs(tmp_path):
    with atomic_path(tmp_path / "ct.nii.gz", ".nii.gz") as temporary:
        assert temporary.name.startswith(".") and temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"")


def test_a_folder_that_was_not_finished_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="damaged"), atomic_folder(tmp_path / "new") as staging:
        (staging / "one").write_text("half")
        raise ValueError("damaged")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_one_that_holds_something_is_refused(tmp_path):
    folder = tmp_path / "slices"
    folder.mkdir()
    with atomic_folder(folder) as staging:
        (staging / "index.csv").write_text("name")
    assert (folder / "index.csv").read_text() == "name"
    with pytest.raises(OutputError, match="not empty"), atomic_folder(folder):
        pytest.fail("nothing may be written")
    assert [file.name for file in tmp_path.iterdir()] == ["slices"]
