"""Folds by patient: nobody on both sides, everybody held out once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.splits import (
    hold_out_validation,
    k_folds,
    leave_one_out,
    make_folds,
    patients_in,
    slices_without,
    split,
)
from COVIDLesionSegLib.engine.data.training_data import TrainingData
from COVIDLesionSegLib.engine.errors import InputError, ParameterError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.cross_validation import (
    CrossValidation,
    cross_validate,
    folds_of,
)
from COVIDLesionSegLib.engine.training.new_model import check_new_id
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from engine.training_slices import export_tiny, labelled, tiny_recipe

pytestmark = pytest.mark.slow

PATIENTS = st.sets(st.text("abcdef0123", min_size=1, max_size=4), min_size=2, max_size=30)
SEEDS = st.integers(0, 2**31)


def groups_of(fold):
    return [set(group) for group in (fold.training, fold.validation, fold.test)]


def assert_apart(fold, patients):
    training, validation, test = groups_of(fold)
    assert training | validation | test == patients
    assert len(training) + len(validation) + len(test) == len(patients)
    assert training and test


@given(PATIENTS)
def test_leave_one_out_holds_out_every_patient_alone_once(patients):
    folds = leave_one_out(patients)
    assert sorted(name for fold in folds for name in fold.test) == sorted(patients)
    for fold in folds:
        assert_apart(fold, patients)
        assert len(fold.test) == 1


@given(PATIENTS, st.data(), SEEDS)
def test_k_folds_hold_out_every_patient_once_and_evenly(patients, data, seed):
    k = data.draw(st.integers(2, len(patients)))
    folds = k_folds(patients, k, seed)
    assert len(folds) == k
    assert sorted(name for fold in folds for name in fold.test) == sorted(patients)
    for fold in folds:
        assert_apart(fold, patients)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@given(PATIENTS.filter(lambda patients: len(patients) > 2), SEEDS)
def test_a_split_by_shares_is_by_whole_patients_and_leaves_no_group_empty(patients, seed):
    fold = split(patients, seed)
    assert_apart(fold, patients)
    assert fold.validation
    assert fold == split(reversed(sorted(patients)), seed)


@given(PATIENTS.filter(lambda patients: len(patients) > 2), SEEDS)
def test_patients_put_aside_to_validate_come_from_those_to_learn_from(patients, seed):
    for fold in leave_one_out(patients):
        inner = hold_out_validation(fold, seed)
        assert_apart(inner, patients)
        assert inner.validation and inner.test == fold.test


def test_sixty_ten_thirty_of_ten_patients_are_six_one_and_three():
    fold = split([f"p{n}" for n in range(10)], seed=1)
    assert [len(group) for group in groups_of(fold)] == [6, 1, 3]


def test_folds_are_named_as_on_the_command_line():
    patients = [f"p{n}" for n in range(10)]
    assert len(make_folds("lopo", patients, 0)) == 10
    assert len(make_folds("5", patients, 0)) == 5
    assert [len(group) for group in groups_of(*make_folds("60/10/30", patients, 0))] == [6, 1, 3]


@pytest.mark.parametrize(
    ("wanted", "patients", "error", "message"),
    [
        ("lopo", ["p1"], InputError, "There are 1 patients, but 2 are needed"),
        ("5", ["p1", "p2"], InputError, "There are 2 patients, but 5 are needed"),
        ("60/10/30", ["p1", "p2"], InputError, "There are 2 patients, but 3 are needed"),
        ("1", ["p1", "p2"], ParameterError, "must be 2 or more"),
        ("some", ["p1", "p2"], ParameterError, "'some' are not understood"),
        ("60/30", ["p1", "p2"], ParameterError, "'60/30' are not understood"),
        ("60/10/40", ["p1", "p2", "p3"], ParameterError, "sum to 100"),
    ],
)
def test_folds_that_cannot_be_made_are_one_clear_sentence(wanted, patients, error, message):
    with pytest.raises(error, match=message):
        make_folds(wanted, patients, 0)


def data_of(*patients):
    clean = [labelled("healthy", infected=False, seed=9, shape=(48, 48))]
    training = [labelled(name, seed=n, shape=(48, 48)) for n, name in enumerate(patients)]
    return TrainingData(training + clean, [], [])


def test_patients_without_lesion_are_never_held_out():
    folds = folds_of(tiny_recipe(), data_of("p1", "p2", "p3"), "lopo")
    assert [fold.test for fold in folds] == [("p1",), ("p2",), ("p3",)]


def test_pseudo_labels_are_learned_from_and_never_scored_against(tiny_network, tmp_path):
    data = data_of("p1", "p2")
    pseudo = [
        replace(labelled(name, seed=n, shape=(48, 48)), pseudo=True)
        for n, name in enumerate(("p1", "p3"), start=5)
    ]
    data = TrainingData([*data.training, *pseudo], [], [])
    folds = folds_of(tiny_recipe(), data, "lopo")
    assert [fold.test for fold in folds] == [("p1",), ("p2",)]
    given = []

    def export(network, own, model_id, by):
        given.append(own)
        return export_tiny(network, own, model_id, by, tmp_path)

    plan = CrossValidation(tiny_recipe(steps=1), data, folds, tmp_path, "tiny", export)
    for member in cross_validate(plan):
        assert len(member.patients) == 1
    assert not any(item.pseudo for own in given for item in own.validation)
    assert [patients_in(own.training) for own in given] == [
        {"p2", "p3", "healthy"},
        {"p1", "p3", "healthy"},
    ]


def test_where_lungs_are_learned_patients_with_lungs_are_dealt_with_or_without_lesion():
    """Cascade section 2.3: five folds of all CTs."""
    recipe = make_recipe(load_catalogue().get("lungs-unet-resnet18").card)
    with_lungs = [labelled(f"p{n}", infected=n == 0, seed=n, lungs=True) for n in range(3)]
    none = replace(with_lungs[0], patient="p9", lungs=np.zeros_like(with_lungs[0].lungs))
    folds = folds_of(
        replace(recipe, keep="last", early_stop=None, plateau=None),
        TrainingData([*with_lungs, none], [], []),
        "lopo",
    )
    assert [fold.test for fold in folds] == [("p0",), ("p1",), ("p2",)]


def test_a_synthetic_slice_is_learned_from_only_where_nobody_it_shows_is_held_out(tmp_path):
    synthetic = labelled("p1+healthy", seed=7, shape=(48, 48))
    synthetic = replace(synthetic, sources=("p1", "healthy"))
    data = data_of("p1", "p2", "p3")
    data = TrainingData([*data.training, synthetic], [], [])
    assert [fold.test for fold in folds_of(tiny_recipe(), data, "lopo")] == [
        ("p1",),
        ("p2",),
        ("p3",),
    ]
    assert synthetic not in slices_without(data.training, ["p1"])
    assert synthetic in slices_without(data.training, ["p2"])
    with pytest.raises(InputError, match="both trained on and held out: p1"):
        TrainingData([synthetic], [labelled("p1")], [])


def test_a_plus_sign_in_a_name_joins_no_patients():
    item = labelled("P+1", seed=7, shape=(48, 48))
    assert patients_in([item]) == {"P+1"}
    TrainingData([item], [labelled("P")], [])


@pytest.mark.parametrize("decides", [False, True])
def test_each_member_is_scored_on_the_patient_it_never_saw(decides, tiny_network, tmp_path):
    """Where validation decides, it is another patient's, who counts as learned from."""
    recipe = tiny_recipe(steps=2, validation_steps=1, keep="best" if decides else "last")
    given = []

    def export(network, own, model_id, by):
        given.append(own)
        return export_tiny(network, own, model_id, by, tmp_path)

    patients = ("p1", "p2", "p3")
    data = data_of(*patients)
    folds = folds_of(recipe, data, "lopo")
    members = [*cross_validate(CrossValidation(recipe, data, folds, tmp_path, "tiny", export))]
    assert [member.model for member in members] == ["tiny-1", "tiny-2", "tiny-3"]
    assert [tuple(member.patients) for member in members] == [(name,) for name in patients]
    for own, held_out in zip(given, patients, strict=True):
        assert patients_in(own.training) == {*patients, "healthy"} - {held_out}
        assert patients_in(own.validation) == {held_out}
    assert (tmp_path / "tiny-3.safetensors").is_file()
    assert (tmp_path / "fold-2" / "metrics.csv").is_file()


@pytest.mark.parametrize(
    "model_id", ["a+b", "a/b", "", ".hidden", "a b", "a" * 60, "amc-net-1234", "unet"]
)
def test_an_id_that_a_new_model_cannot_have_is_refused(model_id):
    catalogue = load_catalogue()
    with pytest.raises(ParameterError, match="cannot be called|already"):
        check_new_id(model_id, catalogue.get("unet"), catalogue)


def test_a_trained_model_may_be_trained_anew_under_its_own_id():
    catalogue = load_catalogue()
    check_new_id("amc-net", catalogue.get("amc-net"), catalogue)
    check_new_id("my-own_1.2", catalogue.get("unet"), catalogue)
    untrained = replace(catalogue.get("amc-net").card, weights=None)
    with pytest.raises(ParameterError, match="already"):
        check_new_id("amc-net", replace(catalogue.get("amc-net"), card=untrained), catalogue)
