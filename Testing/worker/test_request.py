"""A request is complete, or it is refused and nothing is run."""

from __future__ import annotations

import json

import pytest

from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.worker.request import RESULT_FOLDER, Request, load_request, save_request


def test_a_request_comes_back_as_it_was(tmp_path):
    options = {"ct": "a", "parameters": {"threshold": 0.35}}
    path = save_request(tmp_path, "segment", options)

    assert load_request(path) == Request("segment", options, tmp_path / RESULT_FOLDER)
    other = save_request(tmp_path, "segment", options, tmp_path / "elsewhere")
    assert load_request(other).out == tmp_path / "elsewhere"


@pytest.mark.parametrize("content", ["", "[]", "{}", "not JSON"])
def test_a_damaged_request_is_refused(tmp_path, content):
    (tmp_path / "request.json").write_text(content)

    with pytest.raises(InputError, match="not a complete"):
        load_request(tmp_path / "request.json")


@pytest.mark.parametrize("name", ["job", "options", "out"])
def test_a_request_without_one_of_its_parts_is_refused(tmp_path, name):
    path = save_request(tmp_path, "segment", {})
    facts = json.loads(path.read_text("utf-8"))
    del facts[name]
    path.write_text(json.dumps(facts))

    with pytest.raises(InputError, match="not a complete"):
        load_request(path)


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save_request(tmp_path / "absent", "segment", {})
