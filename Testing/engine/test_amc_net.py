"""AMC-Net is the network of the paper: its count, its layer graph, its receptive field."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.amc_net import AMCNet, AttentionGate, MultiScaleBlock


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 3_346_381),  # EAMC paper, Table 6: 3.34M
        ({"cascaded": True}, 3_346_381),
        ({"dilations": (1, 2, 3, 4)}, 3_346_381),
        ({"dilations": (1, 2, 4, 8)}, 3_346_381),
        ({"cascaded": True, "upsampling": "transposed"}, 4_457_101),  # the released models
    ],
)
def test_parameter_counts_are_those_of_the_paper_and_the_released_models(arguments, parameters):
    assert count_parameters(build_network("AMCNet", arguments)) == parameters


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_every_block_has_the_shape_of_table_7(upsampling):
    network = AMCNet(upsampling=upsampling).eval()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda _, __, output, name=name: shapes.__setitem__(name, tuple(output.shape[1:]))
        )
    network(torch.zeros(1, 1, 128, 128))

    assert [shapes[f"encoder.{i}"] for i in range(4)] == [
        (16, 128, 128),
        (32, 64, 64),
        (64, 32, 32),
        (128, 16, 16),
    ]
    assert shapes["bottleneck"] == (256, 8, 8)
    double = 2 if upsampling == "transposed" else 1
    assert [shapes[f"upsample.{i}"] for i in range(4)] == [
        (256 * double, 16, 16),
        (128 * double, 32, 32),
        (64 * double, 64, 64),
        (32 * double, 128, 128),
    ]
    # Each gate weighs the encoder features of its own level (Table 7: conv8, conv6, conv4, conv2).
    assert [shapes[f"gates.{i}"] for i in range(4)] == [
        shapes[f"encoder.{i}"] for i in (3, 2, 1, 0)
    ]
    assert [shapes[f"gates.{i}.from_skip"][0] for i in range(4)] == [64, 32, 16, 8]
    assert [shapes[f"decoder.{i}"] for i in range(4)] == [
        (128, 16, 16),
        (64, 32, 32),
        (32, 64, 64),
        (16, 128, 128),
    ]
    assert shapes["head"] == (1, 128, 128)


def test_decoder_concatenates_upsampled_features_before_gated_skip():
    """Table 7: concat (Upsampling, Multiply)."""
    network = AMCNet(dropout=0.0).eval()
    seen = {}
    network.upsample[0].register_forward_hook(lambda _, __, out: seen.update(up=out))
    network.gates[0].register_forward_hook(lambda _, __, out: seen.update(gated=out))
    network.decoder[0].register_forward_hook(lambda _, args, __: seen.update(joined=args[0]))
    with torch.no_grad():
        network(torch.rand(1, 1, 32, 32))
    assert torch.equal(seen["joined"], torch.cat([seen["up"], seen["gated"]], dim=1))


@pytest.mark.parametrize(
    ("cascaded", "reach"),
    [(False, 5), (True, 1 + 2 + 3 + 5)],  # the widest branch, or the sum of the chain
)
def test_multi_scale_block_sees_as_far_as_its_dilations_say(cascaded, reach):
    block = MultiScaleBlock(1, (1, 2, 3, 5), cascaded, dropout=0.0)
    for parameter in block.parameters():
        nn.init.constant_(parameter, 0.01)
    image = torch.zeros(1, 1, 41, 41, requires_grad=True)
    block(image + 1.0)[0, 0, 20, 20].backward()
    touched = image.grad[0, 0].nonzero()
    assert (touched.min().item(), touched.max().item()) == (20 - reach, 20 + reach)


def test_attention_gate_multiplies_the_skip_by_one_sigmoid_map():
    gate = AttentionGate(skip=4, gating=8, features=2)
    skip, gating = torch.rand(2, 4, 6, 6), torch.rand(2, 8, 6, 6)
    attention = gate.attention(skip, gating)
    assert attention.shape == (2, 1, 6, 6)
    assert attention.min() > 0.0 and attention.max() < 1.0
    torch.testing.assert_close(gate(skip, gating), skip * attention)


def test_convolutions_have_biases_and_no_normalisation_and_start_glorot_uniform():
    network = AMCNet()
    assert not any(isinstance(m, nn.modules.batchnorm._NormBase) for m in network.modules())
    for convolution in (m for m in network.modules() if isinstance(m, nn.Conv2d)):
        assert convolution.bias.abs().max() == 0.0
        fan_in = convolution.in_channels * convolution.kernel_size[0] ** 2
        fan_out = convolution.out_channels * convolution.kernel_size[0] ** 2
        assert convolution.weight.abs().max() <= (6.0 / (fan_in + fan_out)) ** 0.5


def test_dropout_acts_in_training_only():
    network = AMCNet(dropout=0.2)
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(image), network(image))
        network.eval()
        assert torch.equal(network(image), network(image))


def test_unknown_network_and_unknown_arguments_are_model_errors():
    with pytest.raises(ModelError, match="Unknown network 'AMC'"):
        build_network("AMC", {})
    with pytest.raises(ModelError, match="cannot be built"):
        build_network("AMCNet", {"depth": 7})
    with pytest.raises(ModelError, match="upsampling"):
        build_network("AMCNet", {"upsampling": "bilinear"})
