"""Small files appear whole or not at all."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.files import write_bytes


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
