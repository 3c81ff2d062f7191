"""Layers that compute what Keras' own do, where PyTorch's would not; the papers used Keras.

"Same" padding: of an image with an even number of rows, Keras' 3x3 convolution of stride 2 pads one
row, below the last; PyTorch's ``padding=1`` pads one above the first as well, and so sees other
pixels. The transposed convolution is the other way round. 1x1 kernels need no padding.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Conv2d:
    """Convolution with bias that keeps rows and columns; ``kernel`` is odd."""
    return nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation)


class StridedConvolution(nn.Conv2d):
    """3x3 convolution of stride 2 that halves rows and columns, both even, as Keras pads them."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class TransposedConvolution(nn.ConvTranspose2d):
    """3x3 transposed convolution of stride 2 that doubles rows and columns as Keras crops them."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1, :-1]


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
