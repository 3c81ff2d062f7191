"""The cascade's networks are the paper's: counts, layer graphs, skips; nothing is downloaded."""

from __future__ import annotations

import importlib
import socket
import sys
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional

from COVIDLesionSegLib import engine
from COVIDLesionSegLib.engine.errors import DependencyError, ModelError
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, read_models
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.cascade import PlainUNet, encoder_fpn, encoder_unet

pytestmark = pytest.mark.slow

PARAMETERS = {
    "cascade-unet": 31_042_434,
    "unet-resnet18": 14_322_082,
    "unet-resnet50": 32_514_978,
    "unet-resnet152": 67_150_754,
    "unet-densenet121": 13_601_506,
    "unet-densenet161": 38_729_058,
    "unet-densenet201": 28_574_434,
    "fpn-resnet18": 13_050_050,
    "fpn-resnet50": 26_118_850,
    "fpn-resnet152": 60_754_626,
    "fpn-densenet121": 9_302_530,
    "fpn-densenet161": 29_497_474,
    "fpn-densenet201": 20_867_586,
}
FAMILIES = ("cascade-lesions", "encoder-unets")
ENCODERS = ("segmentation_models_pytorch", "timm")
"""The packages of the encoders."""
# Channels of the five encoder stages; each halves the image.
STAGES = {
    "resnet18": (64, 64, 128, 256, 512),
    "resnet50": (64, 256, 512, 1024, 2048),
    "resnet152": (64, 256, 512, 1024, 2048),
    "densenet121": (64, 256, 512, 1024, 1024),
    "densenet161": (96, 384, 768, 2112, 2208),
    "densenet201": (64, 256, 512, 1792, 1920),
}


@cache
def cards(family: str):
    return {model.id: model.card for model in read_models(PACKAGED_FOLDER / f"{family}.json")}


def on_paper(build, *arguments) -> nn.Module:
    """The network without numbers: shapes and counts only, at once for any size."""
    with torch.device("meta"):
        return build(*arguments).eval().to("meta")


@cache
def network_of(family: str, name: str) -> nn.Module:
    """The network of a card on paper; built once, which takes a second for the large ones."""
    card = cards(family)[name]
    return on_paper(build_network, card.network, card.arguments)


@cache
def shapes_in(name: str) -> dict[str, tuple[int, ...]]:
    """Those of a network of the cascade on a slice of 256 x 256."""
    return shapes_of(network_of("cascade-lesions", name), 256)


@pytest.fixture(scope="module", autouse=True)
def asked():
    """What was asked of the network; it is refused."""
    import segmentation_models_pytorch.encoders as smp_encoders

    asked = []

    def refuse(*arguments, **_):
        asked.append(arguments)
        raise OSError("no network in this test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smp_encoders, "hf_hub_download", refuse)
        patch.setattr(torch.hub, "load_state_dict_from_url", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield asked


def shapes_of(network: nn.Module, size: int) -> dict[str, tuple[int, ...]]:
    """Output shape of every layer, without the batch."""
    shapes: dict[str, tuple[int, ...]] = {}

    def remember(name):
        def hook(_, __, output):
            if isinstance(output, torch.Tensor):
                shapes[name] = tuple(output.shape[1:])
            else:
                shapes.update({f"{name}.{i}": tuple(o.shape[1:]) for i, o in enumerate(output)})

        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(remember(name))
    network(torch.zeros(1, 1, size, size, device=next(network.parameters()).device))
    return shapes


@pytest.mark.parametrize(
    ("family", "prefix", "channels", "sees_lungs_only"),
    [
        ("cascade-lesions", "", ("background", "lesion"), True),
        ("cascade-lungs", "lungs-", ("background", "lung"), False),
    ],
)
def test_both_steps_of_the_cascade_offer_all_thirteen_networks(
    family, prefix, channels, sees_lungs_only
):
    found = cards(family)

    assert {name: card.parameters for name, card in found.items()} == {
        prefix + name: count for name, count in PARAMETERS.items()
    }
    for card in found.values():
        assert card.task == family.removeprefix("cascade-")
        assert card.channels == channels and card.classes == channels[1:]
        assert card.preprocessing.input_size == (256, 256)  # section 2.2
        assert card.preprocessing.normalisation == "grey-levels"
        assert card.preprocessing.lung_mask is sees_lungs_only  # section 3.1
        assert card.weights is None and card.scores == ()


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_network_has_its_exact_count_and_one_logit_a_channel(name):
    lesions, lungs = cards("cascade-lesions")[name], cards("cascade-lungs")[f"lungs-{name}"]

    assert count_parameters(network_of("cascade-lesions", name)) == PARAMETERS[name]
    assert shapes_in(name)[""] == (len(lesions.channels), 256, 256)
    assert (lungs.network, lungs.arguments) == (lesions.network, lesions.arguments)


@pytest.mark.parametrize("encoder", STAGES)
def test_unet_decoder_climbs_the_five_encoder_stages(encoder):
    shapes = shapes_in(f"unet-{encoder}")

    assert [shapes[f"encoder.{i}"] for i in range(6)] == [
        (1, 256, 256),
        *((channels, 128 >> i, 128 >> i) for i, channels in enumerate(STAGES[encoder])),
    ]
    assert [shapes[f"decoder.blocks.{i}"] for i in range(5)] == [
        (256, 16, 16),
        (128, 32, 32),
        (64, 64, 64),
        (32, 128, 128),
        (16, 256, 256),
    ]


@pytest.mark.parametrize("encoder", STAGES)
def test_fpn_makes_four_levels_of_one_size(encoder):
    shapes = shapes_in(f"fpn-{encoder}")

    assert [shapes[f"encoder.{i}"][0] for i in range(1, 6)] == [*STAGES[encoder]]
    assert [shapes[f"decoder.p{i}"] for i in (5, 4, 3, 2)] == [
        (256, 8, 8),
        (256, 16, 16),
        (256, 32, 32),
        (256, 64, 64),
    ]
    assert {shapes[f"decoder.seg_blocks.{i}"] for i in range(4)} == {(128, 64, 64)}
    assert shapes["decoder.merge"] == (512, 64, 64)


@pytest.mark.parametrize("encoder", ["resnet18", "densenet121"])
def test_unet_joins_each_skip_of_its_own_stage_behind_the_enlarged_features(encoder):
    network = encoder_unet(encoder).eval()
    inputs, outputs, stages = {}, {}, []
    network.encoder.register_forward_hook(lambda _, __, out: stages.extend(out))
    for i, block in enumerate(network.decoder.blocks):
        block.conv1.register_forward_hook(
            lambda _, args, __, i=i: inputs.__setitem__(i, args[0].clone())
        )
        block.register_forward_hook(lambda _, __, out, i=i: outputs.__setitem__(i, out.clone()))
    with torch.inference_mode():
        network(torch.rand(1, 1, 64, 64))

    below = stages[5]
    for i, skip in enumerate((stages[4], stages[3], stages[2], stages[1], None)):
        enlarged = functional.interpolate(below, scale_factor=2, mode="nearest")
        joined = enlarged if skip is None else torch.cat([enlarged, skip], dim=1)
        assert torch.equal(inputs[i], joined)
        below = outputs[i]


def test_fpn_adds_laterals_concatenates_levels_and_ends_in_a_3x3_convolution():
    network = encoder_fpn("resnet18").eval()
    seen = {}
    for name in ("p5", "p4", "merge", *(f"seg_blocks.{i}" for i in range(4))):
        network.decoder.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: seen.__setitem__(name, out.clone())
        )
    network.encoder.register_forward_hook(lambda _, __, out: seen.update(stages=out))
    with torch.inference_mode():
        logits = network(torch.rand(1, 1, 64, 64))
        lateral = network.decoder.p4.skip_conv(seen["stages"][4])
        head = network.segmentation_head[0]
        small = head(seen["merge"])

    enlarged = functional.interpolate(seen["p5"], scale_factor=2, mode="nearest")
    assert torch.equal(seen["p4"], enlarged + lateral)
    levels = [seen[f"seg_blocks.{i}"] for i in range(4)]
    assert torch.equal(seen["merge"], torch.cat(levels, dim=1))
    assert (head.kernel_size, head.padding, head.in_channels) == ((3, 3), (1, 1), 512)
    torch.testing.assert_close(
        logits,
        functional.interpolate(small, scale_factor=4, mode="bilinear", align_corners=True),
    )


def test_plain_unet_has_five_levels_and_joins_the_skip_of_its_own_level():
    shapes = shapes_in("cascade-unet")

    assert shapes["stem"] == (64, 256, 256)
    assert [shapes[f"encoder.{i}"] for i in range(4)] == [
        (128, 128, 128),
        (256, 64, 64),
        (512, 32, 32),
        (1024, 16, 16),
    ]
    assert [shapes[f"decoder.{i}.upsample"] for i in range(4)] == [
        shapes[f"decoder.{i}"] for i in range(4)
    ]
    assert [shapes[f"decoder.{i}"] for i in range(4)] == [
        (512, 32, 32),
        (256, 64, 64),
        (128, 128, 128),
        (64, 256, 256),
    ]
    network = PlainUNet().eval()
    seen = {}
    network.stem.register_forward_hook(lambda _, __, out: seen.update(skip=out))
    network.decoder[3].upsample.register_forward_hook(lambda _, __, out: seen.update(up=out))
    network.decoder[3].convs.register_forward_hook(lambda _, args, __: seen.update(joined=args[0]))
    with torch.inference_mode():
        network(torch.rand(1, 1, 16, 16))
    assert torch.equal(seen["joined"], torch.cat([seen["skip"], seen["up"]], dim=1))


def test_plain_unet_convolutions_have_biases_and_batch_normalisation():
    network = on_paper(PlainUNet)
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]

    assert all(convolution.bias is not None for convolution in convolutions)
    assert sum(m.kernel_size == (3, 3) for m in convolutions) == 18
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 18
    assert network.head.kernel_size == (1, 1)


@pytest.mark.parametrize("name", ["inception-unet", "densenet-unet"])
def test_eamc_encoder_unets_pool_four_times_and_use_every_parameter(name):
    card = cards("encoder-unets")[name]
    network = build_network(card.network, card.arguments)

    assert count_parameters(network) == card.parameters
    shapes = shapes_of(network, 64)
    assert [shapes[f"encoder.{i}"][1:] for i in range(5)] == [
        (size, size) for size in (64, 32, 16, 8, 4)
    ]
    assert [shapes[f"decoder.blocks.{i}"][0] for i in range(4)] == [128, 64, 32, 16]
    assert shapes[""] == (1, 64, 64)
    network(torch.rand(1, 1, 32, 32)).sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None] == []


def test_logits_do_not_depend_on_the_memory_layout():
    network = encoder_unet("densenet161").eval()
    image = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        expected = network(image)
        network.to(memory_format=torch.channels_last)
        found = network(image.contiguous(memory_format=torch.channels_last))

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_building_asks_for_no_pretrained_weights_and_opens_no_connection(asked):
    everything = [(family, name) for family in FAMILIES for name in cards(family)]
    for family, name in everything:
        network_of(family, name)

    assert len(everything) == 15
    assert asked == []


def test_other_networks_are_built_without_the_encoders_package(monkeypatch):
    wanted = []

    class Watching:
        @staticmethod
        def find_spec(name, *_):
            if name in ENCODERS:
                wanted.append(name)

    for name in [*sys.modules]:
        if name.partition(".")[0] in ENCODERS or name.startswith(f"{engine.networks.__name__}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, engine.networks.__name__)
    monkeypatch.setattr(sys, "meta_path", [Watching, *sys.meta_path])
    monkeypatch.setattr(engine, "networks", engine.networks)  # as before, afterwards
    networks = importlib.import_module("COVIDLesionSegLib.engine.networks")
    on_paper(networks.build_network, "AMCNet", {})
    on_paper(networks.build_network, "PlainUNet", {})
    assert wanted == []


def test_a_missing_package_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(DependencyError, match="segmentation-models-pytorch and torchvision"):
        build_network("EncoderUNet", {"encoder": "resnet18"})


@pytest.mark.parametrize("network", ["EncoderUNet", "EncoderFPN"])
def test_an_unknown_encoder_is_a_model_error(network):
    with pytest.raises(ModelError, match="'resnet19' is no encoder"):
        build_network(network, {"encoder": "resnet19"})
