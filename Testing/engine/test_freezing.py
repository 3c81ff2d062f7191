"""Frozen stages of a real network: neither weights nor statistics move, and the rest learns."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.drsegunet import DRSegUNet
from COVIDLesionSegLib.engine.training.module import first_layers, frozen


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DRSegUNet(channels=2)


def images():
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def take_steps(network, steps):
    labels = (images()[:, 0] > 0.6).long()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=0.1)
    network.train()
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images()), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def part(state, stage):
    return {name: value for name, value in state.items() if name.startswith(f"{stage}.")}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_loss_falls_although_the_first_stage_stays_as_it_is(network):
    learner = copy.deepcopy(network)
    before = copy.deepcopy(learner.state_dict())
    with frozen(learner, ["stem"]) as count:
        losses = take_steps(learner, steps=12)
    assert losses[-1] < 0.7 * losses[0]
    assert same(part(learner.state_dict(), "stem"), part(before, "stem"))
    assert not same(part(learner.state_dict(), "head"), part(before, "head"))
    assert count == sum(p.numel() for p in network.stem.parameters())


def test_batch_normalisation_of_a_frozen_stage_keeps_its_statistics_and_uses_them(network):
    learner = copy.deepcopy(network)
    norm = learner.stem.body[1]
    norm.running_mean.fill_(0.25)
    with frozen(learner, ["stem"]):
        learner.train()
        learner(images())
        assert (norm.running_mean == 0.25).all() and not norm.training
        assert learner.encoder[0].body[0].training
    learner.train()
    learner(images())
    assert (norm.running_mean != 0.25).any()


def test_gradients_from_before_do_not_move_a_frozen_stage(network):
    learner = copy.deepcopy(network)
    learner(images()).sum().backward()
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


def test_a_stage_that_is_not_there_is_one_sentence(network):
    with pytest.raises(ModelError, match="no stage 'first' to freeze; its stages are: stem, enc"):
        frozen(network, ["first"]).__enter__()


@pytest.mark.parametrize(
    ("model", "stages", "kernels"),
    [
        ("drsegunet", ("stem",), 3),  # with the shortcut
        ("drseg-unet", ("encoder.0",), 2),
        ("unet", ("encoder.0",), 2),
        ("amc-net", ("encoder.0",), 6),  # a convolution, four dilated ones beside each other, 1x1
        ("covid-rate", ("stem",), 1),
        ("cascade-unet", ("stem",), 2),
        ("unet-resnet18", None, 2),
        ("fpn-densenet121", None, 2),
        ("unet-lite0", None, 2),
    ],
)
def test_every_network_has_first_layers_that_can_be_frozen(model, stages, kernels):
    card = load_catalogue().get(model).card
    network = build_network(card.network, card.arguments)
    found = first_layers(network)
    assert stages in (None, found)
    frozen_kernels = {
        kernel
        for name in found
        for kernel in network.get_submodule(name).modules()
        if isinstance(kernel, nn.Conv2d)
    }
    assert len(frozen_kernels) == kernels
    assert any(kernel.in_channels == 1 for kernel in frozen_kernels)  # it sees the image
    with frozen(network, found) as count:
        assert 0 < count < 0.2 * count_parameters(network)


@pytest.mark.slow
def test_every_model_of_the_catalogue_names_its_first_layers():
    for model in load_catalogue().models:
        if model.card.network in ("EncoderUNet", "EncoderFPN"):
            continue  # large; two of them are above
        assert first_layers(build_network(model.card.network, model.card.arguments))
