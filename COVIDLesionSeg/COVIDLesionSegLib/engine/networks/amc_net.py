"""AMC-Net: attention-modulated multi-scale U-Net, the base classifier of EAMC.

Source: Pal, Das, Mitra et al., "EAMC", medRxiv 2022.12.21.22283793, Fig. 2 and Tables 6-9. Two
readings exist: the paper's (parallel dilated branches, parameter-free up-sampling; 3,346,381
parameters) and the authors' released models (cascaded branches, transposed convolutions; 4,457,101
parameters). Both are built here, and so are the paper's ablations: the U-Net without multi-scale
blocks, without attention gates, and without both. The paper's AMC-Net is the default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from .keras_layers import convolution
from .unet import UNet, double_convolution, nearest_upsampling, no_gate


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
            convolution(features, features, dilation=dilation) for dilation in dilations
        )
        self.fuse = convolution(features * len(dilations), features, kernel=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        scales = []
        for branch in self.branches:
            scale = torch.relu_(branch(scales[-1] if self.cascaded and scales else x))
            scales.append(scale)
        fused = torch.relu_(self.fuse(self.dropout(torch.cat(scales, dim=1))))
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
        self.from_skip = convolution(skip, features, kernel=1)
        self.from_gating = convolution(gating, features, kernel=1)
        self.to_attention = convolution(features, 1, kernel=1)

    def attention(self, skip: Tensor, gating: Tensor) -> Tensor:
        """The attention map, (batch, 1, rows, columns), 0 to 1."""
        joined = torch.relu_(self.from_skip(skip) + self.from_gating(gating))
        return torch.sigmoid(self.to_attention(joined))

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        return skip * self.attention(skip, gating)


def _gate(skip: int, gating: int) -> AttentionGate:
    return AttentionGate(skip, gating, features=skip // 2)


def _transposed(below: int, _skip: int) -> tuple[nn.Module, int]:
    """The released models' 2x2 transposed convolution to twice the channels."""
    return nn.ConvTranspose2d(below, 2 * below, 2, stride=2), 2 * below


_UPSAMPLING = {"nearest": nearest_upsampling, "transposed": _transposed}


class AMCNet(UNet):
    """AMC-Net: image (batch, 1, rows, columns) to logits (batch, 1, rows, columns).

    Rows and columns must be multiples of 16. The paper's sigmoid is left to the caller, so that
    losses can work on logits.

    Args:
        multi_scale: MS-blocks (Table 7's blocks 1-4 and 6-9: 3x3 convolution, dropout, MS-block);
            without them each is a second 3x3 convolution.
        attention: Attention gates on the skip connections.
        dilations: Dilation rates of the MS-blocks.
        cascaded: Chain their dilated branches as the released models do.
        upsampling: ``"nearest"`` (the paper's parameter count) or ``"transposed"`` (the released
            models: 2x2 transposed convolution, stride 2, to twice the channels).
        dropout: Dropout probability everywhere.
    """

    def __init__(
        self,
        multi_scale: bool = True,
        attention: bool = True,
        dilations: Sequence[int] = (1, 2, 3, 5),
        cascaded: bool = False,
        upsampling: Literal["nearest", "transposed"] = "nearest",
        dropout: float = 0.2,
    ):
        if upsampling not in _UPSAMPLING:
            raise ValueError(f"upsampling is {upsampling!r}: use 'nearest' or 'transposed'")

        def multi_scale_stage(inputs: int, outputs: int) -> nn.Module:
            return nn.Sequential(
                convolution(inputs, outputs),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
                MultiScaleBlock(outputs, dilations, cascaded, dropout),
            )

        plain_stage = partial(double_convolution, dropout=dropout)
        super().__init__(
            stage=multi_scale_stage if multi_scale else plain_stage,
            bottleneck=plain_stage,
            upsampling=_UPSAMPLING[upsampling],
            gate=_gate if attention else no_gate,
        )
