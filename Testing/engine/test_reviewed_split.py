"""Reviewed cases: who is learned from, who is held out, and who never is."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.review import Verdict
from COVIDLesionSegLib.engine.self_training.reviewed_split import split_reviewed


@dataclass(frozen=True)
class Case:
    id: str
    patient: str
    verdict: Verdict | None


def cases(*patients, verdict=Verdict.CORRECTED):
    return [Case(f"{verdict}{number}", name, verdict) for number, name in enumerate(patients)]


def split(found, learned_before=(), seed=0):
    return split_reviewed(found, "parent", set(learned_before), seed)


lists = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([*Verdict, None])), max_size=24
)


@given(lists, st.sets(st.sampled_from("abcdefgh")), st.integers(0, 9))
def test_no_patient_is_on_both_sides_and_verdicts_are_kept(found, learned_before, seed):
    given_cases = [Case(str(n), patient, verdict) for n, (patient, verdict) in enumerate(found)]
    usable = [one for one in given_cases if one.verdict in (Verdict.ACCEPTED, Verdict.CORRECTED)]
    if not usable:
        with pytest.raises(InputError, match="no accepted or corrected case"):
            split(given_cases, learned_before, seed)
        return
    done = split(given_cases, learned_before, seed)
    held_out = set(done.held_out_patients)
    assert held_out.isdisjoint(one.patient for one in done.learned)
    assert held_out.isdisjoint(learned_before)
    assert all(one.verdict is Verdict.CORRECTED for one in (*done.corrected, *done.held_out))
    assert all(one.verdict is Verdict.ACCEPTED for one in (*done.accepted, *done.left_out))
    used = [*done.learned, *done.held_out, *done.left_out]
    assert sorted(one.id for one in used) == sorted(one.id for one in usable)
    assert bool(done.held_out) is not bool(done.not_evaluated)
    if held_out:
        assert len(held_out) >= 2 and done.corrected and len(done.corrected + done.held_out) >= 4
    random.Random(seed).shuffle(given_cases)
    assert split(given_cases, learned_before, seed) == done


@pytest.mark.parametrize(
    ("found", "learned_before", "reason"),
    [
        (cases("a", "b", "c"), (), "there are 3 corrected cases, and at least 4 are needed"),
        (cases("a", "a", "a", "a"), (), "are of 1 patient, and at least 3 are needed"),
        (cases("a", "a", "b", "b"), (), "are of 2 patients, and at least 3 are needed"),
        (cases(*"abcd"), "abc", "model parent learned from 3 of the 4 patients"),
        (cases(*"abcd", verdict=Verdict.ACCEPTED), (), "there are 0 corrected cases"),
    ],
)
def test_without_enough_corrections_everything_is_learned_from_and_the_reason_is_said(
    found, learned_before, reason
):
    done = split(found, learned_before)
    assert not done.held_out and len(done.learned) == len(found)
    assert done.not_evaluated.startswith("Not evaluated: ") and reason in done.not_evaluated


def test_a_third_of_many_patients_is_held_out_and_another_seed_holds_out_others():
    found = cases(*"abcdefghij")
    assert len(split(found).held_out_patients) == 3
    assert len({split(found, seed=seed).held_out_patients for seed in range(9)}) > 1


def test_new_cases_of_known_patients_move_nobody():
    few, more = cases(*"abcd"), cases(*"abcd", *"abcd")
    assert split(few).held_out_patients == split(more).held_out_patients


def test_accepted_cases_of_held_out_patients_are_left_out():
    done = split([*cases(*"abcd"), *cases(*"abcd", verdict=Verdict.ACCEPTED)])
    assert len(done.left_out) == len(done.accepted) == 2


def test_rejected_cases_are_never_learned_from():
    found = [*cases(*"abcd"), *cases(*"abcdefg", verdict=Verdict.REJECTED)]
    assert split(found) == split(cases(*"abcd"))


def test_a_case_that_is_there_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        split([*cases("a"), *cases("b")])
