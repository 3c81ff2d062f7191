"""R2UNet: its count, its recurrent residual blocks, its wiring."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.eamc import RecurrentResidualBlock, RecurrentUnit
from engine.network_probes import (
    batch_norms,
    footprint,
    numbered,
    record,
    set_identity,
    shapes,
    starts_glorot_uniform,
)


def test_parameters_are_those_of_the_paper():
    assert count_parameters(build_network("R2UNet", {})) == 6_003_009  # Table 6: 6.00M


def test_every_stage_has_its_shape_and_every_skip_its_place():
    inputs, outputs = record(build_network("R2UNet", {}), torch.rand(1, 1, 32, 48))
    assert shapes(outputs, *numbered("encoder", 4), "bottleneck") == [
        (16, 32, 48),
        (32, 16, 24),
        (64, 8, 12),
        (128, 4, 6),
        (256, 2, 3),
    ]
    assert shapes(outputs, *numbered("decoder", 4), "head") == [
        (128, 4, 6),
        (64, 8, 12),
        (32, 16, 24),
        (16, 32, 48),
        (1, 32, 48),
    ]
    below = outputs["bottleneck"]
    for level in range(4):
        doubled = below.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        skip = outputs[f"encoder.{3 - level}"]
        assert torch.equal(inputs[f"decoder.{level}"][0], torch.cat([doubled, skip], dim=1))
        below = outputs[f"decoder.{level}"]


@pytest.mark.parametrize(
    ("module", "factor"),
    [
        (RecurrentUnit(2), 3.0),  # x, then x + x, then 2x + x
        (RecurrentResidualBlock(2, 2), 10.0),  # x + 3 (3 x)
    ],
)
def test_every_step_of_a_recurrence_sees_the_input_again(module, factor):
    set_identity(module)
    image = torch.rand(1, 2, 5, 5)
    torch.testing.assert_close(module(image), factor * image)


def test_activations_cut_off_the_negative_after_every_step_but_not_in_the_residual():
    block = RecurrentResidualBlock(1, 1)
    set_identity(block)
    image = torch.tensor([[[[-1.0, 2.0]]]])
    assert block(image).tolist() == [[[[-1.0, 20.0]]]]


def test_a_block_has_six_kernels_of_its_own_and_sees_six_pixels_far():
    block = RecurrentResidualBlock(3, 4)
    kernels = [m.weight for m in block.modules() if isinstance(m, nn.Conv2d)]
    assert [tuple(kernel.shape) for kernel in kernels] == [(4, 3, 1, 1), *[(4, 4, 3, 3)] * 6]
    assert len({id(kernel) for kernel in kernels}) == 7
    assert footprint(block, 3, 21, 10) == (4, 16)


def test_there_is_no_normalisation_and_kernels_start_glorot_uniform():
    torch.manual_seed(0)
    network = build_network("R2UNet", {})
    assert not batch_norms(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            assert starts_glorot_uniform(module.weight) and not module.bias.any()
