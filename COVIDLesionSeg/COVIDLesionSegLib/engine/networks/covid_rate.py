"""COVID-Rate: dilated residual encoder, context boosting, and a wider decoder.

Source: Enshaei, Oikonomou, Rafiee et al., "COVID-rate", Scientific Reports 12 (2022),
doi:10.1038/s41598-022-06854-9, Figs. 7 and 8. Where the text leaves a choice, this is the layer
graph of the authors' published code: no activation after a unit's sum, a squeeze-and-excitation
that adds its input again, 1x1 shortcuts with batch normalisation, nearest up-sampling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import (
    StridedConvolution,
    batch_norm,
    convolution,
    initialise_glorot,
    initialise_he_normal,
)

ENCODER = (32, 64, 128, 256)
DECODER = (512, 256, 128, 64)


def _normalised(kernel: nn.Conv2d) -> list[nn.Module]:
    return [kernel, batch_norm(kernel.out_channels), nn.ReLU(inplace=True)]


class SqueezeExcitation(nn.Module):
    """Weighs every channel by 1 plus a sigmoid of all channels' means, without biases.

    Features (batch, features, rows, columns) to the same shape.

    Args:
        features: Channels in and out.
        ratio: ``features / ratio`` channels in between.
    """

    def __init__(self, features: int, ratio: int = 16):
        super().__init__()
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(features, features // ratio, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(features // ratio, features, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.excite(x)
        return x * (1.0 + weights)


class EncoderUnit(nn.Module):
    """3x3 convolution, 3x3 convolution of dilation 2, squeeze-and-excitation, plus the input.

    Features (batch, inputs, rows, columns) to (batch, features, rows / stride, columns / stride).

    Args:
        inputs, features: Channels in and out.
        plain: Without dilation and without squeeze-and-excitation.
        stride: 2 for the first unit of a block, whose input passes a 1x1 convolution before it is
            added; 1 for the second, whose input is added as it is.
    """

    def __init__(self, inputs: int, features: int, stride: int, plain: bool = False):
        super().__init__()
        first = StridedConvolution if stride == 2 else convolution
        self.body = nn.Sequential(
            *_normalised(first(inputs, features)),
            *_normalised(convolution(features, features, dilation=1 if plain else 2)),
            nn.Identity() if plain else SqueezeExcitation(features),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, features, 1, stride=2), batch_norm(features)
            )

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        shortcut: Tensor = self.shortcut(x)
        return body + shortcut


class ContextBoosting(nn.Module):
    """Context perception boosting (Fig. 8): a 1x1 and four dilated 3x3 convolutions, summed.

    Features (batch, features, rows, columns) to the same shape.

    The paper's L2 penalty on these kernels (0.01 in the published code) belongs to training.

    Args:
        features: Channels in and out.
    """

    def __init__(self, features: int):
        super().__init__()
        self.branches = nn.ModuleList(
            [
                convolution(features, features, kernel=1),
                *(convolution(features, features, dilation=dilation) for dilation in (1, 2, 4, 8)),
            ]
        )
        self.activate = nn.Sequential(batch_norm(features), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.activate(sum(branch(x) for branch in self.branches))
        return activated


class DecoderBlock(nn.Module):
    """Doubles its input, joins it with the encoder's features of that size (Fig. 7b).

    Input (batch, inputs, rows, columns) and encoder's features (batch, skip, 2 rows, 2 columns) to
    (batch, features, 2 rows, 2 columns).

    Args:
        inputs, skip, features: Channels of the input, of the encoder's features, and out.
        plain: As for :class:`EncoderUnit`.
    """

    def __init__(self, inputs: int, skip: int, features: int, plain: bool = False):
        super().__init__()
        self.upsample = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_normalised(convolution(inputs, features)),
        )
        self.transition = nn.Sequential(
            convolution(skip, features, kernel=1), nn.ReLU(inplace=True)
        )
        self.join = nn.Sequential(
            *_normalised(convolution(2 * features, features, dilation=1 if plain else 2)),
            nn.Identity() if plain else SqueezeExcitation(features),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([self.upsample(x), self.transition(skip)], dim=1))
        return joined


class COVIDRate(nn.Module):
    """COVID-Rate: lung-only image (batch, 1, rows, columns) to logits of the same shape.

    Rows and columns must be multiples of 16. The paper's sigmoid is left to the caller.

    Args:
        context: Context perception boosting; without, the paper's "COVID-Rate without CPB" (Table
            4).
        plain: Without dilation and squeeze-and-excitation in encoder and decoder: our reading of
            the paper's "Residual U-Net with CPB", whose layers it does not give.
    """

    def __init__(self, context: bool = True, plain: bool = False) -> None:
        super().__init__()
        first = ENCODER[0]
        self.stem = nn.Sequential(*_normalised(convolution(1, first, kernel=7)))
        skips = (first, *ENCODER[:-1])
        self.encoder = nn.ModuleList(
            nn.Sequential(
                EncoderUnit(inputs, features, 2, plain), EncoderUnit(features, features, 1, plain)
            )
            for inputs, features in zip(skips, ENCODER, strict=True)
        )
        self.context = ContextBoosting(ENCODER[-1]) if context else nn.Identity()
        self.decoder = nn.ModuleList(
            DecoderBlock(inputs, skip, features, plain)
            for inputs, skip, features in zip(
                (ENCODER[-1], *DECODER[:-1]), reversed(skips), DECODER, strict=True
            )
        )
        self.head = convolution(DECODER[-1], 1, kernel=1)
        self._initialise()

    def _initialise(self) -> None:
        # The published code asks for he_normal everywhere but in the shortcuts and the head.
        initialise_glorot(self)
        units = [module for module in self.modules() if isinstance(module, EncoderUnit)]
        glorot = {self.head, *(kernel for unit in units for kernel in unit.shortcut.modules())}
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module not in glorot:
                initialise_he_normal(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        skips = []
        for block in self.encoder:
            skips.append(x)
            x = block(x)
        x = self.context(x)
        for block in self.decoder:
            x = block(x, skips.pop())
        logits: Tensor = self.head(x)
        return logits
