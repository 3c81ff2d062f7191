"""Xception-style U-Net: its counts, and its blocks against the order of Keras' example."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.eamc import DownBlock, UpBlock
from engine.network_probes import keras_total, normalises_as_keras, numbered, record, shapes


def test_parameters_are_those_of_the_paper_and_of_keras():
    network = build_network("XceptionUNet", {})
    assert count_parameters(network) == 2_054_049  # EAMC paper, Table 6: 2.05M
    assert keras_total(network) == 2_057_825


def test_every_stage_has_its_shape_and_nothing_skips_a_stage():
    inputs, outputs = record(build_network("XceptionUNet", {}), torch.rand(1, 1, 32, 48))
    stages = ["stem", *numbered("encoder", 3), *numbered("decoder", 4), "head"]
    assert shapes(outputs, *stages) == [
        (32, 16, 24),
        (64, 8, 12),
        (128, 4, 6),
        (256, 2, 3),
        (256, 4, 6),
        (128, 8, 12),
        (64, 16, 24),
        (32, 32, 48),
        (1, 32, 48),
    ]
    for before, after in zip(stages, stages[1:], strict=False):
        assert torch.equal(inputs[after][0], outputs[before])


def layers_of(block: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in block.body]


def test_a_block_activates_before_it_convolves():
    convolve = ["ReLU", "Sequential", "BatchNorm2d"]
    assert layers_of(DownBlock(2, 3)) == [*convolve, *convolve, "MaxPool2d"]
    convolve[1] = "ConvTranspose2d"
    assert layers_of(UpBlock(2, 3)) == [*convolve, *convolve]


def test_a_separable_convolution_is_depthwise_without_and_pointwise_with_bias():
    depthwise, pointwise = DownBlock(2, 3).body[1]
    assert (depthwise.groups, tuple(depthwise.weight.shape), depthwise.bias) == (
        2,
        (2, 1, 3, 3),
        None,
    )
    assert tuple(pointwise.weight.shape) == (3, 2, 1, 1) and pointwise.bias is not None


@pytest.mark.parametrize("size", [(4, 4), (6, 10)])
def test_pooling_pads_the_last_row_and_column_only_as_keras_does(size):
    image = -torch.rand(1, 1, *size) - 1.0  # negative: padding with zeros would win
    padded = np.pad(image[0, 0].numpy(), [(0, 1), (0, 1)], constant_values=-np.inf)
    expected = [
        [padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max() for j in range(size[1] // 2)]
        for i in range(size[0] // 2)
    ]
    pool = DownBlock(1, 1).body[-1]
    np.testing.assert_array_equal(pool(image)[0, 0].numpy(), np.array(expected))


def doubled(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def test_doubling_the_sum_equals_the_examples_doubling_of_both_summands():
    torch.manual_seed(0)
    block = UpBlock(3, 2).eval()
    image = torch.randn(1, 3, 4, 5)
    with torch.no_grad():
        expected = doubled(block.body(image)) + block.project(doubled(image))
        torch.testing.assert_close(block(image), expected)


def test_the_residual_takes_every_second_pixel_of_what_was_not_activated():
    block = DownBlock(2, 2).eval()
    nn.init.zeros_(block.body[5].weight)  # the last normalisation: the body adds nothing
    nn.init.dirac_(block.project.weight)
    nn.init.zeros_(block.project.bias)
    image = torch.randn(1, 2, 6, 8)
    kept = image.clone()
    with torch.no_grad():
        assert torch.equal(block(image), kept[..., ::2, ::2])


def test_the_stem_normalises_and_activates_as_keras_does():
    network = build_network("XceptionUNet", {}).eval()
    convolution, norm, _ = network.stem
    image = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        features = F.conv2d(F.pad(image, (0, 1, 0, 1)), convolution.weight, convolution.bias, 2)
        expected = F.relu(features / (1.0 + 1e-3) ** 0.5)  # a fresh one: mean 0, variance 1
        torch.testing.assert_close(network.stem(image), expected)
    assert normalises_as_keras(network)
    assert not any(m.bias.any() for m in network.modules() if getattr(m, "bias", None) is not None)
