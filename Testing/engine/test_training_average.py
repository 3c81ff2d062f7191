"""The average of a training's weights, and how soon it forgets the first ones."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.callbacks import AveragedWeights
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import labelled, tiny_recipe

pytestmark = pytest.mark.slow

SLICES = [labelled("p1", seed=1, shape=(64, 64))]


def share_of_the_first_step(decay, warm_up, steps):
    """What is left in the average of a weight that is 1 at the first step and 0 from then on."""
    weight = nn.Linear(1, 1, bias=False)
    averaged = AveragedModel(weight, **AveragedWeights(decay, warm_up)._kwargs)
    for step in range(steps):
        nn.init.constant_(weight.weight, 1.0 if step == 0 else 0.0)
        averaged.update_parameters(weight)
    return averaged.module.weight.item()


def test_a_short_training_forgets_its_first_weights():
    recipe = make_recipe(load_catalogue().get("amc-net").card)
    assert recipe.average_warm_up
    assert share_of_the_first_step(recipe.average_decay, False, 250) == pytest.approx(
        0.61, abs=0.01
    )
    assert share_of_the_first_step(recipe.average_decay, True, 250) < 1e-9


def test_the_decay_ends_at_the_recipes_own():
    """(1 + n) / (10 + n) exceeds 0.5 from n = 8 on."""
    nine, ten = (share_of_the_first_step(0.5, True, steps) for steps in (12, 13))
    assert ten == pytest.approx(0.5 * nine)


def test_fine_tuning_stays_near_its_start():
    recipe = make_recipe(load_catalogue().get("amc-net").card, fine_tune=True)
    assert recipe.average_decay == 0.99 and not recipe.average_warm_up


def test_the_average_that_is_kept_is_warmed_up(tiny_network, tmp_path):
    with_it, without = (
        fit(
            tiny_recipe(average_decay=0.99, average_warm_up=warm_up, learning_rate=0.02),
            SLICES,
            tmp_path / str(warm_up),
        )
        for warm_up in (True, False)
    )
    last = fit(
        tiny_recipe(average_decay=0.0, learning_rate=0.02), SLICES, tmp_path / "not averaged"
    )

    def distance(network):
        pairs = zip(network.parameters(), last.parameters(), strict=True)
        return sum((first - second).square().sum() for first, second in pairs).sqrt()

    assert distance(with_it) < 0.5 * distance(without)
    assert not torch.equal(next(with_it.parameters()), next(last.parameters()))


def test_a_training_of_an_earlier_version_resumes_without_what_that_did_not_know(
    tiny_network, tmp_path
):
    recipe = tiny_recipe(steps=2)
    fit(recipe, SLICES, tmp_path)
    path = tmp_path / "training.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for name in ("average_warm_up", "members"):
        del content["recipe"][name]
    del content["recipe"]["augmentation"]["crop_margin"]
    path.write_text(json.dumps(content), encoding="utf-8")
    fit(recipe, SLICES, tmp_path, resume=True)
    with pytest.raises(InputError, match="another recipe, which differs in average_warm_up"):
        fit(replace(recipe, average_warm_up=True), SLICES, tmp_path, resume=True)
