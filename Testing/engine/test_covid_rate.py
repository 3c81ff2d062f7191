"""COVID-Rate: its counts, its modules, its wiring as in Figs. 7 and 8."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.covid_rate import (
    ContextBoosting,
    EncoderUnit,
    SqueezeExcitation,
)
from engine.network_probes import (
    footprint,
    keras_total,
    normalises_as_keras,
    numbered,
    record,
    shapes,
    starts_glorot_uniform,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network("COVIDRate", {})


@pytest.fixture(scope="module")
def recorded(network):
    """What goes into, and comes out of, every module."""
    return record(network, torch.randn(1, 1, 64, 96))


def test_parameters_are_those_of_the_published_code(network):
    assert count_parameters(network) == 14_380_833
    assert keras_total(network) == 14_390_049


def test_every_stage_has_its_shape(recorded):
    _, outputs = recorded
    assert shapes(outputs, "stem", *numbered("encoder", 4), "context") == [
        (32, 64, 96),
        (32, 32, 48),
        (64, 16, 24),
        (128, 8, 12),
        (256, 4, 6),
        (256, 4, 6),
    ]
    assert shapes(outputs, *numbered("decoder", 4), "head") == [
        (512, 8, 12),
        (256, 16, 24),
        (128, 32, 48),
        (64, 64, 96),
        (1, 64, 96),
    ]


def test_decoders_join_what_comes_from_below_with_the_transition_of_their_skip(recorded):
    inputs, outputs = recorded
    from_below = ["context", *numbered("decoder", 3)]
    skips = ["encoder.2", "encoder.1", "encoder.0", "stem"]
    for level, (below, skip) in enumerate(zip(from_below, skips, strict=True)):
        decoder = f"decoder.{level}"
        assert torch.equal(inputs[f"{decoder}.upsample"][0], outputs[below])
        assert torch.equal(inputs[f"{decoder}.transition"][0], outputs[skip])
        pieces = [outputs[f"{decoder}.upsample"], outputs[f"{decoder}.transition"]]
        assert torch.equal(inputs[f"{decoder}.join"][0], torch.cat(pieces, dim=1))


def layers_of(sequence: nn.Sequential) -> list[tuple]:
    """Every layer's kind, and of convolutions the kernel, stride and dilation."""
    return [
        (layer.kernel_size[0], layer.stride[0], layer.dilation[0])
        if isinstance(layer, nn.Conv2d)
        else type(layer).__name__
        for layer in sequence
    ]


ACTIVATE = ["BatchNorm2d", "ReLU"]


def test_modules_have_the_layers_of_fig_7(network):
    assert layers_of(network.stem) == [(7, 1, 1), *ACTIVATE]
    for first, second in network.encoder:
        rest = [*ACTIVATE, (3, 1, 2), *ACTIVATE, "SqueezeExcitation"]
        assert layers_of(first.body) == [(3, 2, 1), *rest]
        assert layers_of(second.body) == [(3, 1, 1), *rest]
        assert layers_of(first.shortcut) == [(1, 2, 1), "BatchNorm2d"]
        assert isinstance(second.shortcut, nn.Identity)
    for block in network.decoder:
        assert layers_of(block.upsample) == ["Upsample", (3, 1, 1), *ACTIVATE]
        assert layers_of(block.transition) == [(1, 1, 1), "ReLU"]
        assert layers_of(block.join) == [(3, 1, 2), *ACTIVATE, "SqueezeExcitation"]
    assert layers_of([network.head]) == [(1, 1, 1)]
    assert normalises_as_keras(network)


def test_a_unit_adds_its_input_and_activates_nothing_after(recorded):
    inputs, outputs = recorded
    assert torch.equal(outputs["encoder.0.1"], outputs["encoder.0.1.body"] + outputs["encoder.0.0"])
    assert outputs["encoder.0.0"].min() < 0 and outputs["encoder.0.1"].min() < 0
    assert torch.equal(inputs["context"][0], outputs["encoder.3"])


@pytest.mark.parametrize(
    ("stride", "output", "rows"),
    [(1, 10, (7, 13)), (2, 5, (6, 16)), (2, 0, (0, 6))],
)
def test_a_unit_sees_the_pixels_that_keras_padding_gives_it(stride, output, rows):
    unit = EncoderUnit(1, 16, stride)
    unit.body[-1] = nn.Identity()  # squeeze-and-excitation sees the whole image
    assert footprint(unit, 1, 20, output) == rows


def test_squeeze_and_excitation_weighs_channels_by_one_plus_a_sigmoid_of_their_means():
    torch.manual_seed(0)
    module = SqueezeExcitation(32)
    reduce, expand = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    assert reduce.bias is None and expand.bias is None
    assert tuple(reduce.weight.shape[:2]) == (2, 32)  # ratio 16
    image = torch.randn(2, 32, 3, 5)
    with torch.no_grad():
        means = image.mean(dim=(2, 3))
        hidden = torch.relu(means @ reduce.weight[:, :, 0, 0].T)
        scale = torch.sigmoid(hidden @ expand.weight[:, :, 0, 0].T)[:, :, None, None]
        torch.testing.assert_close(module(image), image * scale + image)


def test_context_boosting_sums_one_pointwise_and_four_dilated_convolutions():
    torch.manual_seed(0)
    module = ContextBoosting(2).eval()
    assert layers_of(module.branches) == [(1, 1, 1), (3, 1, 1), (3, 1, 2), (3, 1, 4), (3, 1, 8)]
    image = torch.randn(1, 2, 20, 20)
    with torch.no_grad():
        total = torch.stack([branch(image) for branch in module.branches]).sum(dim=0)
        expected = torch.relu(total / (1.0 + 1e-3) ** 0.5)  # fresh normalisation
        torch.testing.assert_close(module(image), expected)
    assert footprint(module, 2, 20, 10) == (2, 18)


def test_kernels_start_he_normal_but_shortcuts_and_head_glorot_uniform(network):
    glorot = {network.head, *(block[0].shortcut[0] for block in network.encoder)}
    kernels = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert all(starts_glorot_uniform(module.weight) for module in glorot)
    for module in set(kernels) - glorot:
        deviation = (2.0 / module.weight[0].numel()) ** 0.5
        tolerance = 3.0 / module.weight.numel() ** 0.5
        assert module.weight.std().item() == pytest.approx(deviation, rel=tolerance)
        assert module.weight.abs().max() <= 2.2737 * deviation
    assert not any(module.bias.any() for module in kernels if module.bias is not None)
