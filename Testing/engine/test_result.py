"""A result and a request survive a trip through files, bit for bit, or are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.engine.result import SegmentationResult, save_result
from COVIDLesionSegLib.engine.volume import Geometry
from engine.saved_results import assert_same, geometries, load_result, make_result


@settings(max_examples=20, deadline=None)
@given(
    geometry=geometries(),
    seed=st.integers(0, 99),
    lungs=st.booleans(),
    classes=st.sampled_from([("lesion",), ("ground-glass opacity", "consolidation")]),
    ensemble=st.booleans(),
)
def test_a_result_comes_back_bit_for_bit(
    tmp_path_factory, geometry, seed, lungs, classes, ensemble
):
    result = make_result(geometry, seed, lungs, classes, ensemble)
    folder = save_result(result, tmp_path_factory.mktemp("bundle") / "result")

    assert_same(load_result(folder), result)


@pytest.fixture
def result() -> SegmentationResult:
    return make_result(
        Geometry((4, 3, 2), (0.7, 0.7, 5.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    )


def test_an_earlier_result_is_never_overwritten(result, tmp_path):
    folder = save_result(result, tmp_path / "result")
    other = replace(result, classes=("consolidation",))

    with pytest.raises(OutputError, match="exists already"):
        save_result(other, folder)
    assert_same(load_result(folder), result)


def test_a_failed_write_leaves_nothing(result, tmp_path):
    unwritable = replace(result, provenance={"ratio": float("nan")})

    with pytest.raises(ValueError, match="JSON"):
        save_result(unwritable, tmp_path / "result")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_clear_error(result, tmp_path):
    with pytest.raises(OutputError, match="result cannot be written"):
        save_result(result, tmp_path / "absent" / "result")


ARRAYS = ["lungs.nrrd", "lesions.nrrd", "probability.nrrd"]


def test_a_single_models_result_holds_no_disagreement(result, tmp_path):
    folder = save_result(result, tmp_path / "result")
    assert sorted(path.name for path in folder.iterdir()) == sorted(["result.json", *ARRAYS])


@pytest.mark.parametrize("name", ["result.json", *ARRAYS, "disagreement.nrrd"])
def test_an_incomplete_result_is_refused(result, tmp_path, name):
    folder = save_result(make_result(result.geometry, ensemble=True), tmp_path / "result")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])

    with pytest.raises(InputError, match="run again"):
        load_result(folder)


@pytest.mark.parametrize("name", [*ARRAYS, "disagreement.nrrd"])
def test_an_array_that_is_gone_is_refused(result, tmp_path, name):
    folder = save_result(make_result(result.geometry, ensemble=True), tmp_path / "result")
    (folder / name).unlink()

    with pytest.raises(InputError, match="run again"):
        load_result(folder)


@pytest.mark.parametrize("name", ["lungs.nrrd", "disagreement.nrrd"])
def test_arrays_of_another_result_are_refused(result, tmp_path, name):
    folder = save_result(make_result(result.geometry, ensemble=True), tmp_path / "result")
    larger = make_result(replace(result.geometry, size=(5, 4, 3)), ensemble=True)
    other = save_result(larger, tmp_path / "other")
    (other / name).replace(folder / name)

    with pytest.raises(InputError, match="run again"):
        load_result(folder)


def test_a_result_whose_flags_name_no_slices_yet_is_read(result, tmp_path):
    folder = save_result(result, tmp_path / "result")
    facts = json.loads((folder / "result.json").read_text())
    for flag in facts["flags"]:
        del flag["slices"]
    (folder / "result.json").write_text(json.dumps({**facts, "version": 2}))

    assert load_result(folder).flags == tuple(replace(flag, slices=()) for flag in result.flags)


def test_a_result_of_another_version_is_refused(result, tmp_path):
    folder = save_result(result, tmp_path / "result")
    facts = json.loads((folder / "result.json").read_text("utf-8"))
    (folder / "result.json").write_text(json.dumps({**facts, "version": 99}))

    with pytest.raises(InputError, match="another version"):
        load_result(folder)


@pytest.mark.parametrize(
    "name",
    ["format", "version", "geometry", "classes", "severity", "flags", "provenance", "arrays"],
)
def test_a_result_with_damaged_facts_is_refused(result, tmp_path, name):
    folder = save_result(result, tmp_path / "result")
    facts = json.loads((folder / "result.json").read_text("utf-8"))
    without = {key: value for key, value in facts.items() if key != name}
    for damaged in (without, {**facts, name: None}, {**facts, name: 7}):
        (folder / "result.json").write_text(json.dumps(damaged))
        with pytest.raises(InputError, match="run again"):
            load_result(folder)


@pytest.mark.parametrize("content", ["[]", "7", "null", '"result"'])
def test_a_result_whose_facts_are_no_object_is_refused(result, tmp_path, content):
    folder = save_result(result, tmp_path / "result")
    (folder / "result.json").write_text(content)

    with pytest.raises(InputError, match="run again"):
        load_result(folder)
