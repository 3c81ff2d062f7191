"""AMC-Net: attention-modulated multi-scale U-Net, the base classifier of EAMC.

Source: Pal, Das, Mitra et al., "EAMC", medRxiv 2022.12.21.22283793, Fig. 2 and Tables 7-9. Two
readings exist: the paper's (parallel dilated branches, parameter-free up-sampling; 3,346,381
parameters) and the authors' released models (cascaded branches, transposed convolutions; 4,457,101
parameters). Both are built here; the paper's is the default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

FILTERS = (16, 32, 64, 128, 256)


def _convolution(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation)


class MultiScaleBlock(nn.Module):
    """MS-block (Fig. 2b, Table 8): four dilated 3x3 convolutions, concatenated, fused by 1x1.

    The fusing 1x1 convolution is the "conv" that follows each MS-block in Table 7; with a 3x3
    kernel, as that table prints, the parameter count of Table 6 would not come out.

    Args:
        features: Channels n in and out.
        dilations: Dilation rate D of each branch; the paper's ablation (Table 4) compares
            (1, 2, 3, 5), (1, 2, 3, 4) and (1, 2, 4, 8).
        cascaded: False: every branch sees the block's input (the paper). True: each branch sees
            the branch before it (the released models).
        dropout: Probability of dropout before and after the fusing convolution.
    """

    def __init__(self, features: int, dilations: Sequence[int], cascaded: bool, dropout: float):
        super().__init__()
        self.cascaded = cascaded
        self.branches = nn.ModuleList(
            _convolution(features, features, dilation=dilation) for dilation in dilations
        )
        self.fuse = _convolution(features * len(dilations), features, kernel=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        scales = []
        for branch in self.branches:
            scale = torch.relu(branch(scales[-1] if self.cascaded and scales else x))
            scales.append(scale)
        fused = torch.relu(self.fuse(self.dropout(torch.cat(scales, dim=1))))
        return self.dropout(fused)


class AttentionGate(nn.Module):
    """AG (Fig. 2c, Table 9): weighs a skip connection by one sigmoid map per pixel.

    Args:
        skip: Channels of the encoder's features x.
        gating: Channels of the up-sampled decoder features g.
        features: Channels n in which the two are added.
    """

    def __init__(self, skip: int, gating: int, features: int):
        super().__init__()
        self.from_skip = _convolution(skip, features, kernel=1)
        self.from_gating = _convolution(gating, features, kernel=1)
        self.to_attention = _convolution(features, 1, kernel=1)

    def attention(self, skip: Tensor, gating: Tensor) -> Tensor:
        """The attention map, (batch, 1, rows, columns), 0 to 1."""
        joined = torch.relu(self.from_skip(skip) + self.from_gating(gating))
        return torch.sigmoid(self.to_attention(joined))

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        return skip * self.attention(skip, gating)


class _Stage(nn.Sequential):
    """One of blocks 1-4 and 6-9: 3x3 convolution, dropout, MS-block."""

    def __init__(
        self, inputs: int, outputs: int, dilations: Sequence[int], cascaded: bool, dropout: float
    ):
        super().__init__(
            _convolution(inputs, outputs),
            nn.ReLU(),
            nn.Dropout(dropout),
            MultiScaleBlock(outputs, dilations, cascaded, dropout),
        )


class AMCNet(nn.Module):
    """AMC-Net: image (batch, 1, rows, columns) to logits (batch, 1, rows, columns).

    Rows and columns must be multiples of 16. The paper's sigmoid is left to the caller, so that
    losses can work on logits.

    Args:
        dilations: Dilation rates of the MS-blocks.
        cascaded: Chain the dilated branches as the released models do.
        upsampling: ``"nearest"`` (the paper's parameter count) or ``"transposed"`` (the released
            models: 2x2 transposed convolution, stride 2, to twice the channels).
        dropout: Dropout probability everywhere.
    """

    def __init__(
        self,
        dilations: Sequence[int] = (1, 2, 3, 5),
        cascaded: bool = False,
        upsampling: Literal["nearest", "transposed"] = "nearest",
        dropout: float = 0.2,
    ):
        super().__init__()
        if upsampling not in ("nearest", "transposed"):
            raise ValueError(f"upsampling is {upsampling!r}: use 'nearest' or 'transposed'")
        levels = FILTERS[:-1]
        bottom = FILTERS[-1]
        self.encoder = nn.ModuleList(
            _Stage(inputs, outputs, dilations, cascaded, dropout)
            for inputs, outputs in zip((1, *levels[:-1]), levels, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = nn.Sequential(
            _convolution(levels[-1], bottom),
            nn.ReLU(),
            nn.Dropout(dropout),
            _convolution(bottom, bottom),
            nn.ReLU(),
        )
        self.upsample = nn.ModuleList()
        self.gates = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = bottom
        for skip in reversed(levels):
            if upsampling == "transposed":
                gating = 2 * below
                self.upsample.append(nn.ConvTranspose2d(below, gating, 2, stride=2))
            else:
                gating = below
                self.upsample.append(nn.Upsample(scale_factor=2, mode="nearest"))
            self.gates.append(AttentionGate(skip, gating, features=skip // 2))
            self.decoder.append(_Stage(gating + skip, skip, dilations, cascaded, dropout))
            below = skip
        self.head = _convolution(below, 1, kernel=1)
        self._initialise()

    def _initialise(self) -> None:
        # Keras' default, which the authors trained with: Glorot uniform kernels, zero biases.
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

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
