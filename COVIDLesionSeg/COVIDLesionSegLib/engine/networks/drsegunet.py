"""DRSegUNet, and the plain U-Net that its thesis compares it with.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Section 4.3 and Tables 2-11. The thesis counts 5,484,276 parameters with the moving
statistics of batch normalisation, and 2,158,468 for the U-Net (Section 5.3). These counts come out
with 1x1 shortcuts, where Tables 2-11 print 3x3. Further slips of the tables: add-2 joins conv2d-7
(Table 4), and every concatenation joins the transposed convolution with the encoder's features
before the batch normalisation (Tables 8-11).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from .layers import (
    FILTERS,
    StridedConvolution,
    TransposedConvolution,
    UNet,
    batch_norm,
    convolution,
    double_convolution,
    initialise_glorot,
)


def _normalise_activate(features: int) -> list[nn.Module]:
    return [batch_norm(features), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions behind batch normalisation and ReLU, plus a normalised 1x1 shortcut.

    Args:
        inputs, outputs: Channels.
        stride: Of the first convolution and of the shortcut, 1 or 2.
        activated: False for the stem, whose first convolution sees the image itself.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, activated: bool = True):
        super().__init__()
        first = StridedConvolution if stride == 2 else convolution
        self.body = nn.Sequential(
            *(_normalise_activate(inputs) if activated else ()),
            first(inputs, outputs),
            *_normalise_activate(outputs),
            convolution(outputs, outputs),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=stride), batch_norm(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        shortcut: Tensor = self.shortcut(x)
        return body + shortcut


class DRSegUNet(nn.Module):
    """DRSegUNet: image (batch, 1, rows, columns) to logits (batch, channels, rows, columns).

    Rows and columns must be multiples of 16. The thesis' softmax is left to the caller.

    Args:
        channels: Output channels; four in the thesis.
        decoder: ``"transposed"`` convolutions, the thesis' choice, or ``"upsampling"`` to the
            nearest pixel, its ablation (Table 13).
    """

    def __init__(
        self, channels: int = 4, decoder: Literal["transposed", "upsampling"] = "transposed"
    ):
        super().__init__()
        if decoder not in ("transposed", "upsampling"):
            raise ValueError(f"decoder is {decoder!r}: use 'transposed' or 'upsampling'")
        bottom = FILTERS[-1]
        self.stem = ResidualBlock(1, FILTERS[0], activated=False)
        self.encoder = nn.ModuleList(
            ResidualBlock(inputs, outputs, stride=2) for inputs, outputs in pairwise(FILTERS)
        )
        self.bridge = nn.Sequential(
            *_normalise_activate(bottom),
            convolution(bottom, bottom),
            *_normalise_activate(bottom),
            convolution(bottom, bottom),
        )
        self.upsample = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = bottom
        for skip, outputs in reversed([*pairwise(FILTERS)]):
            if decoder == "transposed":
                self.upsample.append(TransposedConvolution(below, outputs))
                below = outputs
            else:
                self.upsample.append(nn.Upsample(scale_factor=2, mode="nearest"))
            self.decoder.append(ResidualBlock(below + skip, outputs))
            below = outputs
        self.head = convolution(below, channels, kernel=1)
        initialise_glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        skips = []
        for block in self.encoder:
            skips.append(x)
            x = block(x)
        x = self.bridge(x)
        for upsample, block in zip(self.upsample, self.decoder, strict=True):
            x = block(torch.cat([upsample(x), skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def _transposed(below: int, skip: int) -> tuple[nn.Module, int]:
    return TransposedConvolution(below, skip), skip


class ThesisUNet(UNet):
    """The thesis' plain U-Net: image (batch, 1, rows, columns) to logits, ``channels`` of them.

    Rows and columns must be multiples of 16. The thesis gives its parameters and its 16 first
    features (Section 5.3), not its layers: two 3x3 convolutions a level and 3x3 transposed
    convolutions are what the count implies. Dropout, which leaves no trace in a count, is left out.

    Args:
        channels: Output channels; four in the thesis.
    """

    def __init__(self, channels: int = 4):
        super().__init__(double_convolution, double_convolution, _transposed, channels=channels)
