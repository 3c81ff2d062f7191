"""R2UNet, one of EAMC's base classifiers: a U-Net of recurrent residual blocks.

Source: Pal, Das, Mitra et al., "EAMC", medRxiv 2022.12.21.22283793, which gives 6.00M parameters
(Table 6) and cites Alom et al., arXiv:1802.06955. The count comes out with 16 to 256 features,
without batch normalisation, and with a kernel of its own for every step of a recurrence, where
Alom's share one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .keras_layers import convolution
from .unet import UNet, nearest_upsampling


class RecurrentUnit(nn.Module):
    """Recurrent convolution: a 3x3 convolution, then two more that each see the input added again.

    Args:
        features: Channels in and out.
    """

    def __init__(self, features: int):
        super().__init__()
        self.steps = nn.ModuleList(convolution(features, features) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.steps
        state = torch.relu_(first(x))
        for step in others:
            state = torch.relu_(step(state + x))
        return state


class RecurrentResidualBlock(nn.Module):
    """1x1 convolution to ``outputs`` channels, plus what two recurrent units make of it."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.project = convolution(inputs, outputs, kernel=1)
        self.units = nn.Sequential(RecurrentUnit(outputs), RecurrentUnit(outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        return x + self.units(x)


class R2UNet(UNet):
    """R2UNet: image (batch, 1, rows, columns) to logits (batch, 1, rows, columns).

    Rows and columns must be multiples of 16.
    """

    def __init__(self):
        super().__init__(RecurrentResidualBlock, RecurrentResidualBlock, nearest_upsampling)
