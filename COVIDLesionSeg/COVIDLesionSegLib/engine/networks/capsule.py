"""The capsule classifier of slices that COVID-Rate puts before its segmentation network.

Source: Enshaei, Oikonomou, Rafiee et al., "COVID-rate", Scientific Reports 12 (2022),
doi:10.1038/s41598-022-06854-9, section "Capsule-network-based classifier" and Fig. 14. Its text
gives the parts and no sizes; these are those of the network that it modifies, the first stage of
COVID-FACT (Heidarian et al., Frontiers in Artificial Intelligence 4, 2021, and its published code):
64, 64, 128 and 128 features, of which the text replaces the max-pooling by a convolution of stride
2, the fifth; capsules of every layer: 32 and 32 of 16 values, and 2. A residual connection adds the
input of each convolution that keeps size and features, which is ours: the text does not say where
they are. Routing is that of Sabour, Frosst and Hinton, arXiv:1710.09829, Procedure 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .layers import StridedConvolution, batch_norm, convolution, initialise_glorot


def squash(vectors: Tensor) -> Tensor:
    """Sabour et al., Eq. 1: the same direction, and a length below 1."""
    squared = vectors.square().sum(dim=-1, keepdim=True)
    # Away from 0, where the gradient of a square root is infinite.
    return vectors * (squared + 1e-7).sqrt() / (1.0 + squared)


class CapsuleLayer(nn.Module):
    """Capsules that agree on what those below vote for; all below share their weights.

    Capsules (batch, n, inputs) to (batch, capsules, size), each of a length below 1.

    Args:
        inputs: Values of a capsule below.
        capsules, size: Number of capsules, and values of each.
        routings: Rounds of the routing; the published code's 3.
        below: Number of capsules below, each up to 1 long, from which the weights start; None where
            it depends on the image.
    """

    def __init__(
        self, inputs: int, capsules: int, size: int, routings: int = 3, below: int | None = None
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, capsules * size))
        if below is None:
            nn.init.xavier_uniform_(self.weight)
        else:
            # The sum of that many votes that disagree is about 1 long. From Glorot's start, layer
            # after layer squashes capsules to lengths of 1e-5, and the gradients with them.
            nn.init.normal_(self.weight, std=capsules / (below * size) ** 0.5)
        self._shape = (capsules, size)
        self._routings = routings

    def forward(self, below: Tensor) -> Tensor:
        votes = (below @ self.weight).reshape(*below.shape[:2], *self._shape)
        votes = votes.transpose(1, 2).contiguous()
        agreement = votes.new_zeros(votes.shape[:3])  # batch, capsules, n
        for _ in range(self._routings - 1):
            found = self._agreed(agreement, votes)
            agreement = agreement + (votes @ found[..., None])[..., 0]
        return self._agreed(agreement, votes)

    def _agreed(self, agreement: Tensor, votes: Tensor) -> Tensor:
        # Every capsule below shares its vote out among those above.
        shares = agreement.softmax(dim=1)
        return squash((shares[:, :, None] @ votes)[:, :, 0])


class CapsuleClassifier(nn.Module):
    """Image (batch, 1, rows, columns) to the length of each class's capsule (batch, classes).

    A length, 0 to 1, is the probability of its class; they need not add up to 1. Rows and columns
    are even.

    Args:
        slice_classes: Names of the classes of slices, the one without lesions first.
        features: Of the convolutions before and after the stride.
        capsules, capsule_size: Of the first two capsule layers; the last has capsules of that size.
        routings: Rounds of the routing.
    """

    def __init__(
        self,
        slice_classes: Sequence[str],
        features: tuple[int, int] = (64, 128),
        capsules: int = 32,
        capsule_size: int = 16,
        routings: int = 3,
    ):
        super().__init__()
        fine, coarse = features
        self.convolutions = nn.ModuleList(
            nn.Sequential(kernel, batch_norm(kernel.out_channels), nn.ReLU(inplace=True))
            for kernel in (
                convolution(1, fine),
                convolution(fine, fine),
                StridedConvolution(fine, fine),
                convolution(fine, coarse),
                convolution(coarse, coarse),
            )
        )
        self.capsules = nn.Sequential(
            CapsuleLayer(coarse, capsules, capsule_size, routings),
            CapsuleLayer(capsule_size, capsules, capsule_size, routings, capsules),
            CapsuleLayer(capsule_size, len(slice_classes), capsule_size, routings, capsules),
        )
        initialise_glorot(self)

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for stage in self.convolutions:
            changed = stage(x)
            x = x + changed if x.shape == changed.shape else changed
        found: Tensor = self.capsules(x.flatten(2).transpose(1, 2))
        lengths: Tensor = found.norm(dim=2)
        return lengths
