"""Encoders start from the weights in a file: those of that encoder, or a clear refusal."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from COVIDLesionSegLib.engine.errors import InputError, ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.weights import weights_data_in_eight_bit
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.layers import encoder_library
from COVIDLesionSegLib.engine.training.encoder_weights import (
    network_on_encoder,
    read_encoder_weights,
)
from COVIDLesionSegLib.engine.training.recipes import make_recipe

pytestmark = pytest.mark.slow

RESNET = make_recipe(load_catalogue().get("unet-resnet18").card)


@pytest.fixture(scope="module")
def colour():
    """An encoder of colour images, whose statistics are not those of a new network."""
    torch.manual_seed(1)
    encoder = encoder_library().encoders.get_encoder("resnet18", in_channels=3, weights=None)
    with torch.no_grad():
        encoder.bn1.running_mean.normal_()
        encoder.bn1.running_var.uniform_(0.5, 2.0)
    return encoder.eval()


@pytest.fixture(scope="module")
def file(colour, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(colour.state_dict() | {"fc.weight": torch.zeros(1000, 512)}, path)
    return path


def test_a_grey_image_gives_the_features_of_the_same_image_in_colour(colour, file):
    weights, sha256 = read_encoder_weights(file)
    assert len(sha256) == 64
    network = network_on_encoder(RESNET, weights).eval()
    image = torch.rand(1, 1, 64, 64)
    mean, sd = (
        torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    with torch.no_grad():
        own = network.encoder.relu(network.encoder.bn1(network.encoder.conv1(image)))
        wanted = colour.relu(colour.bn1(colour.conv1((image.expand(-1, 3, -1, -1) - mean) / sd)))
    torch.testing.assert_close(own[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2], rtol=1e-3, atol=1e-3)
    assert torch.equal(network.encoder.layer4[1].conv2.weight, colour.layer4[1].conv2.weight)


def test_everything_but_the_encoder_is_random_by_the_seed_of_the_recipe(file):
    weights, _ = read_encoder_weights(file)
    one, same, other = (
        network_on_encoder(replace(RESNET, seed=seed), weights) for seed in (1, 1, 2)
    )
    assert torch.equal(one.segmentation_head[0].weight, same.segmentation_head[0].weight)
    assert not torch.equal(one.segmentation_head[0].weight, other.segmentation_head[0].weight)
    assert torch.equal(one.encoder.conv1.weight, other.encoder.conv1.weight)


@pytest.mark.parametrize("prefix", ["module.", "backbone."])
def test_names_of_a_whole_network_and_safetensors_are_understood(prefix, colour, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({prefix + name: one.clone() for name, one in colour.state_dict().items()}, path)
    network = network_on_encoder(RESNET, read_encoder_weights(path)[0])
    assert torch.equal(network.encoder.layer1[0].conv1.weight, colour.layer1[0].conv1.weight)


def test_weights_stored_in_8_bits_are_floats_again(tmp_path):
    network = build_network("EncoderUNet", {"encoder": "resnet18"})
    path = tmp_path / "weights.safetensors"
    path.write_bytes(weights_data_in_eight_bit(network, 16384))
    found = network_on_encoder(RESNET, read_encoder_weights(path)[0]).encoder.state_dict()
    for name, one in network.encoder.state_dict().items():
        step = one.abs().max() / 127
        torch.testing.assert_close(found[name], one, rtol=1e-3, atol=float(step))


def test_whole_numbers_without_scales_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"conv1.weight": torch.ones(64, 3, 7, 7, dtype=torch.int8)}, path)
    with pytest.raises(InputError, match=r"weights\.safetensors are whole numbers of 8 bits"):
        read_encoder_weights(path)


def test_a_detector_starts_from_an_encoder_of_colour_or_of_grey_images(colour):
    """A U-Net's encoder, trained here, takes grey images; the detector repeats them in colour."""
    detector = make_recipe(load_catalogue().get("affinity-8").card)
    body = network_on_encoder(detector, colour.state_dict()).body
    assert torch.equal(body.conv1.weight, colour.conv1.weight)
    assert torch.equal(body.layer3[1].bn2.weight, colour.layer3[1].bn2.weight)

    unet = build_network("EncoderUNet", {"encoder": "resnet18"}).eval()
    body = network_on_encoder(detector, unet.state_dict()).body
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            body.conv1(image.expand(-1, 3, -1, -1)), unet.encoder.conv1(image)
        )


class Trap:
    def __reduce__(self):
        return print, ("this code was run",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"no file of weights", "damaged, or hold more than weights"),
        (pickle.dumps(Trap()), "damaged, or hold more than weights"),
        ({}, "hold no tensors by name"),
        ({"a": 1}, "hold no tensors by name"),
        ({"a": torch.tensor([float("nan")])}, "values that are no numbers"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused_and_nothing_in_it_is_run(
    content, message, tmp_path, capsys
):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=message):
        read_encoder_weights(path)
    assert "code was run" not in capsys.readouterr().out


def test_weights_of_another_encoder_are_refused(colour):
    weights = colour.state_dict()
    lacking = {name: tensor for name, tensor in weights.items() if name != "layer3.0.conv1.weight"}
    with pytest.raises(ModelError, match=r"have no layer3.0.conv1.weight, .* EncoderUNet resnet18"):
        network_on_encoder(RESNET, lacking)
    other = weights | {"layer3.0.conv1.weight": torch.zeros(3, 3)}
    with pytest.raises(
        ModelError, match=r"have the shape \[3, 3\], but the encoder has \[256, 128"
    ):
        network_on_encoder(RESNET, other)
    with pytest.raises(ModelError, match="AMCNet has no encoder of its own"):
        network_on_encoder(make_recipe(load_catalogue().get("amc-net").card), weights)


@pytest.mark.parametrize(("head", "parameters"), [(3, 14_322_082), (1, 14_321_826)])
def test_the_u_nets_head_is_the_packages_or_the_papers_1x1(head, parameters):
    """Cascade section 2.3; notes count the package's head."""
    network = build_network("EncoderUNet", {"encoder": "resnet18", "head": head})
    kernel = network.segmentation_head[0]
    assert isinstance(kernel, nn.Conv2d) and kernel.kernel_size == (head, head)
    assert count_parameters(network) == parameters
    assert network.eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 2, 64, 64)


def test_another_head_is_refused():
    with pytest.raises(ModelError, match="use 1 or 3"):
        build_network("EncoderUNet", {"encoder": "resnet18", "head": 2})
