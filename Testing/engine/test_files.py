"""Small files appear whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.files import cannot_write, write_bytes


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
