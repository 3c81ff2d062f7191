"""DRSegUNet: the thesis' counts, its Tables 2-11 stage by stage, and its plain U-Net."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.labels import lesions_of_labels
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.drsegunet import ResidualBlock
from COVIDLesionSegLib.engine.networks.layers import StridedConvolution, TransposedConvolution
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.training.targets import channels_of
from engine.network_probes import (
    batch_norms,
    footprint,
    keras_total,
    normalises_as_keras,
    numbered,
    record,
    shapes,
    starts_glorot_uniform,
)


@pytest.mark.parametrize(
    ("name", "arguments", "parameters", "total"),
    [
        ("DRSegUNet", {}, 5_477_428, 5_484_276),  # Section 5.3 counts as Keras does
        ("DRSegUNet", {"decoder": "upsampling"}, 4_715_540, 4_722_836),  # ours: it gives none
        ("ThesisUNet", {}, 2_158_468, 2_158_468),  # Section 5.3
    ],
)
def test_parameters_are_those_of_the_thesis(name, arguments, parameters, total):
    network = build_network(name, arguments)
    assert count_parameters(network) == parameters
    assert keras_total(network) == total


@pytest.fixture(scope="module", params=["transposed", "upsampling"])
def recorded(request):
    """What goes through DRSegUNet; the decoder, the tensors in and out of its modules."""
    torch.manual_seed(0)
    network = build_network("DRSegUNet", {"decoder": request.param})
    return request.param, *record(network, torch.rand(1, 1, 64, 96))


def test_every_stage_has_the_shape_of_its_table(recorded):
    decoder, inputs, outputs = recorded
    assert shapes(outputs, "stem", *numbered("encoder", 4), "bridge") == [
        (16, 64, 96),  # Table 2
        (32, 32, 48),
        (64, 16, 24),
        (128, 8, 12),
        (256, 4, 6),
        (256, 4, 6),  # Table 7
    ]
    assert shapes(outputs, *numbered("decoder", 4), "head") == [
        (256, 8, 12),  # Table 8
        (128, 16, 24),
        (64, 32, 48),
        (32, 64, 96),
        (4, 64, 96),
    ]
    joined = [inputs[name][0].shape[1] for name in numbered("decoder", 4)]
    # Tables 8-11 print 384, 192, 96, 48.
    assert joined == {"transposed": [384, 192, 96, 48], "upsampling": [384, 320, 160, 80]}[decoder]


def test_decoders_join_what_comes_from_below_with_encoder_3_2_1_and_the_stem(recorded):
    _, inputs, outputs = recorded
    from_below = ["bridge", *numbered("decoder", 3)]
    skips = ["encoder.2", "encoder.1", "encoder.0", "stem"]
    for level, (below, skip) in enumerate(zip(from_below, skips, strict=True)):
        assert torch.equal(inputs[f"upsample.{level}"][0], outputs[below])
        joined = torch.cat([outputs[f"upsample.{level}"], outputs[skip]], dim=1)
        for first in (f"decoder.{level}.body.0", f"decoder.{level}.shortcut.0"):
            assert torch.equal(inputs[first][0], joined)


def test_the_bridge_and_the_head_take_sums_and_add_nothing(recorded):
    _, inputs, outputs = recorded
    assert torch.equal(inputs["bridge"][0], outputs["encoder.3"])
    assert torch.equal(outputs["bridge"], outputs["bridge.5"])
    assert torch.equal(inputs["head"][0], outputs["decoder.3"])
    total = outputs["decoder.3.body"] + outputs["decoder.3.shortcut"]
    assert torch.equal(outputs["decoder.3"], total)
    assert total.min() < 0  # nothing is activated after the last sum


def layers_of(sequence: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in sequence]


def test_blocks_have_the_operations_of_their_tables_in_order():
    network = build_network("DRSegUNet", {})
    activate = ["BatchNorm2d", "ReLU"]
    assert layers_of(network.stem.body) == ["Conv2d", *activate, "Conv2d"]
    encoder = [*activate, "StridedConvolution", *activate, "Conv2d"]
    plain = [*activate, "Conv2d", *activate, "Conv2d"]
    assert [layers_of(block.body) for block in network.encoder] == [encoder] * 4
    assert [layers_of(block.body) for block in network.decoder] == [plain] * 4
    assert layers_of(network.bridge) == plain
    assert layers_of(network.upsample) == ["TransposedConvolution"] * 4
    blocks = [network.stem, *network.encoder, *network.decoder]
    for block, stride in zip(blocks, [1, 2, 2, 2, 2, 1, 1, 1, 1], strict=True):
        convolution, norm = block.shortcut
        assert (convolution.kernel_size, convolution.stride) == ((1, 1), (stride, stride))
        assert isinstance(norm, nn.BatchNorm2d)
    # Two in the stem, three in each encoder and decoder, two in the bridge.
    assert len(batch_norms(network)) == 2 + 8 * 3 + 2
    assert normalises_as_keras(network)


@pytest.mark.parametrize(
    ("stride", "output", "rows"),
    [(1, 8, (6, 10)), (2, 4, (6, 12)), (2, 0, (0, 4))],  # two rows on, one more 3x3 at half size
)
def test_a_block_sees_the_pixels_that_keras_padding_gives_it(stride, output, rows):
    assert footprint(ResidualBlock(1, 1, stride), 1, 16, output) == rows


def test_a_block_does_not_change_its_input():
    block = ResidualBlock(2, 3).eval()
    image = torch.randn(1, 2, 4, 4)
    kept = image.clone()
    with torch.no_grad():
        block(image)
    assert torch.equal(image, kept)


def test_the_plain_unet_joins_transposed_convolutions_with_the_encoder():
    inputs, outputs = record(build_network("ThesisUNet", {}), torch.rand(1, 1, 32, 48))
    assert shapes(outputs, *numbered("encoder", 4), "bottleneck", *numbered("upsample", 4)) == [
        (16, 32, 48),
        (32, 16, 24),
        (64, 8, 12),
        (128, 4, 6),
        (256, 2, 3),
        (128, 4, 6),
        (64, 8, 12),
        (32, 16, 24),
        (16, 32, 48),
    ]
    assert shapes(outputs, *numbered("decoder", 4), "head") == [
        (128, 4, 6),
        (64, 8, 12),
        (32, 16, 24),
        (16, 32, 48),
        (4, 32, 48),
    ]
    for level in range(4):
        pieces = [outputs[f"upsample.{level}"], outputs[f"encoder.{3 - level}"]]
        assert torch.equal(inputs[f"decoder.{level}"][0], torch.cat(pieces, dim=1))
    for level in range(1, 4):
        pooled = F.max_pool2d(outputs[f"encoder.{level - 1}"], 2)
        assert torch.equal(inputs[f"encoder.{level}"][0], pooled)


@pytest.mark.parametrize("name", ["DRSegUNet", "ThesisUNet"])
def test_kernels_start_glorot_uniform(name):
    torch.manual_seed(0)
    for module in build_network(name, {}).modules():
        if isinstance(module, (nn.Conv2d, StridedConvolution, TransposedConvolution)):
            assert starts_glorot_uniform(module.weight) and not module.bias.any()


@pytest.mark.parametrize("model_id", ["drsegunet", "drsegunet-upsampling", "drseg-unet"])
def test_cards_name_the_channels_in_the_order_of_the_thesis(model_id):
    """Section 4.1: 0: ground glass opacities, 1: consolidations, 2: lungs, 3: background."""
    card = load_catalogue().get(model_id).card
    assert card.channels == ("ground-glass opacity", "consolidation", "lung", "background")
    assert card.classes == ("ground-glass opacity", "consolidation")


def test_the_card_of_three_labels_takes_ground_glass_alone_for_lesion():
    """Section 4.4.1: masks of ground glass, lung and background."""
    card = load_catalogue().get("drsegunet-ggo").card
    assert card.channels == ("ground-glass opacity", "lung", "background")
    assert card.parameters == count_parameters(build_network(card.network, card.arguments))
    recipe = make_recipe(card)
    lungs = np.ones((8, 8), bool)
    lungs[0] = False
    labels = np.zeros((8, 8), np.uint8)
    labels[2:4], labels[5:7] = 1, 2
    ground_glass = lesions_of_labels(labels, card.classes, "mask.png", "255")
    np.testing.assert_array_equal(ground_glass, labels == 1)
    item = LabelledImage("s", "p", np.zeros((8, 8)), False, ground_glass, lungs)
    target = channels_of(item, recipe)
    assert [int(target[row, 0]) for row in (0, 1, 2, 5)] == [2, 1, 0, 1]


def test_an_unknown_decoder_is_a_model_error():
    with pytest.raises(ModelError, match="decoder is 'bilinear': use 'transposed' or 'upsampling'"):
        build_network("DRSegUNet", {"decoder": "bilinear"})
