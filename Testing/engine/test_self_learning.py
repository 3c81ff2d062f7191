"""Recursive self-learning through the real trainer: levels, frozen stages, the best level kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.data.labelled import fingerprint_of_slices
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.networks.drsegunet import DRSegUNet
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.self_training import self_learning
from COVIDLesionSegLib.engine.self_training.self_learning import (
    DEPTH,
    EPOCHS,
    LEARNING_RATES,
    learn_recursively,
)
from COVIDLesionSegLib.engine.training.augmentation import Augmentation
from COVIDLesionSegLib.engine.training.checkpoints import weights_in
from COVIDLesionSegLib.engine.training.dataset import prepare
from COVIDLesionSegLib.engine.training.module import first_layers
from COVIDLesionSegLib.jobs.self_learning import LevelLearner
from engine.crafted import GROUND_GLASS_AND_CONSOLIDATION as CLASSES
from engine.training_slices import Stemmed, labelled, tiny_recipe

pytestmark = pytest.mark.slow

SHAPE = (32, 32)


@pytest.fixture(autouse=True)
def known_network(monkeypatch):
    monkeypatch.setitem(networks._NETWORKS, "Stemmed", Stemmed)


def recipe(**values):
    """The DRSegUNet recipe on small slices and a small network."""
    return tiny_recipe(
        **{
            "network": "Stemmed",
            "classes": CLASSES,
            "channels": (*CLASSES, "lung", "background"),
            "preprocessing": Preprocessing((-1000.0, 100.0), input_size=SHAPE),
            "sampling": "slices",
            "schedule": "constant",
            "loss": "CategoricalCrossEntropyLoss",
            "average_decay": 0.0,
            "augmentation": Augmentation(),
            "steps": 20,
            "batch_size": 1,
            "validation_steps": 1000,
        }
        | values
    )


def slices(patient, count=4, pseudo=True):
    """Ground glass above consolidation, of other HU; ``pseudo`` labels miss a column."""
    made = []
    for seed in range(count):
        item = labelled(patient, seed=seed, shape=SHAPE, lungs=True)
        classes = item.lesion.astype(np.uint8)
        rows = np.flatnonzero(item.lesion.any(axis=1))
        classes[int(rows.mean()) :] *= 2
        image = item.image + 300 * (classes == 2)
        if pseudo:
            classes[:, np.flatnonzero(classes.any(axis=0))[0]] = 0
        made.append(replace(item, image=image, lesion=classes, pseudo=pseudo))
    return made


def learn(folder, **options):
    values = options.pop("recipe", {})
    validation = options.pop("validation", slices("expert", pseudo=False))
    cancel = options.pop("cancel", CancelToken())
    learner = LevelLearner(
        recipe(**values), validation, folder, cancel, options.pop("resume", False)
    )
    options = {"first_stages": ("stem",)} | options
    return learn_recursively(learner, slices("ct"), validation, cancel, **options)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._NETWORKS, "Stemmed", Stemmed)
        return folder, learn(folder)


def claimed(folder, level):
    return json.loads((folder / f"level-{level}" / "training.json").read_text(encoding="utf-8"))


def weights(folder, level):
    return weights_in(folder / f"level-{level}" / "last.ckpt")


def test_numbers_are_those_of_the_thesis():
    """Sections 4.4.2 and 5.5: two levels, 20 epochs."""
    assert (DEPTH, EPOCHS, LEARNING_RATES) == (2, 20, (9.8e-4, 9.8e-6))


def test_the_first_layers_of_drsegunet_are_the_two_convolutions_of_its_stem():
    network = DRSegUNet()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    (stem,) = (network.get_submodule(name) for name in first_layers(network))
    assert [m for m in stem.modules() if isinstance(m, nn.Conv2d)] == convolutions[:3]
    assert convolutions[2].kernel_size == (1, 1)  # the shortcut beside them


def test_each_level_has_its_learning_rate_and_only_level_1_learns_its_first_stage(learned):
    folder, done = learned
    recipes = [claimed(folder, level)["recipe"] for level in (1, 2)]
    assert [one["learning_rate"] for one in recipes] == [9.8e-4, 9.8e-6]
    assert [one["frozen"] for one in recipes] == [None, ["stem"]]
    first, second = weights(folder, 1), weights(folder, 2)
    for name in first:
        assert torch.equal(first[name], second[name]) == name.startswith("stem.")
    assert not torch.equal(first["stem.0.weight"], Stemmed().stem[0].weight)
    stem = sum(p.numel() for p in Stemmed().stem.parameters())
    assert [level.frozen_parameters for level in done.levels] == [0, stem]


def test_level_2_goes_on_from_level_1_on_what_it_predicts_in_the_lungs(learned):
    folder, _ = learned
    network = Stemmed().eval()
    network.load_state_dict(weights(folder, 1))
    predicted = []
    for item in slices("ct"):
        with torch.no_grad():
            answer = network(prepare(item, recipe())[0][None]).softmax(dim=1)[0, :2].numpy()
        labels = (answer.argmax(axis=0) + 1) * (answer.sum(axis=0) > 0.5) * item.lungs
        predicted.append(replace(item, lesion=labels.astype(np.uint8)))
    assert claimed(folder, 1)["training"] == fingerprint_of_slices(slices("ct"))
    assert claimed(folder, 2)["training"] == fingerprint_of_slices(predicted)
    assert claimed(folder, 1)["start"] is None and claimed(folder, 2)["start"] is not None


def test_epochs_are_those_of_the_thesis_where_the_recipe_counts_epochs(tmp_path, monkeypatch):
    monkeypatch.setattr(self_learning, "EPOCHS", 2)
    done = learn(tmp_path, recipe={"steps": None, "epochs": 30}, depth=1)
    assert claimed(tmp_path, 1)["recipe"]["epochs"] == 2 == done.settings.epochs


@pytest.mark.parametrize(("rates", "best"), [((9.8e-4, 1e3), 1), ((1e-6, 0.05), 2)])
def test_the_best_level_is_kept_and_a_worse_one_is_told(rates, best, tmp_path, monkeypatch):
    monkeypatch.setattr(self_learning, "LEARNING_RATES", rates)
    done = learn(tmp_path)
    dice = [level.dice for level in done.levels]
    assert done.best == best and max(dice) == dice[best - 1] and dice[0] != dice[1]
    kept = weights(tmp_path, best)
    assert all(torch.equal(value, kept[name]) for name, value in done.network.state_dict().items())
    assert done.settings.learning_rate == rates[best - 1]
    assert all(item.pseudo for item in done.slices)
    assert fingerprint_of_slices(done.slices) == claimed(tmp_path, best)["training"]
    flags = [flag.message for level in done.levels for flag in level.flags]
    assert [text.startswith("Level 2 validates worse than level 1") for text in flags] == (
        [True] if best == 1 else []
    )


def test_a_level_that_finds_no_class_is_the_last(tmp_path):
    blind = Preprocessing((-1000.0, 3000.0), input_size=SHAPE)
    done = learn(tmp_path, recipe={"preprocessing": blind}, depth=3)
    (level,) = done.levels
    (flag,) = level.flags
    assert flag.code == "level-cannot-teach" and "so it cannot teach level 2" in flag.message
    assert not (tmp_path / "level-2").exists()


def test_a_finished_run_resumes_to_the_same_levels(learned):
    folder, done = learned
    again = learn(folder, resume=True)
    assert again.levels == done.levels and again.best == done.best
    state = done.network.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in again.network.state_dict().items()
    )


def test_what_cannot_be_learned_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ModelError, match="no stage 'first' to freeze; its stages are: stem, head"):
        learn(tmp_path / "a", first_stages=["first"])
    with pytest.raises(ParameterError, match="depth is 0"):
        learn(tmp_path / "a", depth=0)
    with pytest.raises(InputError, match="both trained on and held out: ct"):
        learn(tmp_path / "a", validation=slices("ct", pseudo=False))
    with pytest.raises(InputError, match="Patient expert has pseudo-labels, which nobody checked"):
        learn(tmp_path / "a", validation=slices("expert"))
    assert not (tmp_path / "a").exists()


def test_it_stops_when_cancelled(tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        learn(tmp_path, cancel=cancel)


def test_level_1_labels_further_slices_for_level_2(tmp_path):
    """DRSegUNet section 4.4.2: "used to generate a new set of labels"."""
    further = [
        replace(item, name=f"more_{item.name}", patient="more", lesion=np.zeros_like(item.lesion))
        for item in slices("more", count=2)
    ]
    done = learn(tmp_path, further=further, recipe={"steps": 4})
    first, second = claimed(tmp_path, 1), claimed(tmp_path, 2)
    assert (
        first["training"] == fingerprint_of_slices(slices("ct"))
        and first["training"] != second["training"]
    )
    if done.best == 2:
        assert {item.patient for item in done.slices} == {"ct", "more"}
