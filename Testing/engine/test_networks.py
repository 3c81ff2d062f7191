"""What holds for every hand-written network: sizes, independence, no idle layer, fast layout."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.networks import build_network

CHANNELS = {
    "AMCNet": 1,
    "COVIDRate": 1,
    "DRSegUNet": 4,
    "R2UNet": 1,
    "ThesisUNet": 4,
    "XceptionUNet": 1,
}


@pytest.fixture(scope="module", params=CHANNELS)
def named(request):
    torch.manual_seed(0)
    return request.param, build_network(request.param, {})


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
def test_rows_and_columns_may_be_any_multiples_of_16(named, size):
    name, network = named
    with torch.no_grad():
        assert network.eval()(torch.rand(2, 1, *size)).shape == (2, CHANNELS[name], *size)


def test_slices_of_a_batch_do_not_see_each_other_and_one_image_has_one_answer(named):
    _, network = named
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        together = network.eval()(images)
        # The kernels chosen for one image and for two may round differently.
        rounding = 1e-3 * together.abs().max().item()
        torch.testing.assert_close(together[1:], network(images[1:]), rtol=0.0, atol=rounding)
        assert torch.equal(together, network(images))


def test_every_parameter_takes_part(named):
    _, network = named
    network.zero_grad()
    network.train()(torch.rand(2, 1, 32, 32)).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_the_layout_that_is_fast_on_cpus_is_kept_from_the_first_layer_to_the_last(named):
    _, network = named
    network = network.eval().to(memory_format=torch.channels_last)
    changed = []

    def check(module: nn.Module, _: tuple, output: torch.Tensor) -> None:
        # A cropped transposed convolution is a view; the concatenation after it is whole again.
        if not isinstance(module, nn.ConvTranspose2d):
            kept = output.is_contiguous(memory_format=torch.channels_last)
            changed.extend([] if kept else [type(module).__name__])

    handles = [module.register_forward_hook(check) for module in network.modules()]
    image = torch.rand(1, 1, 32, 48).to(memory_format=torch.channels_last)
    with torch.no_grad():
        network(image)
    for handle in handles:
        handle.remove()
    assert changed == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("AMC", {}, "Unknown network 'AMC'; known: AMCNet"),
        ("AMCNet", {"depth": 7}, "Network AMCNet cannot be built"),
        ("R2UNet", {"filters": 32}, "Network R2UNet cannot be built"),
    ],
)
def test_unknown_networks_and_arguments_are_model_errors(name, arguments, message):
    with pytest.raises(ModelError, match=message):
        build_network(name, arguments)
