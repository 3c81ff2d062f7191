"""Fine-tuning a model: in small steps, with validation patients that stay held out."""

from __future__ import annotations

import copy

import pytest
import torch

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.recipes import make_recipe, read_recipe, recipe_names
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import TinyNetwork, labelled, tiny_recipe

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("model", ["amc-net", "unet-resnet18", "covid-rate", "lungs-fpn-resnet18"])
def test_going_on_learns_at_a_tenth_for_250_steps_and_lets_validation_decide_nothing(model):
    card = CATALOGUE.get(model).card
    anew, fine_tune = make_recipe(card), make_recipe(card, fine_tune=True)
    assert fine_tune.learning_rate == pytest.approx(anew.learning_rate / 10)
    assert (fine_tune.steps, fine_tune.epochs, fine_tune.schedule) == (250, None, "cosine")
    assert not fine_tune.needs_validation and fine_tune.average_decay == 0.99
    assert (fine_tune.loss, fine_tune.augmentation) == (anew.loss, anew.augmentation)
    assert make_recipe(card, steps=7, fine_tune=True).steps == 7


def test_every_recipe_says_how_it_fine_tunes_and_that_this_is_not_the_papers():
    for name in recipe_names():
        content = read_recipe(name)
        if content["task"] == "instances":
            continue  # its paper fine-tunes, and its numbers are taken
        assert set(content["fine_tune"]) == {"learning_rate"}
        assert any("fine-tuning" in note and "ours" in note for note in content["notes"])


@pytest.mark.usefixtures("tiny_network")
def test_a_few_steps_move_weights_and_statistics_less_than_the_same_steps_anew(tmp_path):
    """What --continue did before there was a way of its own, and what it does now."""
    torch.manual_seed(0)
    start = TinyNetwork().eval()
    slices = [labelled("p1", seed=1, shape=(64, 64)), labelled("p2", seed=2, shape=(64, 64))]
    card = CATALOGUE.get("amc-net").card

    def moved(fine_tune):
        recipe = make_recipe(card, steps=4, fine_tune=fine_tune)
        tiny = tiny_recipe(
            steps=4,
            schedule=recipe.schedule,
            learning_rate=recipe.learning_rate,
            average_decay=recipe.average_decay,
        )
        done = fit(tiny, slices, tmp_path / str(fine_tune), start=copy.deepcopy(start))
        pairs = zip(done.parameters(), start.parameters(), strict=True)
        return max((first - second).abs().max().item() for first, second in pairs)

    assert 0 < moved(fine_tune=True) < 0.2 * moved(fine_tune=False)
