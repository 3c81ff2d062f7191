"""The layers equal Keras': against sums written out from the definition of "same" padding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.networks.layers import (
    StridedConvolution,
    TransposedConvolution,
    batch_norm,
    convolution,
    initialise_glorot,
    initialise_he_normal,
)
from engine.network_probes import footprint, starts_glorot_uniform


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's definition: ceil(size / stride) outputs, the odd row of padding at the end."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def strided_by_hand(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Image (in, rows, columns), kernel (out, in, 3, 3), stride 2, every product written out."""
    padding = [same_padding(size, 3, 2) for size in x.shape[1:]]
    padded = np.pad(x, [(0, 0), *padding])
    out = np.zeros((kernel.shape[0], x.shape[1] // 2, x.shape[2] // 2))
    for o, i, j in np.ndindex(out.shape):
        window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        out[o, i, j] = (window * kernel[o]).sum() + bias[o]
    return out


def transposed_by_hand(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The gradient of the strided convolution: each pixel (kernel (in, out, 3, 3)) spreads."""
    rows, columns = 2 * x.shape[1], 2 * x.shape[2]
    (top, bottom), (left, right) = same_padding(rows, 3, 2), same_padding(columns, 3, 2)
    padded = np.zeros((kernel.shape[1], rows + top + bottom, columns + left + right))
    for c, i, j in np.ndindex(x.shape):
        padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += x[c, i, j] * kernel[c]
    return padded[:, top : top + rows, left : left + columns] + bias[:, None, None]


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [(StridedConvolution, strided_by_hand), (TransposedConvolution, transposed_by_hand)],
)
def test_a_change_of_size_has_keras_own_padding(layer, by_hand):
    torch.manual_seed(0)
    module = layer(2, 3)
    image = torch.randn(1, 2, 6, 8)
    with torch.no_grad():
        found = module(image)[0]
    expected = by_hand(
        image[0].numpy(), module.weight.detach().numpy(), module.bias.detach().numpy()
    )
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("output", "rows"), [(0, (0, 2)), (1, (2, 4)), (3, (6, 7))])
def test_the_first_strided_output_sees_the_first_three_rows_and_the_last_one_padding(output, rows):
    assert footprint(StridedConvolution(1, 1), 1, 8, output) == rows


@pytest.mark.parametrize(
    ("kernel", "dilation", "reach"), [(1, 1, 0), (3, 1, 1), (7, 1, 3), (3, 8, 8)]
)
def test_a_plain_convolution_keeps_the_size_and_sees_both_sides_alike(kernel, dilation, reach):
    module = convolution(2, 3, kernel, dilation)
    assert module(torch.zeros(1, 2, 20, 24)).shape == (1, 3, 20, 24)
    assert footprint(module, 2, 20, 10) == (10 - reach, 10 + reach)


def test_batch_normalisation_moves_its_statistics_as_keras_does():
    layer = batch_norm(1).train()
    layer(torch.full((1, 1, 2, 2), 5.0))
    assert layer.running_mean.item() == pytest.approx(0.99 * 0.0 + 0.01 * 5.0)
    assert layer.running_var.item() == pytest.approx(0.99 * 1.0 + 0.01 * 0.0)


def test_batch_normalisation_adds_one_thousandth_to_the_variance():
    layer = batch_norm(1).eval()
    nn.init.zeros_(layer.running_var)
    assert layer(torch.ones(1, 1, 1, 1)).item() == pytest.approx(1.0 / 1e-3**0.5)


def test_kernels_start_glorot_uniform_and_biases_zero():
    torch.manual_seed(0)
    depthwise = nn.Conv2d(64, 64, 3, groups=64, bias=False)
    network = nn.Sequential(convolution(8, 32), TransposedConvolution(32, 16), depthwise)
    initialise_glorot(network)
    assert all(starts_glorot_uniform(module.weight) for module in network[:2])
    assert not network[0].bias.any() and not network[1].bias.any()
    # Keras' fans of a depthwise kernel are 9 x 64 and 9 x 1.
    assert 0.9 < depthwise.weight.abs().max() / (6.0 / (9 * 65)) ** 0.5 <= 1.0


def test_he_normal_has_variance_two_over_fan_in_and_no_tails():
    torch.manual_seed(0)
    kernel = torch.empty(64, 32, 3, 3)
    initialise_he_normal(kernel)
    deviation = (2.0 / (32 * 9)) ** 0.5
    assert kernel.std().item() == pytest.approx(deviation, rel=0.02)
    assert kernel.mean().item() == pytest.approx(0.0, abs=0.02 * deviation)
    # Two deviations of the normal distribution before it was cut, which are 2.27 of what is left.
    for tail in (-kernel.min(), kernel.max()):
        assert 2.2 * deviation < tail.item() <= 2.2737 * deviation
