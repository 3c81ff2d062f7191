"""A light U-Net: EfficientNet-Lite0 as the encoder, and a slim decoder.

Neither is a paper's of this software: AMC-Net's full-resolution layers take most of a CT's time on
a CPU, and an encoder that halves the resolution at once, with depthwise convolutions, takes a
quarter of it.

Sources: Tan and Le, EfficientNet, ICML 2019, in the Lite0 variant of TensorFlow's authors (ReLU6,
no squeeze and excitation); U-Net: Ronneberger, Fischer and Brox, arXiv:1505.04597. The encoder's
parameters have the names and shapes of ``tf_efficientnet_lite0`` in timm, whose ImageNet weights
fit; it is written out here because importing timm takes longer than segmenting many a CT.
"""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

_EPSILON = 1e-3  # TensorFlow's of batch normalisation

STAGES = (
    # expansion, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_STEM = 32
_SKIPS = (1, 2, 4, 6)
"""Stages whose features the decoder gets: the last of each resolution below the stem's."""


class _SamePadded(nn.Conv2d):
    """Convolution without bias, padded as TensorFlow does: of a stride of 2 more at the end.

    (batch, inputs, rows, columns) to (batch, outputs, rows / stride, columns / stride).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        # A stride of 2 on an even number of rows needs kernel - 2 rows of padding in all.
        even = stride == 1
        padding = (kernel - 1) // 2 if even else 0
        super().__init__(
            inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=False
        )
        self._before = 0 if even else (kernel - 2) // 2
        self._after = 0 if even else kernel - 2 - self._before

    def forward(self, x: Tensor) -> Tensor:
        if self._after:
            x = F.pad(x, (self._before, self._after) * 2)
        return super().forward(x)


def _norm(features: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(features, eps=_EPSILON)


class _DepthwiseSeparable(nn.Module):
    """Depthwise, then pointwise convolution: the first stage.

    Features (batch, inputs, rows, columns) to (batch, outputs, rows, columns).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.conv_dw = _SamePadded(inputs, inputs, kernel, groups=inputs)
        self.bn1 = _norm(inputs)
        self.conv_pw = _SamePadded(inputs, outputs, 1)
        self.bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn1(self.conv_dw(x)))
        normalised: Tensor = self.bn2(self.conv_pw(x))
        return normalised


class _InvertedResidual(nn.Module):
    """Pointwise expansion, depthwise convolution, pointwise projection.

    Features (batch, inputs, rows, columns) to (batch, outputs, rows / stride, columns / stride).
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int):
        super().__init__()
        middle = inputs * expansion
        self.conv_pw = _SamePadded(inputs, middle, 1)
        self.bn1 = _norm(middle)
        self.conv_dw = _SamePadded(middle, middle, kernel, stride, groups=middle)
        self.bn2 = _norm(middle)
        self.conv_pwl = _SamePadded(middle, outputs, 1)
        self.bn3 = _norm(outputs)
        self._residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn1(self.conv_pw(x)))
        y = F.relu6(self.bn2(self.conv_dw(y)))
        projected: Tensor = self.bn3(self.conv_pwl(y))
        return x + projected if self._residual else projected


class EfficientNetLite0(nn.Module):
    """Image (batch, image_channels, rows, columns) to features of 1/2, 1/4, 1/8, 1/16 and 1/32.

    Their channels are 32, 24, 40, 112 and 320. Rows and columns must be multiples of 32.
    """

    channels = (_STEM, *(STAGES[stage][1] for stage in _SKIPS))

    def __init__(self, image_channels: int = 1):
        super().__init__()
        self.conv_stem = _SamePadded(image_channels, _STEM, 3, stride=2)
        self.bn1 = _norm(_STEM)
        stages, inputs = [], _STEM
        for expansion, outputs, blocks, stride, kernel in STAGES:
            stage: list[nn.Module] = []
            for block in range(blocks):
                if expansion == 1:
                    stage.append(_DepthwiseSeparable(inputs, outputs, kernel))
                else:
                    own = stride if block == 0 else 1
                    stage.append(_InvertedResidual(inputs, outputs, expansion, own, kernel))
                inputs = outputs
            stages.append(nn.Sequential(*stage))
        self.blocks = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.bn1(self.conv_stem(x)))
        features = [x]
        for number, stage in enumerate(self.blocks):
            x = stage(x)
            if number in _SKIPS:
                features.append(x)
        return features


class _Up(nn.Module):
    """Twice the rows and columns, the skip connection beside, and two 3x3 convolutions.

    Features (batch, inputs, rows, columns) and (batch, skip, 2 rows, 2 columns) to (batch, outputs,
    2 rows, 2 columns).
    """

    def __init__(self, inputs: int, skip: int, outputs: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            *_convolution(inputs + skip, outputs), *_convolution(outputs, outputs)
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        features: Tensor = self.convolutions(x)
        return features


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class Lite0UNet(nn.Module):
    """U-Net on EfficientNet-Lite0: image (batch, 1, rows, columns) to logits of the same size.

    3,581,393 parameters with one channel. Rows and columns must be multiples of 32.

    Args:
        channels: Of the logits: one for a sigmoid, several for a softmax.
        decoder: Features of the five steps of the decoder, from 1/16 of the resolution to all.
    """

    def __init__(self, channels: int = 1, decoder: tuple[int, ...] = (96, 64, 32, 16, 16)):
        super().__init__()
        if len(decoder) != len(EfficientNetLite0.channels):
            raise ValueError("the decoder has five steps")
        self.encoder = EfficientNetLite0()
        deepest, *skips = reversed(EfficientNetLite0.channels)
        steps = zip(pairwise([deepest, *decoder]), [*skips, 0], strict=True)
        self.decoder = nn.ModuleList(
            _Up(inputs, skip, outputs) for (inputs, outputs), skip in steps
        )
        self.head = nn.Conv2d(decoder[-1], channels, 3, padding=1)
        for module in [*self.decoder.modules(), self.head]:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        features = self.encoder(x)
        x = features.pop()
        for step in self.decoder:
            x = step(x, features.pop() if features else None)
        logits: Tensor = self.head(x)
        return logits

    def for_inference(self) -> Lite0UNet:
        """A copy that computes the same with every normalisation folded into its convolution."""
        network = copy.deepcopy(self).eval()
        for module in network.modules():
            # Every normalisation is registered right behind the convolution that it follows.
            for (_, before), (name, norm) in pairwise(list(module.named_children())):
                if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    assert norm.running_mean is not None and norm.running_var is not None
                    setattr(module, name, nn.Identity())
                    before.weight, before.bias = fuse_conv_bn_weights(
                        before.weight,
                        before.bias,
                        norm.running_mean,
                        norm.running_var,
                        norm.eps,
                        norm.weight,
                        norm.bias,
                    )
        return network
