"""Layers and the U-Net that several papers' networks are built from.

The papers used Keras, so these layers compute what Keras' own do where PyTorch's would not. "Same"
padding: of an image with an even number of rows, Keras' 3x3 convolution of stride 2 pads one row,
below the last; PyTorch's ``padding=1`` pads one above the first as well, and so sees other pixels.
The transposed convolution is the other way round. 1x1 kernels need no padding.

Source of the U-Net: Ronneberger, Fischer and Brox, arXiv:1505.04597, with zero padding and 16 to
256 features.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import DependencyError

FILTERS = (16, 32, 64, 128, 256)

BuildStage = Callable[[int, int], nn.Module]
"""(channels in, channels out) to a stage."""
BuildUpsampling = Callable[[int, int], tuple[nn.Module, int]]
"""(channels from below, channels of the skip connection) to a module and its channels out."""
BuildGate = Callable[[int, int], nn.Module]
"""(channels of the skip connection, channels from below) to a module called with both features."""


def convolution(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Conv2d:
    """Convolution with bias that keeps rows and columns; ``kernel`` is odd."""
    return nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation)


class StridedConvolution(nn.Conv2d):
    """3x3 convolution of stride 2 that halves rows and columns, both even, as Keras pads them.

    (batch, inputs, rows, columns) to (batch, outputs, rows / 2, columns / 2).
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class TransposedConvolution(nn.ConvTranspose2d):
    """3x3 transposed convolution of stride 2 that doubles rows and columns as Keras crops them.

    (batch, inputs, rows, columns) to (batch, outputs, 2 rows, 2 columns).
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, stride=2)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(input, output_size)[..., :-1, :-1]


def batch_norm(features: int) -> nn.BatchNorm2d:
    """Batch normalisation with Keras' epsilon and its momentum of 0.99, in PyTorch's terms 0.01."""
    return nn.BatchNorm2d(features, eps=1e-3, momentum=0.01)


def initialise_glorot(network: nn.Module) -> None:
    """Keras' default start: Glorot-uniform kernels and zero biases, in every convolution."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialise_he_normal(kernel: Tensor) -> None:
    """Keras' ``he_normal``: a normal distribution of variance 2 / fan-in, cut off at both tails."""
    fan_in = kernel[0].numel()
    # A normal distribution cut off at two deviations keeps this much of its deviation.
    deviation = (2.0 / fan_in) ** 0.5 / 0.87962566103423978
    nn.init.trunc_normal_(kernel, std=deviation, a=-2.0 * deviation, b=2.0 * deviation)


def double_convolution(inputs: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """The U-Net's own stage: two 3x3 convolutions with ReLU, dropout in between."""
    return nn.Sequential(
        convolution(inputs, outputs),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        convolution(outputs, outputs),
        nn.ReLU(inplace=True),
    )


def nearest_upsampling(below: int, _skip: int) -> tuple[nn.Module, int]:
    """Doubles rows and columns to the nearest pixel; keeps the channels."""
    return nn.Upsample(scale_factor=2, mode="nearest"), below


class _Ungated(nn.Module):
    """The skip connection, (batch, channels, rows, columns), as it is."""

    def forward(self, skip: Tensor, _gating: Tensor) -> Tensor:
        return skip


def no_gate(_skip: int, _gating: int) -> nn.Module:
    """Leaves the skip connection as it is."""
    return _Ungated()


class UNet(nn.Module):
    """U-Net: image (batch, 1, rows, columns) to logits (batch, channels, rows, columns).

    Rows and columns must be multiples of 16. Every level of the decoder sees the up-sampled
    features from below, then those of its encoder.

    Args:
        stage: Builds the stages of encoder and decoder.
        bottleneck: Builds the stage at the bottom.
        upsampling: Builds the way up to a level.
        gate: Builds what a skip connection passes.
        channels: Output channels.
    """

    def __init__(
        self,
        stage: BuildStage,
        bottleneck: BuildStage,
        upsampling: BuildUpsampling,
        gate: BuildGate = no_gate,
        channels: int = 1,
    ):
        super().__init__()
        *levels, bottom = FILTERS
        self.encoder = nn.ModuleList(
            stage(inputs, outputs) for inputs, outputs in pairwise((1, *levels))
        )
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = bottleneck(levels[-1], bottom)
        self.upsample = nn.ModuleList()
        self.gates = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = bottom
        for skip in reversed(levels):
            module, gating = upsampling(below, skip)
            self.upsample.append(module)
            self.gates.append(gate(skip, gating))
            self.decoder.append(stage(gating + skip, skip))
            below = skip
        self.head = convolution(below, channels, kernel=1)
        initialise_glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for upsample, gate, stage in zip(self.upsample, self.gates, self.decoder, strict=True):
            x = upsample(x)
            x = stage(torch.cat([x, gate(skips.pop(), x)], dim=1))
        logits: Tensor = self.head(x)
        return logits


def encoder_library() -> Any:
    """The package segmentation-models-pytorch, imported when a network on an encoder is built.

    All other networks work without it.

    Raises:
        DependencyError: It cannot be imported.
    """
    try:
        import segmentation_models_pytorch
    except (ImportError, OSError, RuntimeError) as error:
        # RuntimeError is how a torchvision that was built for another PyTorch fails.
        raise DependencyError(
            "This network needs the Python packages segmentation-models-pytorch and torchvision, "
            "the latter made for the PyTorch that is installed: install or repair them (group "
            "'encoders' of this software)."
        ) from error
    return segmentation_models_pytorch
