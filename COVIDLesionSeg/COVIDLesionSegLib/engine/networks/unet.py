"""The U-Net that several papers vary: the way through it, whatever its stages are.

Source: Ronneberger, Fischer and Brox, arXiv:1505.04597, with zero padding and 16 to 256 features.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from .keras_layers import convolution, initialise_glorot

FILTERS = (16, 32, 64, 128, 256)

BuildStage = Callable[[int, int], nn.Module]
"""(channels in, channels out) to a stage."""
BuildUpsampling = Callable[[int, int], tuple[nn.Module, int]]
"""(channels from below, channels of the skip connection) to a module and its channels out."""
BuildGate = Callable[[int, int], nn.Module]
"""(channels of the skip connection, channels from below) to a module called with both features."""


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
        return self.head(x)
