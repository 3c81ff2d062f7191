"""From the mask features of some regions to one feature vector of the slice, and to its class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..choices import BOTTLENECKS, REFINEMENTS

_STAGES = 3
_SHARED_PASSES = 9
"""The released code runs a sequence of three times the same block three times."""
_WIDTH = 128


class AffinityLayer(nn.Module):
    """Refinement, vectorisation and affinities (section 3.3).

    Mask features (n, beta, C, 28, 28) to z, (n, C).

    Y = W^T X and z = Y^T v (Eq. 3 and 6), so z = X^T (W v): whatever C* is, z could be written with
    one weight per region, and C* changes how these weights are learned, not what they can express.
    The rows of W belong to ranks of score, so regions come in that order.

    Args:
        regions: beta of the paper.
        channels: C of the paper.
        affinities: C* of the paper.
        refinement, bottleneck: See :class:`~.affinity.AffinityMaskRCNN`.

    Raises:
        ValueError: A choice is not among those named, or there are no affinities.
    """

    def __init__(
        self, regions: int, channels: int, affinities: int, refinement: str, bottleneck: str
    ):
        super().__init__()
        if refinement not in REFINEMENTS or bottleneck not in BOTTLENECKS:
            raise ValueError(
                f"refinement must be one of {', '.join(REFINEMENTS)}, and bottleneck one of "
                f"{', '.join(BOTTLENECKS)}"
            )
        if affinities < 1:
            raise ValueError("there must be at least one affinity")
        between = channels // 2 if bottleneck == "half" else channels
        blocks = _STAGES if refinement == "three blocks" else 1
        self._passes = 1 if refinement == "three blocks" else _SHARED_PASSES
        self.refine = nn.Sequential(*(_refinement(channels, between) for _ in range(blocks)))
        self.vectorise = nn.Sequential(
            *_step(channels, kernel=2, stride=2),
            *_step(channels, kernel=2, stride=2),
            *_step(channels, kernel=7, stride=1),
        )
        self.matrix = nn.Parameter(torch.randn(regions, affinities))
        self.vector = nn.Parameter(torch.randn(affinities))
        initialise(self.refine)
        initialise(self.vectorise)

    def vectors(self, regions: Tensor) -> Tensor:
        """X (n, beta, C) of mask features (n, beta, C, 28, 28)."""
        number, beta = regions.shape[:2]
        x: Tensor = regions.flatten(0, 1)
        for _ in range(self._passes):
            x = self.refine(x)
        x = self.vectorise(x)
        return x.reshape(number, beta, -1)

    def representation(self, vectors: Tensor) -> Tensor:
        """Y = W^T X, (n, C*, C)."""
        return torch.einsum("kr,nkc->nrc", self.matrix, vectors)

    def feature(self, representation: Tensor) -> Tensor:
        """z = Y^T v, (n, C)."""
        return torch.einsum("nrc,r->nc", representation, self.vector)

    def forward(self, regions: Tensor) -> Tensor:
        return self.feature(self.representation(self.vectors(regions)))


class SliceClassHead(nn.Sequential):
    """Two fully connected layers and the logits (section 3.4).

    Args:
        features: Length of the feature vector.
        classes: Classes of slices.
    """

    def __init__(self, features: int, classes: int):
        super().__init__(
            nn.Linear(features, _WIDTH),
            nn.ReLU(),
            nn.Linear(_WIDTH, _WIDTH),
            nn.ReLU(),
            nn.Linear(_WIDTH, classes),
        )


def initialise(module: nn.Module) -> None:
    """Weights of convolutions as the released code draws them, and biases of 0.01."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.01)


def _refinement(channels: int, between: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, between, 2, 2),
        nn.BatchNorm2d(between),
        nn.ReLU(),
        nn.ConvTranspose2d(between, channels, 2, 2),
    )


def _step(channels: int, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, channels, kernel, stride), nn.ReLU(), nn.BatchNorm2d(channels)
