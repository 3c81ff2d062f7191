"""Members of an ensemble differ in more than their patients, as the EAMC paper has it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.data.training_data import TrainingData
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.checkpoints import LAST
from COVIDLesionSegLib.engine.training.cross_validation import (
    CrossValidation,
    cross_validate,
    folds_of,
)
from COVIDLesionSegLib.engine.training.members import Members
from COVIDLesionSegLib.engine.training.module import SegmentationModule
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from engine.training_slices import TinyNetwork, export_tiny, labelled, tiny_recipe

pytestmark = pytest.mark.slow

EAMC = make_recipe(load_catalogue().get("amc-net").card)


class Dropping(TinyNetwork):
    """The tiny network with a dropout that can be chosen."""

    def __init__(self, channels: int = 1, dropout: float = 0.2):
        super().__init__(channels)
        self.layers[3].p = dropout


@pytest.fixture(autouse=True)
def dropping(monkeypatch):
    monkeypatch.setitem(networks._NETWORKS, "Dropping", Dropping)


def recipe_of_three(**members):
    given = {"seeds": True, "learning_rate": (0.001, 0.01), "dropout": (0.1, 0.5)} | members
    return tiny_recipe(network="Dropping", steps=4, members=Members(**given))


def plan_in(folder, recipe, **more):
    slices = [labelled(f"p{n}", seed=n, shape=(48, 48)) for n in range(3)]
    data = TrainingData(slices, [], [])

    def export(network, own, model_id, by):
        return export_tiny(network, own, model_id, by, folder)

    return CrossValidation(
        recipe, data, folds_of(recipe, data, "lopo"), folder, "tiny", export, **more
    )


def card_of(folder, number):
    return json.loads((folder / f"tiny-{number}.json").read_text(encoding="utf-8"))


def first_weights(recipe):
    torch.manual_seed(recipe.seed)
    return torch.cat([p.flatten() for p in SegmentationModule(recipe, 1).network.parameters()])


def test_ten_members_of_eamc_differ_in_first_weights_learning_rate_and_dropout():
    """EAMC section 2.2: "initialization, learning rate, dropout"."""
    members = [EAMC.of_member(number) for number in range(1, 11)]
    assert len({member.seed for member in members}) == 10
    for values, (low, high) in (
        ([member.learning_rate for member in members], EAMC.members.learning_rate),
        ([member.network_arguments["dropout"] for member in members], EAMC.members.dropout),
    ):
        assert len(set(values)) == 10 and low <= min(values) and max(values) <= high
        gaps = [b - a for a, b in zip(sorted(values), sorted(values)[1:], strict=False)]
        assert min(gaps) > 0.01 * (high - low) and max(values) - min(values) > 0.7 * (high - low)
    one, two = (first_weights(replace(member, precision="32-true")) for member in members[:2])
    assert torch.corrcoef(torch.stack([one, two]))[0, 1].abs() < 0.01


def test_a_members_recipe_is_the_same_every_time_and_says_nothing_of_others():
    assert EAMC.of_member(3) == EAMC.of_member(3)
    assert EAMC.of_member(3).members == Members()
    other = replace(EAMC, seed=EAMC.seed + 1)
    assert other.of_member(3).learning_rate != EAMC.of_member(3).learning_rate


def test_members_may_be_the_same_but_for_their_patients():
    alike = replace(EAMC, members=Members())
    assert alike.of_member(1) == alike.of_member(2) == alike


def test_every_member_is_trained_by_its_own_numbers_which_are_on_its_card(tmp_path):
    recipe = recipe_of_three()
    assert len([*cross_validate(plan_in(tmp_path, recipe))]) == 3
    for number in (1, 2, 3):
        own = recipe.of_member(number)
        for written in (
            card_of(tmp_path, number)["training"]["recipe"],
            json.loads((tmp_path / f"fold-{number}" / "training.json").read_text())["recipe"],
        ):
            assert (written["seed"], written["learning_rate"]) == (own.seed, own.learning_rate)
            assert written["network_arguments"] == own.network_arguments
        state = torch.load(tmp_path / f"fold-{number}" / LAST, weights_only=True)
        assert state["optimizer_states"][0]["param_groups"][0]["initial_lr"] == own.learning_rate
    seeds = {card_of(tmp_path, number)["training"]["recipe"]["seed"] for number in (1, 2, 3)}
    assert len(seeds) == 3


def test_a_fold_that_was_stopped_and_resumed_is_the_same(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    recipe = recipe_of_three()
    [*cross_validate(plan_in(whole, recipe))]

    class Stopped(Exception):
        """The process ends."""

    def stop_in_the_second_fold(progress):
        if (broken / "fold-2" / "training.json").exists() and "step 3" in progress.message:
            raise Stopped

    with pytest.raises(Stopped):
        [*cross_validate(plan_in(broken, recipe), stop_in_the_second_fold)]
    [*cross_validate(plan_in(broken, recipe, resume=True))]
    for number in (1, 2, 3):
        one, two = ((f / f"tiny-{number}.safetensors").read_bytes() for f in (whole, broken))
        assert one == two
