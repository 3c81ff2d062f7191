"""Cards that anybody may have written: read within limits, or named and left out."""

from __future__ import annotations

import copy
import json
import logging
import unicodedata
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.card_json import card_from_json
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue, read_models
from COVIDLesionSegLib.engine.models.json_file import parse_json
from COVIDLesionSegLib.engine.models.user_models import (
    default_model,
    promote,
    read_promotions,
    warn_once,
)
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from COVIDLesionSegLib.engine.text import printable
from engine.model_cards import packaged_card, write_user_card

DEEP = b"[" * 100_000
LONG_NUMBER = b"1" * 5000
KNOWN = {model.id for model in load_catalogue().models}


@pytest.fixture(autouse=True)
def every_warning_again():
    warn_once.cache_clear()


def left_out(folder, content: bytes) -> str:
    """The one problem of a catalogue that has this file of the user's beside the packaged cards."""
    (folder / "theirs.json").write_bytes(content)
    catalogue = load_catalogue()
    assert {model.id for model in catalogue.models} == KNOWN
    (problem,) = catalogue.problems
    assert problem == printable(problem) and len(problem) < 400
    return problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (DEEP, "nested more than 32 levels"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested more than 32 levels"),
        (b'{"parameters": %s}' % LONG_NUMBER, "more than 20 digits"),
        (b'{"parameters": 1e999}', "too large"),
        (b'{"parameters": NaN}', "NaN is not a number"),
        (b'{"title": "\\ud800"}', "half of a character"),
        (b'{"title": "' + b"a" * 2**24 + b'"}', "larger than 16 MiB"),
        (b"\x80\x04pickle", "utf-8"),
        (b"", "Expecting value"),
        (b'"text"', "JSON object"),
        (b"{}", "without an id is incomplete"),
    ],
)
def test_a_file_that_is_no_card_is_named_with_the_reason(user_folder, content, reason):
    problem = left_out(user_folder, content)
    assert "theirs.json" in problem and reason in problem


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "a\nb"}, "unsafe id"),
        ({"id": "\x1b[31mred"}, "unsafe id"),
        ({"id": "a\0"}, "unsafe id"),
        ({"id": "a" * 300}, "unsafe id"),
        ({"id": "../up"}, "unsafe id"),
        ({"id": ["a"]}, "unsafe id"),
        ({"title": "two\nlines"}, "control characters"),
        ({"title": "\x1b]0;title\x07"}, "control characters"),
        ({"title": "right \u202e to left"}, "control characters"),
        ({"title": 7}, "title must be text"),
        ({"classes": "lesion"}, "classes must be a list"),
        ({"classes": [["lesion"]]}, "classes must be a list of texts"),
        ({"classes": ["\x1b"]}, "control characters"),
        ({"notes": "one"}, "notes must be a list"),
        ({"parameters": "many"}, "parameters must be a whole number"),
        ({"parameters": True}, "parameters must be a whole number"),
        ({"bfloat16": 1}, "bfloat16 must be true or false"),
        ({"arguments": []}, "arguments must be a JSON object"),
        ({"training": 3}, "training must be a JSON object"),
        ({"training": {"data": []}}, "training data must be a JSON object"),
        ({"training": {"data": {"training": ["P1"]}}}, "number of slices for each patient"),
        ({"weights": {"file": "a.safetensors"}}, "it has no licence"),
        ({"weights": 0}, "is not a JSON object"),
        ({"scores": {"Dice": 1}}, "scores must be a list"),
        ({"scores": [{"metric": "Dice", "value": "1", "data": "", "protocol": ""}]}, "a number"),
        ({"task": []}, "names the task"),
        ({"preprocessing": {"window_hu": "ab"}}, "window_hu"),
        ({"preprocessing": {"window_hu": [-1e9, 1]}}, "window_hu"),
        ({"preprocessing": {"window_hu": [-1000, 0], "lung_mask": "no"}}, "lung_mask"),
        ({"preprocessing": {"window_hu": [-1000, 0], "multiple": 10**6}}, "multiple"),
        ({"preprocessing": {"window_hu": [-1000, 0], "input_size": [65536] * 2}}, "input_size"),
        ({"preprocessing": {"window_hu": [-1000, 0], "resample_mm": 1e-9}}, "pixel sizes"),
        ({"\x1b[2J": 1}, "unknown fields"),
    ],
)
def test_a_card_with_a_wrong_value_is_named_with_the_field(user_folder, change, reason):
    problem = left_out(
        user_folder, json.dumps(packaged_card() | {"id": "theirs"} | change).encode()
    )
    assert problem.startswith("theirs.json: ") and reason in problem


@pytest.mark.parametrize("file", ["w.pt", "w.ckpt", "w.pkl", "w"])
def test_weights_in_a_format_that_can_run_code_are_refused_by_their_name(user_folder, file):
    weights = packaged_card()["weights"] | {"file": file}
    problem = left_out(
        user_folder, json.dumps(packaged_card() | {"id": "theirs", "weights": weights}).encode()
    )
    assert "can run code" in problem


@pytest.mark.parametrize(
    "file", ["../w.safetensors", "/w.safetensors", "a\\w.safetensors", ".w.safetensors"]
)
def test_weights_outside_the_folder_are_refused(user_folder, file):
    weights = packaged_card()["weights"] | {"file": file}
    problem = left_out(
        user_folder, json.dumps(packaged_card() | {"id": "theirs", "weights": weights}).encode()
    )
    assert "plain file name" in problem


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, above=()):
    """The path of every value in a JSON value."""
    yield above
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*above, key))


PLACES = [place for place in places(packaged_card()) if place]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=json_values)
def test_whatever_stands_on_a_card_it_is_a_card_or_a_model_error(tmp_path, place, value):
    card = copy.deepcopy(packaged_card())
    *above, last = place
    inner = card
    for key in above:
        inner = inner[key]
    inner[last] = value
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(card))
    try:
        (model,) = read_models(path)
    except ModelError as error:
        assert "theirs.json" in str(error)
    else:
        again = json.dumps(asdict(model.card), ensure_ascii=False).encode()
        assert card_from_json(parse_json(again)) == model.card
        assert model.card.learned_from is None or sum(model.card.learned_from.values()) is not None


def test_what_is_left_out_is_a_warning_and_told_once(user_folder, caplog):
    (user_folder / "theirs.json").write_bytes(DEEP)
    write_user_card(user_folder, "mine")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert load_catalogue().get("mine").title == "AMC-Net"
    (record,) = caplog.records
    assert "theirs.json" in record.getMessage() and "\n" not in record.getMessage()


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        b"[{",
        b'{"model": "first"}',
        b'["first"]',
        b'[{"model": ["first"]}]',
        b'[{"model": "\\u001b[31m"}]',
        b'[{"model": "first", "at": %s}]' % LONG_NUMBER,
        b"\xff\xfe",
    ],
)
def test_a_damaged_list_of_promotions_is_one_warning_and_the_starter_is_used(
    user_folder, caplog, content
):
    (user_folder / "promotions.list").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert default_model() == DEFAULT_MODEL
        assert len(load_catalogue().problems) == 1
    (record,) = caplog.records
    assert "promotions.list" in record.getMessage() and DEFAULT_MODEL in record.getMessage()
    with pytest.raises(ModelError, match="promotions.list"):
        read_promotions()


def test_a_default_model_that_is_gone_is_told_rather_than_replaced(user_folder):
    promote("gone", "0" * 64)
    assert default_model() == "gone"
    with pytest.raises(ModelError, match="The default model gone is not among the models"):
        load_catalogue().members((default_model(),))


@given(st.text())
def test_printable_text_is_one_line_without_control_characters(text):
    line = printable(text)
    assert len(line.splitlines()) <= 1 and len(line) == len(text)
    categories = {unicodedata.category(sign) for sign in line if sign not in "\u200c\u200d"}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert printable(line) == line


def test_printable_text_keeps_what_people_write():
    assert printable("Ünet, Größe 3 µm\n\tα") == "Ünet, Größe 3 µm  α"
    assert printable("\x1b[31mred") == "\ufffd[31mred"
