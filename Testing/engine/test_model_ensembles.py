"""Models that vote: by their ids, or under the name of an ensemble that ships."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.parameters import Parameters
from engine.model_cards import write_user_card


def test_the_members_of_an_ensemble_come_in_the_order_they_were_named(user_folder):
    write_user_card(user_folder, "other")
    catalogue = load_catalogue()
    assert [m.id for m in catalogue.members(("other", "amc-net"))] == ["other", "amc-net"]


def test_an_unknown_member_is_refused_by_its_name(user_folder):
    with pytest.raises(ModelError, match="There is no model 'nobody'"):
        load_catalogue().members(("amc-net", "nobody"))


def test_an_ensembles_name_stands_for_its_members_each_of_whom_votes_once(user_folder):
    write_user_card(user_folder, "other")
    catalogue = load_catalogue()
    names = ["eamc-1", "eamc-4", "eamc-5"]
    assert [m.id for m in catalogue.members(("eamc",))] == names
    both = catalogue.members(("other", "eamc-4", "eamc"))
    assert [m.id for m in both] == ["other", "eamc-4", "eamc-1", "eamc-5"]


def test_the_models_of_a_run_are_all_that_look_at_the_ct_each_once(user_folder):
    def models(**chosen) -> list[str]:
        return [one.id for one in load_catalogue().models_of(Parameters(**chosen))]

    assert models(model="eamc+amc-net") == ["eamc-1", "eamc-4", "eamc-5", "amc-net"]
    assert models(
        lungs="lungs-unet-resnet18",
        second_opinion="lungs-lite0",
        slice_classifier="capsule-classifier-small",
    ) == ["unet-lite0", "lungs-unet-resnet18", "capsule-classifier-small", "lungs-lite0"]
    assert models(lungs="lungs-lite0", second_opinion="lungs-lite0") == [
        "unet-lite0",
        "lungs-lite0",
    ]
    # Without weights there is no second opinion, and the run goes on.
    assert models(second_opinion="lungs-unet-resnet18") == ["unet-lite0"]
    with pytest.raises(ModelError, match="There is no model 'nobody'"):
        models(slice_classifier="nobody")


def test_an_ensemble_is_no_single_model_and_its_name_is_taken(user_folder):
    with pytest.raises(ModelError, match="eamc is an ensemble.*eamc-1, eamc-4"):
        load_catalogue().get("eamc")
    write_user_card(user_folder, "eamc")
    (problem,) = load_catalogue().problems
    assert "Two model cards are called 'eamc'" in problem


def test_no_patient_is_held_out_of_two_members_of_the_ensemble_that_ships():
    """Each member was trained on eight of the ten; two of the five folds do not ship."""
    learned = [set(m.card.learned_from) for m in load_catalogue().members(("eamc",))]
    everybody = set.union(*learned)
    assert len(everybody) == 11
    held_out = [everybody - own for own in learned]
    assert [len(own) for own in held_out] == [2, 2, 2]
    assert len(set.union(*held_out)) == 6


def test_members_of_other_classes_cannot_vote_together_and_both_are_named(user_folder):
    classes = ["ground-glass opacity", "consolidation"]
    write_user_card(user_folder, "two", classes=classes, channels=["background", *classes])
    with pytest.raises(
        ModelError,
        match="amc-net and two cannot vote .*: lesion; and ground-glass opacity, consolidation",
    ):
        load_catalogue().members(("amc-net", "two"))


def test_classes_in_another_order_are_other_classes(user_folder):
    """Labels are numbers: class 1 of one member must be class 1 of the other."""
    classes = ["ground-glass opacity", "consolidation"]
    write_user_card(user_folder, "a", classes=classes, channels=["background", *classes])
    write_user_card(user_folder, "b", classes=classes[::-1], channels=["background", *classes])
    with pytest.raises(ModelError, match="a and b cannot vote together"):
        load_catalogue().members(("a", "b"))


@pytest.mark.parametrize("ids", [("lungs",), ("amc-net", "lungs")])
def test_a_model_of_lungs_is_refused_among_the_lesions_with_the_way_out(user_folder, ids):
    write_user_card(user_folder, "lungs", task="lungs", classes=["lung"])
    with pytest.raises(ModelError, match="lungs finds lungs, not lesions: choose it for the lungs"):
        load_catalogue().members(ids)
