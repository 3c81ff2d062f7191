"""EAMC: AMC-Net, its ablations, and the networks that the paper compares it with.

Source: Pal Das, Mitra and Shankar, "EAMC", medRxiv 2022.12.21.22283793.

AMC-Net, attention-modulated multi-scale U-Net (Fig. 2, Tables 6-9). Two readings exist: the paper's
(parallel dilated branches, parameter-free up-sampling; 3,346,381 parameters) and the authors'
released models (cascaded branches, transposed convolutions; 4,457,101 parameters). Both are built
here, and so are the paper's ablations: the U-Net without multi-scale blocks, without attention
gates, and without both. The paper's AMC-Net is the default.

R2UNet, a U-Net of recurrent residual blocks. The paper gives 6.00M parameters (Table 6) and cites
Alom et al., arXiv:1802.06955. The count comes out with 16 to 256 features, without batch
normalisation, and with a kernel of its own for every step of a recurrence, where Alom's share one.

Xception-style U-Net ("Xception Net"). The paper gives 2.05M parameters and no layers. The count is
that of the U-Net of separable convolutions in Keras' example "Image segmentation with a U-Net-like
architecture" (F. Chollet, 2019), from one channel to one.

"Inception Net" and "DenseNet": U-Nets on encoders of segmentation-models-pytorch, our readings.

All map images (batch, 1, rows, columns) to logits of the same shape. Rows and columns must be
multiples of 16. The paper's sigmoid is left to the caller, so that losses can work on logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from .layers import (
    StridedConvolution,
    UNet,
    batch_norm,
    convolution,
    double_convolution,
    encoder_library,
    initialise_glorot,
    nearest_upsampling,
    no_gate,
)


class MultiScaleBlock(nn.Module):
    """MS-block (Fig. 2b, Table 8): four dilated 3x3 convolutions, concatenated, fused by 1x1.

    Features (batch, features, rows, columns) to the same shape.

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
        scales: list[Tensor] = []
        for branch in self.branches:
            scale = torch.relu_(branch(scales[-1] if self.cascaded and scales else x))
            scales.append(scale)
        fused = torch.relu_(self.fuse(self.dropout(torch.cat(scales, dim=1))))
        dropped: Tensor = self.dropout(fused)
        return dropped


class AttentionGate(nn.Module):
    """AG (Fig. 2c, Table 9): weighs a skip connection by one sigmoid map per pixel.

    Features (batch, skip, rows, columns) and (batch, gating, rows, columns) to the shape of the
    first.

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


class RecurrentUnit(nn.Module):
    """Recurrent convolution: a 3x3 convolution, then two more that each see the input added again.

    Features (batch, features, rows, columns) to the same shape.

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
    """1x1 convolution to ``outputs`` channels, plus what two recurrent units make of it.

    Features (batch, inputs, rows, columns) to (batch, outputs, rows, columns).
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.project = convolution(inputs, outputs, kernel=1)
        self.units = nn.Sequential(RecurrentUnit(outputs), RecurrentUnit(outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        residual: Tensor = self.units(x)
        return x + residual


class R2UNet(UNet):
    """R2UNet: image (batch, 1, rows, columns) to logits (batch, 1, rows, columns).

    Rows and columns must be multiples of 16.
    """

    def __init__(self) -> None:
        super().__init__(RecurrentResidualBlock, RecurrentResidualBlock, nearest_upsampling)


_XCEPTION_ENCODER = (32, 64, 128, 256)
_XCEPTION_DECODER = (256, 128, 64, 32)


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution of every channel by itself, then a 1x1 convolution across them."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        convolution(inputs, outputs, kernel=1),
    )


class DownBlock(nn.Module):
    """Two separable convolutions and a pooling, added to a 1x1 convolution of stride 2.

    Features (batch, inputs, rows, columns), both even, to (batch, outputs, rows / 2, columns / 2).
    """

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
        body: Tensor = self.body(x)
        shortcut: Tensor = self.project(x)
        return body + shortcut


class UpBlock(nn.Module):
    """Two transposed convolutions, added to a 1x1 convolution, doubled to the nearest pixel.

    Features (batch, inputs, rows, columns) to (batch, outputs, 2 rows, 2 columns).

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
        doubled: Tensor = self.upsample(self.body(x) + self.project(x))
        return doubled


class XceptionUNet(nn.Module):
    """Xception-style U-Net: image (batch, 1, rows, columns) to logits of the same shape.

    Rows and columns must be multiples of 16. Encoder and decoder are joined by residual sums only;
    no features skip from one to the other, in spite of the name.
    """

    def __init__(self) -> None:
        super().__init__()
        stem = _XCEPTION_ENCODER[0]
        self.stem = nn.Sequential(
            StridedConvolution(1, stem), batch_norm(stem), nn.ReLU(inplace=True)
        )
        self.encoder = nn.Sequential(
            *(DownBlock(inputs, outputs) for inputs, outputs in pairwise(_XCEPTION_ENCODER))
        )
        levels = (_XCEPTION_ENCODER[-1], *_XCEPTION_DECODER)
        self.decoder = nn.Sequential(
            *(UpBlock(inputs, outputs) for inputs, outputs in pairwise(levels))
        )
        self.head = convolution(levels[-1], 1)
        initialise_glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.decoder(self.encoder(self.stem(x))))
        return logits


def inception_unet() -> nn.Module:
    """U-Net on Inception v4 with four poolings and the decoder of EAMC's own networks; one channel.

    The paper states 11.99M parameters and no layers; this reading has 17,971,569. Inception v4 is
    the package's only Inception that is not combined with residuals and keeps image borders.
    """
    network = _four_poolings("inceptionv4")
    # The package keeps, and computes, the layers below the fourth pooling, which nothing uses.
    network.encoder.features = network.encoder.features[:15]
    return cast(nn.Module, network)


def densenet_unet() -> nn.Module:
    """U-Net on DenseNet-121 with four poolings and the decoder of EAMC's own networks; one channel.

    The paper states 4.26M parameters and no layers; this reading has 6,490,193.
    """
    return cast(nn.Module, _four_poolings("tu-densenet121"))


def _four_poolings(encoder: str) -> Any:
    return encoder_library().Unet(
        encoder,
        encoder_depth=4,
        encoder_weights=None,
        decoder_channels=(128, 64, 32, 16),
        in_channels=1,
        classes=1,
    )
