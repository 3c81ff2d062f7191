"""AMC-Net and its ablations are those of the paper: counts, layer graphs, receptive fields."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.eamc import AMCNet, AttentionGate, MultiScaleBlock
from engine.network_probes import (
    batch_norms,
    footprint,
    numbered,
    record,
    shapes,
    starts_glorot_uniform,
)

VARIANTS = {
    "unet": {"multi_scale": False, "attention": False},
    "attention-unet": {"multi_scale": False},
    "msu-net": {"attention": False},
    "amc-net": {},
    "released": {"cascaded": True, "upsampling": "transposed"},
}


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        (VARIANTS["unet"], 1_962_337),  # EAMC paper, Table 6: 1.96M
        (VARIANTS["attention-unet"], 1_995_341),  # 1.99M
        (VARIANTS["msu-net"], 3_313_377),  # 3.31M
        (VARIANTS["amc-net"], 3_346_381),  # 3.34M
        ({"cascaded": True}, 3_346_381),
        ({"dilations": (1, 2, 3, 4)}, 3_346_381),
        ({"dilations": (1, 2, 4, 8)}, 3_346_381),
        (VARIANTS["released"], 4_457_101),  # the released models
    ],
)
def test_parameter_counts_are_those_of_the_paper_and_the_released_models(arguments, parameters):
    assert count_parameters(build_network("AMCNet", arguments)) == parameters


@pytest.fixture(scope="module", params=VARIANTS)
def recorded(request):
    """A variant's name and arguments, and what goes into and out of every module."""
    torch.manual_seed(0)
    network = AMCNet(**VARIANTS[request.param])
    return request.param, *record(network, torch.rand(1, 1, 64, 96))


def test_every_block_has_the_shape_of_table_7(recorded):
    variant, _, outputs = recorded
    encoder = [(16, 64, 96), (32, 32, 48), (64, 16, 24), (128, 8, 12)]
    assert shapes(outputs, *numbered("encoder", 4)) == encoder
    assert shapes(outputs, "bottleneck") == [(256, 4, 6)]
    double = 2 if variant == "released" else 1
    assert shapes(outputs, *numbered("upsample", 4)) == [
        (256 * double, 8, 12),
        (128 * double, 16, 24),
        (64 * double, 32, 48),
        (32 * double, 64, 96),
    ]
    assert shapes(outputs, *numbered("decoder", 4)) == encoder[::-1]
    assert shapes(outputs, "head") == [(1, 64, 96)]


def test_every_level_gates_and_joins_its_own_encoder_below_the_upsampled_features(recorded):
    """Table 7: AG (conv8, Upsampling1), then concat (Upsampling, Multiply); 6, 4 and 2 above."""
    variant, inputs, outputs = recorded
    for level in range(4):
        skip, up = outputs[f"encoder.{3 - level}"], outputs[f"upsample.{level}"]
        gate = f"gates.{level}"
        assert torch.equal(inputs[gate][0], skip) and torch.equal(inputs[gate][1], up)
        joined = inputs[f"decoder.{level}"][0]
        assert torch.equal(joined, torch.cat([up, outputs[gate]], dim=1))
        below = outputs[f"decoder.{level - 1}" if level else "bottleneck"]
        assert torch.equal(inputs[f"upsample.{level}"][0], below)
        if variant in ("unet", "msu-net"):
            assert torch.equal(outputs[gate], skip)
        else:
            assert outputs[f"{gate}.from_skip"].shape[1] == (64, 32, 16, 8)[level]
    for level in range(1, 4):
        pooled = nn.functional.max_pool2d(outputs[f"encoder.{level - 1}"], 2)
        assert torch.equal(inputs[f"encoder.{level}"][0], pooled)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stage_is_one_convolution_and_a_multi_scale_block_or_two_convolutions(variant):
    network = AMCNet(**VARIANTS[variant])
    plain = variant in ("unet", "attention-unet")
    second = ["Conv2d", "ReLU"] if plain else ["MultiScaleBlock"]
    for stage in [*network.encoder, *network.decoder]:
        assert [type(layer).__name__ for layer in stage] == ["Conv2d", "ReLU", "Dropout", *second]
        assert stage[0].kernel_size == (3, 3)
        if plain:
            assert stage[3].kernel_size == (3, 3)


@pytest.mark.parametrize("dilations", [(1, 2, 3, 5), (1, 2, 3, 4), (1, 2, 4, 8)])
@pytest.mark.parametrize(("cascaded", "reach"), [(False, max), (True, sum)])
def test_multi_scale_block_sees_as_far_as_its_dilations_say(dilations, cascaded, reach):
    """The widest branch, or the sum of the chain."""
    block = MultiScaleBlock(1, dilations, cascaded, dropout=0.0)
    far = reach(dilations)
    assert footprint(block, 1, 41, 20) == (20 - far, 20 + far)


def test_attention_gate_multiplies_the_skip_by_one_sigmoid_map():
    gate = AttentionGate(skip=4, gating=8, features=2)
    skip, gating = torch.rand(2, 4, 6, 6), torch.rand(2, 8, 6, 6)
    attention = gate.attention(skip, gating)
    assert attention.shape == (2, 1, 6, 6)
    assert attention.min() > 0.0 and attention.max() < 1.0
    torch.testing.assert_close(gate(skip, gating), skip * attention)


@pytest.mark.parametrize("variant", VARIANTS)
def test_convolutions_have_biases_and_no_normalisation_and_start_glorot_uniform(variant):
    torch.manual_seed(0)
    network = AMCNet(**VARIANTS[variant])
    assert not batch_norms(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            assert starts_glorot_uniform(module.weight) and not module.bias.any()


@pytest.mark.parametrize("variant", ["unet", "amc-net"])
def test_dropout_acts_in_training_only(variant):
    network = AMCNet(**VARIANTS[variant], dropout=0.2)
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(image), network(image))
        network.eval()
        assert torch.equal(network(image), network(image))


def test_an_unknown_upsampling_is_a_model_error():
    with pytest.raises(ModelError, match="upsampling"):
        build_network("AMCNet", {"upsampling": "bilinear"})
