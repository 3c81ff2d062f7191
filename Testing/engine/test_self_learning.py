"""Recursive self-learning with a real network: levels, frozen stages, and the best level kept."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.enhancement.self_learning import (
    DEPTH,
    DRSEGUNET_FIRST_LAYERS,
    frozen,
    learn_recursively,
)
from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    ModelError,
    ParameterError,
    TrainingError,
)
from COVIDLesionSegLib.engine.networks import count_parameters
from COVIDLesionSegLib.engine.networks.drsegunet import DRSegUNet
from COVIDLesionSegLib.engine.progress import CancelToken


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DRSegUNet(channels=2)


def slices():
    """Two images and their pseudo-labels: what is bright."""
    image = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    return image, (image[:, 0] > 0.6).long()


def take_steps(network, labels, steps=2):
    image, _ = slices()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=0.1)
    network.train()
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(image), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def predicted(network):
    with torch.no_grad():
        return (network(slices()[0]).softmax(1)[:, 1] > 0.5).long()


class Run:
    """Callables of a run, which remember what they were given."""

    def __init__(self, scores):
        self.scores = list(scores)
        self.labels, self.started, self.trained = [], [], []

    def train(self, network, labels, level):
        assert level == len(self.labels) + 1
        self.labels.append(labels)
        self.started.append(copy.deepcopy(network.state_dict()))
        take_steps(network, labels)
        self.trained.append(copy.deepcopy(network.state_dict()))

    def validate(self, network):
        assert not network.training
        return self.scores[len(self.trained) - 1]

    def start(self, network, **options):
        return learn_recursively(
            network,
            slices()[1],
            train=self.train,
            predict=predicted,
            validate=self.validate,
            first_stages=DRSEGUNET_FIRST_LAYERS,
            **options,
        )


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def part(state, stage):
    return {name: value for name, value in state.items() if name.startswith(f"{stage}.")}


def test_the_thesis_has_two_levels():
    """Section 4.4.2: DRSegUNet-1 and DRSegUNet-2."""
    assert DEPTH == 2


def test_the_first_layers_of_drsegunet_are_the_two_convolutions_of_its_stem(network):
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    (stem,) = (network.get_submodule(name) for name in DRSEGUNET_FIRST_LAYERS)
    assert [m for m in stem.modules() if isinstance(m, nn.Conv2d)] == convolutions[:3]
    assert convolutions[2].kernel_size == (1, 1)  # the shortcut beside them


def test_level_1_learns_all_of_the_network_and_level_2_all_but_the_first_stage(network):
    run = Run([0.5, 0.6])
    before = copy.deepcopy(network.state_dict())
    done = run.start(network)
    assert same(network.state_dict(), before)  # the network given is not changed
    assert same(run.started[0], before) and same(run.started[1], run.trained[0])
    assert not same(part(run.trained[0], "stem"), part(before, "stem"))
    assert same(part(run.trained[1], "stem"), part(run.trained[0], "stem"))
    assert not same(part(run.trained[1], "decoder"), part(run.trained[0], "decoder"))
    stem = sum(p.numel() for p in network.stem.parameters())
    assert [level.frozen_parameters for level in done.levels] == [0, stem]


def test_level_2_learns_what_level_1_predicts(network):
    run = Run([0.5, 0.6])
    run.start(network)
    level_1 = DRSegUNet(channels=2)
    level_1.load_state_dict(run.trained[0])
    assert torch.equal(run.labels[0], slices()[1])
    assert torch.equal(run.labels[1], predicted(level_1.eval()))


@pytest.mark.parametrize(
    ("scores", "best", "worse"),
    [
        ([0.95, 0.93], 1, [2]),  # what the thesis saw (Table 15, F1)
        ([0.5, 0.6], 2, []),
        ([0.5, 0.5], 1, []),
        ([0.5, 0.4, 0.7], 3, [2]),
        ([0.6, 0.4, 0.5], 1, [2, 3]),
        ([0.3], 1, []),
    ],
)
def test_the_best_level_is_kept_and_a_worse_one_is_told(network, scores, best, worse):
    run = Run(scores)
    done = run.start(network, depth=len(scores))
    assert done.best == best and same(done.network.state_dict(), run.trained[best - 1])
    assert [level.score for level in done.levels] == scores
    assert [level.number for level in done.levels if level.flags] == worse
    for level in done.levels:
        for flag in level.flags:
            assert flag.code == "level-got-worse" and f"Level {level.number}" in flag.message


def test_the_network_kept_has_nothing_frozen(network):
    done = Run([0.5, 0.6]).start(network)
    assert count_parameters(done.network) == count_parameters(network)
    assert not done.network.training
    assert not any(module._forward_pre_hooks for module in done.network.modules())


def test_a_level_lowers_its_loss_although_its_first_stage_is_frozen(network):
    learner = copy.deepcopy(network)
    with frozen(learner, DRSEGUNET_FIRST_LAYERS):
        losses = take_steps(learner, slices()[1], steps=12)
    assert losses[-1] < 0.7 * losses[0]


def test_batch_normalisation_of_a_frozen_stage_keeps_its_statistics_and_uses_them(network):
    learner = copy.deepcopy(network)
    norm = learner.stem.body[1]
    norm.running_mean.fill_(0.25)
    with frozen(learner, ["stem"]):
        learner.train()
        image, _ = slices()
        learner(image)
        assert (norm.running_mean == 0.25).all() and not norm.training
        assert learner.encoder[0].body[0].training
    learner.train()
    learner(image)
    assert (norm.running_mean != 0.25).any()


def test_gradients_from_before_do_not_move_a_frozen_stage(network):
    learner = copy.deepcopy(network)
    learner(slices()[0]).sum().backward()
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.1)
    before = copy.deepcopy(learner.state_dict())
    with frozen(learner, ["stem"]):
        optimizer.step()
    assert same(part(learner.state_dict(), "stem"), part(before, "stem"))
    assert not same(part(learner.state_dict(), "head"), part(before, "head"))


def test_what_was_frozen_before_stays_frozen_after(network):
    learner = copy.deepcopy(network)
    learner.stem.requires_grad_(False)
    with frozen(learner, ["stem", "encoder.0"]) as count:
        assert count == sum(p.numel() for p in learner.encoder[0].parameters())
    assert not any(p.requires_grad for p in learner.stem.parameters())
    assert all(p.requires_grad for p in learner.encoder[0].parameters())


def test_what_cannot_be_done_is_one_sentence(network):
    with pytest.raises(ModelError, match="no stage 'first' to freeze; its stages are: stem, enc"):
        frozen(network, ["first"]).__enter__()
    with pytest.raises(ParameterError, match="depth is 0"):
        Run([]).start(network, depth=0)
    with pytest.raises(TrainingError, match="Level 2 validates with nan"):
        Run([0.5, float("nan")]).start(network)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        Run([0.5]).start(network, cancel=cancel)
