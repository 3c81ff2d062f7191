"""The networks of COVID-Rate's Table 4: what each has that COVID-Rate has not, and the reverse."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.covid_rate import ContextBoosting, SqueezeExcitation
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from engine.network_probes import record, shapes

CATALOGUE = load_catalogue()
MODELS = {
    "covid-rate-without-context": 11_954_209,
    "covid-rate-residual-unet": 14_315_553,
    "covid-rate-unet": 31_042_369,
    "covid-rate-attention-unet": 31_739_185,
    "covid-rate-unet-plus-plus": 9_118_657,
}


def build(model):
    card = CATALOGUE.get(model).card
    torch.manual_seed(0)
    return build_network(card.network, card.arguments)


def kinds(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


@pytest.mark.parametrize("model", MODELS)
def test_every_network_gives_a_logit_for_each_pixel_and_trains_as_covid_rate_does(model):
    network = build(model).eval()
    assert count_parameters(network) == MODELS[model] == CATALOGUE.get(model).card.parameters
    with torch.no_grad():
        assert network(torch.randn(1, 1, 32, 48)).shape == (1, 1, 32, 48)
    recipe = make_recipe(CATALOGUE.get(model).card)
    own = make_recipe(CATALOGUE.get("covid-rate").card)
    for name in ("loss", "loss_arguments", "learning_rate", "epochs", "early_stop", "augmentation"):
        assert getattr(recipe, name) == getattr(own, name)
    assert recipe.preprocessing == own.preprocessing


def test_without_context_boosting_the_decoder_takes_what_the_encoder_gives():
    network = build("covid-rate-without-context").eval()
    assert not kinds(network, ContextBoosting) and len(kinds(network, SqueezeExcitation)) == 12
    inputs, outputs = record(network, torch.randn(1, 1, 32, 32))
    assert torch.equal(inputs["decoder.0.upsample"][0], outputs["encoder.3"])


def test_the_residual_unet_has_context_boosting_and_sums_but_no_dilation_elsewhere():
    network = build("covid-rate-residual-unet").eval()
    assert len(kinds(network, ContextBoosting)) == 1 and not kinds(network, SqueezeExcitation)
    outside = [
        kernel
        for name, kernel in network.named_modules()
        if isinstance(kernel, nn.Conv2d) and not name.startswith("context")
    ]
    assert {kernel.dilation for kernel in outside} == {(1, 1)}
    inputs, outputs = record(network, torch.randn(1, 1, 32, 32))
    body, given = outputs["encoder.0.1.body"], inputs["encoder.0.1.body"][0]
    torch.testing.assert_close(outputs["encoder.0.1"], body + given)


def test_the_standard_unet_pools_four_times_between_two_convolutions_a_level():
    network = build("covid-rate-unet").eval()
    _, outputs = record(network, torch.randn(1, 1, 32, 32))
    assert shapes(outputs, "stem", *(f"encoder.{n}" for n in range(4))) == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
        (1024, 2, 2),
    ]
    assert len(kinds(network, nn.Conv2d)) == 2 * 9 + 1


def test_the_attention_unet_weighs_every_skip_connection_by_a_map():
    from monai.networks.nets.attentionunet import AttentionBlock

    network = build("covid-rate-attention-unet").eval()
    assert len(kinds(network, AttentionBlock)) == 4
    maps = []
    for block in kinds(network, AttentionBlock):
        block.psi.register_forward_hook(lambda *given: maps.append(given[2]))
    with torch.no_grad():
        network(torch.randn(1, 1, 32, 32))
    assert sorted(one.shape[-1] for one in maps) == [4, 8, 16, 32]
    assert all(one.shape[1] == 1 and one.min() >= 0 and one.max() <= 1 for one in maps)


def test_unet_plus_plus_has_ten_nested_nodes_between_encoder_and_head():
    network = build("covid-rate-unet-plus-plus").eval()
    nodes = [name for name, _ in network.nested.named_children() if name.startswith("upcat")]
    assert len(nodes) == 10  # 4 + 3 + 2 + 1
    with torch.no_grad():
        logits = network(torch.randn(1, 1, 32, 32))
    network.train()
    network(torch.randn(2, 1, 32, 32)).sum().backward()
    assert logits.shape == (1, 1, 32, 32)
    assert all(parameter.grad is not None for parameter in network.parameters())
