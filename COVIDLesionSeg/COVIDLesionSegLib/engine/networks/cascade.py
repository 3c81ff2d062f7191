"""Networks of the cascade paper: a plain U-Net, and U-Nets and feature pyramids on encoders.

Source: Qiblawey et al., Diagnostics 2021;11(5):893, section 2.3: U-Net and FPN on ResNet18/50/152
and DenseNet121/161/201, from segmentation-models-pytorch, beside a plain U-Net (Ronneberger,
Fischer, Brox, MICCAI 2015, with the padded convolutions and batch normalisation of today), built
from MONAI's blocks.

All take images (batch, 1, rows, columns) and give logits (batch, channels, rows, columns) of the
same size; rows and columns are multiples of 32, of 16 for the plain U-Net. Nothing is downloaded:
encoders start from random weights, or from those in a file of the user's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

from monai.networks.nets.basic_unet import Down, TwoConv, UpCat
from torch import Tensor, nn

from .layers import encoder_library

FILTERS = (64, 128, 256, 512, 1024)
_OF_TIMM = "tu-"
"""Encoders of timm have this before their name in segmentation-models-pytorch."""


class PlainUNet(nn.Module):
    """U-Net: image (batch, 1, rows, columns) to logits (batch, channels, rows, columns).

    Five levels of 64 to 1024 filters, each two 3x3 convolutions with bias, batch normalisation and
    ReLU; maximum pooling; 2x2 transposed convolutions; 1x1 head. 31,042,434 parameters with two
    channels. Rows and columns must be multiples of 16.
    """

    def __init__(self, channels: int = 2):
        super().__init__()
        block: dict[str, Any] = {"act": ("relu", {"inplace": True}), "norm": "batch", "bias": True}
        self.stem = TwoConv(2, 1, FILTERS[0], **block)
        self.encoder = nn.ModuleList(
            Down(2, above, below, **block) for above, below in pairwise(FILTERS)
        )
        self.decoder = nn.ModuleList(
            UpCat(2, below, above, above, **block, upsample="deconv")
            for above, below in reversed([*pairwise(FILTERS)])
        )
        self.head = nn.Conv2d(FILTERS[0], channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for stage in self.encoder:
            features.append(stage(features[-1]))
        x = features.pop()
        for stage in self.decoder:
            x = stage(x, features.pop())
        logits: Tensor = self.head(x)
        return logits


def encoder_unet(encoder: str, channels: int = 2, head: int = 3) -> nn.Module:
    """U-Net on ``encoder``, a name of segmentation-models-pytorch such as ``"densenet161"``.

    One of timm, such as ``"tu-tf_efficientnet_lite0"``, has ``tu-`` before its name.

    Decoder 256, 128, 64, 32, 16.

    Args:
        encoder: Its name.
        channels: Number of channels of the logits.
        head: Rows and columns of the last kernel: 3, that package's, or 1, as the paper's text has
            it (section 2.3), with 256 parameters less for two channels.

    Raises:
        ValueError: There is no such encoder, or the head is neither.
        DependencyError: A package that this network is built from is missing.
    """
    network = encoder_library().Unet(
        _known(encoder), encoder_weights=None, in_channels=1, classes=channels
    )
    if head not in (1, 3):
        raise ValueError(f"head is {head!r}: use 1 or 3")
    if head == 1:
        network.segmentation_head[0] = _head(network.segmentation_head[0].in_channels, channels, 1)
    return cast(nn.Module, network)


def encoder_fpn(encoder: str, channels: int = 2) -> nn.Module:
    """Feature pyramid network on ``encoder``: the four levels are concatenated, not added.

    The concatenated 4 x 128 channels, a quarter of the image's size, pass one 3x3 convolution to
    logits, which are enlarged four times.

    Raises:
        ValueError: There is no such encoder.
        DependencyError: A package that this network is built from is missing.
    """
    network = encoder_library().FPN(
        _known(encoder),
        encoder_weights=None,
        in_channels=1,
        classes=channels,
        decoder_merge_policy="cat",
    )
    # The paper convolves with 3x3, the package with 1x1.
    network.segmentation_head[0] = _head(network.decoder.out_channels, channels, 3)
    return cast(nn.Module, network)


def _head(inputs: int, channels: int, kernel: int) -> nn.Conv2d:
    """Convolution to logits, started as the package starts its own."""
    head = nn.Conv2d(inputs, channels, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(head.weight)
    if head.bias is not None:
        nn.init.zeros_(head.bias)
    return head


def _known(encoder: str) -> str:
    known = encoder_library().encoders.get_encoder_names()
    if encoder.startswith(_OF_TIMM):
        import timm  # here, as importing it takes longer than segmenting many a CT

        known = [_OF_TIMM + name for name in timm.list_models()]
    if encoder not in known:
        raise ValueError(f"{encoder!r} is no encoder; for example 'resnet18' or 'densenet121' is")
    return encoder
