"""Xception-style U-Net, one of EAMC's base classifiers ("Xception Net").

Source: Pal, Das, Mitra et al., "EAMC", medRxiv 2022.12.21.22283793, which gives 2.05M parameters
(Table 6) and no layers. The count is that of the U-Net of separable convolutions in Keras' example
"Image segmentation with a U-Net-like architecture" (F. Chollet, 2019), from one channel to one.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from .keras_layers import StridedConvolution, batch_norm, convolution, initialise_glorot

STEM = 32
ENCODER = (64, 128, 256)
DECODER = (256, 128, 64, 32)


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution of every channel by itself, then a 1x1 convolution across them."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        convolution(inputs, outputs, kernel=1),
    )


class DownBlock(nn.Module):
    """Two separable convolutions and a pooling, added to a 1x1 convolution of stride 2."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),  # not in place: the input is projected as well
            _separable(inputs, outputs),
            batch_norm(outputs),
            nn.ReLU(inplace=True),
            _separable(outputs, outputs),
            batch_norm(outputs),
            # Keras pads even rows and columns at their end only, which is what ceil_mode does.
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.project = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.project(x)


class UpBlock(nn.Module):
    """Two transposed convolutions, added to a 1x1 convolution, doubled to the nearest pixel.

    The example doubles both summands first; doubling the sum gives the same values for a quarter
    of the work.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),  # not in place: the input is projected as well
            nn.ConvTranspose2d(inputs, outputs, 3, padding=1),
            batch_norm(outputs),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(outputs, outputs, 3, padding=1),
            batch_norm(outputs),
        )
        self.project = convolution(inputs, outputs, kernel=1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample(self.body(x) + self.project(x))


class XceptionUNet(nn.Module):
    """Xception-style U-Net: image (batch, 1, rows, columns) to logits of the same shape.

    Rows and columns must be multiples of 16. Encoder and decoder are joined by residual sums only;
    no features skip from one to the other, in spite of the name.
    """

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            StridedConvolution(1, STEM), batch_norm(STEM), nn.ReLU(inplace=True)
        )
        self.encoder = nn.Sequential(
            *(DownBlock(inputs, outputs) for inputs, outputs in pairwise((STEM, *ENCODER)))
        )
        self.decoder = nn.Sequential(
            *(UpBlock(inputs, outputs) for inputs, outputs in pairwise((ENCODER[-1], *DECODER)))
        )
        self.head = convolution(DECODER[-1], 1)
        initialise_glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.decoder(self.encoder(self.stem(x))))
