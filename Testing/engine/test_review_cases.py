"""Reviewed cases come back as they were saved, whatever happened to the program meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.engine.review import (
    CaseLock,
    Verdict,
    case_id,
    patient_key,
    read_cases,
    remove_case,
    reoriented,
    result_on,
    reviews_folder,
    save_case,
    save_labels,
    save_verdict,
)
from COVIDLesionSegLib.engine.volume import AxialOrder, Volume
from engine.one_case import only, other_than
from engine.saved_results import assert_same, geometries, make_result
from engine.small_cts import GRID, ct, turned


@pytest.fixture
def case(tmp_path):
    return save_case(ct(), make_result(GRID), folder=tmp_path)


@settings(max_examples=15, deadline=None)
@given(
    geometry=geometries(),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.int16, np.float32]),
    lungs=st.booleans(),
    classes=st.sampled_from([("lesion",), ("ground-glass opacity", "consolidation")]),
    ensemble=st.booleans(),
)
def test_a_case_comes_back_bit_for_bit(
    tmp_path_factory, geometry, seed, dtype, lungs, classes, ensemble
):
    folder = tmp_path_factory.mktemp("reviews")
    volume = ct(geometry, seed, dtype)
    result = make_result(geometry, seed, lungs, classes, ensemble)
    saved = save_case(volume, result, folder=folder)
    # Edits may be any view of memory, as flipped grids give them.
    edits = [np.flip(make_result(geometry, seed + n).lungs, 1) for n in (1, 2)]
    edits[1] = edits[1] * (edits[0] > 0)
    save_labels(saved, *edits)
    save_verdict(saved, Verdict.CORRECTED, "Left base: motion.\nSecond line – ü", seen=[3, 1])
    read = only(folder)

    assert_same(read.result(), result)
    assert read.volume().array.dtype == dtype
    np.testing.assert_array_equal(read.volume().array, volume.array)
    assert read.volume().geometry == geometry
    np.testing.assert_array_equal(read.prediction(), result.lesions)
    np.testing.assert_array_equal(read.lungs(), edits[0])
    np.testing.assert_array_equal(read.lesions(), edits[1])
    assert read.lungs().dtype == read.lesions().dtype == read.prediction().dtype == np.uint8
    assert (read.classes, read.category, read.ratio) == (
        classes,
        result.severity.category,
        result.severity.ratio,
    )
    assert read.models == {}
    assert read.patient == read.id == case_id(volume)
    assert read.verdict is Verdict.CORRECTED
    assert read.note == "Left base: motion.\nSecond line – ü"
    assert read.seen == {1, 3}


def test_a_lesion_that_was_painted_over_a_lung_is_part_of_it_and_what_was_erased_is_not(case):
    predicted = case.result()
    lungs = np.zeros(GRID.shape, np.uint8)
    lungs[:, :, :2], lungs[:, :, 4:] = 1, 2
    lesions = np.zeros_like(lungs)
    lesions[0, 0, 0] = 1
    result = replace(predicted, lungs=lungs, lesions=lesions)
    case = save_case(ct(), result, folder=case.folder.parent)
    painted = lesions.copy()
    painted[2:, 1:4, 3:] = 1  # also beside the lung
    cut = np.where(painted > 0, 0, lungs)  # what was found lost its lung by an eraser
    read = save_labels(case, cut, painted)

    whole = lungs.copy()
    whole[0, 0, 0] = 0
    np.testing.assert_array_equal(read.lungs(), whole)
    np.testing.assert_array_equal(read.lesions(), painted)


def test_models_are_named_with_their_weights(tmp_path):
    models = {"amc-net": {"weights_sha256": "ab"}, "covid-rate": {"weights_sha256": None}}
    result = replace(make_result(GRID), provenance={"models": models})
    assert save_case(ct(), result, folder=tmp_path).models == {"amc-net": "ab", "covid-rate": None}


def test_a_ct_has_the_same_id_after_its_grid_went_through_decimal_numbers():
    moved = replace(GRID, origin=(1.0001, 2.0, 3.0), spacing=(0.7000001, 0.7, 4.9999999))
    assert case_id(Volume(ct().array, moved)) == case_id(ct())
    for changed in (
        Volume(ct(seed=1).array, GRID),
        Volume(ct().array + np.float32(0.5), GRID),
        Volume(ct().array, replace(GRID, origin=(1.1, 2.0, 3.0))),
        Volume(ct().array, replace(GRID, direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1))),
        Volume(ct().array.reshape(5, 4, 6), replace(GRID, size=(6, 4, 5))),
    ):
        assert case_id(changed) != case_id(ct())


def test_a_ct_has_the_same_id_however_its_values_are_stored():
    padded, clamped = ct().array.copy(), ct().array.copy()
    padded[0, 0, 0], clamped[0, 0, 0] = -3024, -1024
    assert case_id(Volume(padded, GRID)) == case_id(Volume(clamped, GRID))
    assert case_id(Volume(ct().array.astype(np.float64), GRID)) == case_id(ct())


@settings(max_examples=10, deadline=None)
@given(geometry=geometries(), seed=st.integers(0, 9))
def test_a_ct_whose_axes_were_turned_round_is_the_same_case(tmp_path_factory, geometry, seed):
    folder = tmp_path_factory.mktemp("reviews")
    volume, result = ct(geometry), make_result(geometry, seed)
    other = turned(volume)
    order, there = AxialOrder.of(other.geometry), AxialOrder.of(geometry)
    assume(np.array_equal(order.to_axial(other.array), there.to_axial(volume.array)))
    saved = save_case(volume, result, folder=folder)
    assert case_id(other) == saved.id
    lesions = reoriented(other_than(result.lesions), geometry, other.geometry)
    lungs = reoriented(result.lungs, geometry, other.geometry)
    edited = save_labels(saved, lungs, lesions, other.geometry)

    np.testing.assert_array_equal(edited.lesions(), other_than(result.lesions))
    assert edited.edited
    undone = reoriented(result.lesions, geometry, other.geometry)
    assert not save_labels(saved, lungs, undone, other.geometry).edited
    second = make_result(geometry, seed + 1)
    again = save_case(other, result_on(second, other.geometry), folder=folder)
    assert_same(again.result(), second)
    np.testing.assert_array_equal(again.volume().array, volume.array)


def test_doubt_and_warnings_of_the_prediction_are_kept(tmp_path):
    result = make_result(GRID)
    certain = replace(result, probability=(result.probability > 0.5).astype(np.float32))
    doubtful = save_case(ct(seed=1), result, folder=tmp_path)
    assert doubtful.doubt_ml > save_case(ct(), certain, folder=tmp_path).doubt_ml == 0.0
    assert doubtful.warnings == ("thick-slices",)


def test_an_accepted_case_is_corrected_once_edited_and_accepted_again_when_undone(case):
    lungs, lesions = case.lungs(), case.lesions()
    assert save_verdict(case, Verdict.ACCEPTED, "").verdict is Verdict.ACCEPTED
    edited = save_labels(case, lungs, other_than(lesions))
    assert (edited.verdict, edited.edited) == (Verdict.CORRECTED, True)
    undone = save_labels(case, lungs, lesions)
    assert (undone.verdict, undone.edited) == (Verdict.ACCEPTED, False)
    assert save_labels(case, other_than(lungs), lesions).verdict is Verdict.CORRECTED


def test_edits_alone_are_no_verdict_and_a_rejected_case_stays_rejected(case):
    edited = save_labels(case, case.lungs(), other_than(case.lesions()))
    assert (edited.verdict, edited.edited) == (None, True)
    assert save_verdict(case, Verdict.ACCEPTED, "").verdict is Verdict.CORRECTED
    save_verdict(case, Verdict.REJECTED, "")
    assert save_labels(case, case.lungs(), case.prediction()).verdict is Verdict.REJECTED
    assert save_verdict(case, None, "later").verdict is None


def test_what_was_saved_since_a_case_was_read_is_kept(case):
    lesions = other_than(case.lesions())
    save_labels(case, case.lungs(), lesions)
    save_verdict(case, Verdict.CORRECTED, "first", seen=[2])
    save_verdict(case, Verdict.CORRECTED, "second")
    read = only(case.folder.parent)
    assert (read.note, read.seen) == ("second", {2})
    np.testing.assert_array_equal(read.lesions(), lesions)


def test_what_is_kept_already_does_not_count_as_a_change(case):
    lesions = other_than(case.lesions())
    save_labels(case, case.lungs(), lesions)
    saved = save_verdict(case, Verdict.ACCEPTED, "note", seen=[1])
    assert save_labels(case, case.lungs(), lesions) == saved
    assert save_verdict(case, Verdict.ACCEPTED, "note", seen=[1]) == saved
    assert save_verdict(case, Verdict.ACCEPTED, "note", seen=[2]) != saved


def test_another_prediction_begins_a_review_anew_and_earlier_corrections_stay(case):
    lesions = other_than(case.lesions())
    save_labels(case, case.lungs(), lesions)
    save_verdict(case, Verdict.CORRECTED, "mine")
    second = make_result(GRID, seed=5)
    again = save_case(ct(), second, folder=case.folder.parent)

    assert (again.id, again.verdict, again.note, again.edited) == (case.id, None, "", False)
    assert_same(again.result(), second)
    (earlier,) = json.loads((case.folder / "case.json").read_text("utf-8"))["earlier"]
    assert (earlier["verdict"], earlier["note"]) == ("corrected", "mine")
    save_labels(again, again.lungs(), other_than(again.lesions()))
    with np.load(case.folder / earlier["labels"]) as kept:
        start = kept["lesions-corner"]
        box = tuple(slice(s, s + n) for s, n in zip(start, kept["lesions"].shape, strict=True))
        np.testing.assert_array_equal(kept["lesions"], lesions[box])


def test_a_hundred_edits_leave_no_more_files_than_a_few(case):
    for number in range(100):
        lesions = np.zeros_like(case.lesions())
        lesions.ravel()[number] = 1
        save_labels(case, case.lungs(), lesions)
    assert len(list(case.folder.iterdir())) <= 7


def test_corrections_of_another_ct_are_refused(case):
    with pytest.raises(InputError, match="another CT"):
        save_labels(case, case.lungs()[1:], case.lesions())


def test_a_removed_case_is_gone_and_says_so_when_it_is_saved(case):
    remove_case(case)
    remove_case(case)
    assert read_cases(case.folder.parent) == ((), ())
    with pytest.raises(InputError, match="removed"):
        save_verdict(case, Verdict.ACCEPTED, "")
    with pytest.raises(InputError, match="damaged"):
        case.lesions()


def test_the_case_that_changed_last_comes_first(tmp_path):
    first, second = (save_case(ct(seed=n), make_result(GRID), folder=tmp_path) for n in range(2))
    assert [case.id for case in read_cases(tmp_path).cases] == [second.id, first.id]
    save_verdict(first, None, "looked at again")
    assert [case.id for case in read_cases(tmp_path).cases] == [first.id, second.id]


def test_only_one_program_reviews_a_case(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from COVIDLesionSegLib.engine.review import CaseLock\n"
        "lock = CaseLock('abc', Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(OutputError, match="another Slicer"):
        CaseLock("abc", tmp_path)
    CaseLock("other", tmp_path).release()
    other.kill()
    other.communicate()
    lock = CaseLock("abc", tmp_path)
    lock.release()
    CaseLock("abc", tmp_path).release()
    assert read_cases(tmp_path) == ((), ())


def test_a_patients_key_groups_the_cases_of_one_folder_and_says_nothing_else(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    key = patient_key("MRN-0042", one)
    assert patient_key(" MRN-0042 ", one) == key != patient_key("MRN-0043", one)
    assert patient_key("MRN-0042", other) != key
    assert "0042" not in key
    saved = save_case(ct(), make_result(GRID), patient=key, folder=one)
    assert saved.patient == key
    assert save_case(ct(), make_result(GRID, seed=2), folder=one).patient == key
    content = b"".join(path.read_bytes() for path in one.rglob("*") if path.is_file())
    assert b"MRN-0042" not in content and str(tmp_path).encode() not in content


def test_the_folder_is_the_users_choice_or_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("COVIDLESIONSEG_REVIEWS", str(tmp_path / "mine"))
    assert reviews_folder() == tmp_path / "mine"
    assert read_cases() == ((), ())
    assert save_case(ct(), make_result(GRID)).folder.parent == tmp_path / "mine"
    monkeypatch.delenv("COVIDLESIONSEG_REVIEWS")
    assert reviews_folder() == Path.home() / ".covid-lesion-seg" / "reviews"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_can_read_the_cases(tmp_path):
    saved = save_case(ct(), make_result(GRID), folder=tmp_path / "reviews")
    assert saved.folder.parent.stat().st_mode & 0o077 == 0
