"""Where the affinity model classifies: the boxes it takes, and the copied heads it sees them by.

Ter-Sarkisov, Applied Soft Computing 116, 108261, 2022, section 4.2.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from .affinity_layer import initialise

CHANNELS = 256
"""Of the feature pyramid, and so of every region's features."""
REGIONS = 8
"""beta of the paper (section 4.2): regions that classify a slice."""

_CLASSIFYING_NMS = 0.25
_LEAST_AREA = 1e-5
_COPIES = {
    "box_head": "box_head",
    "box_predictor": "box_predictor",
    "mask_head": "mask_head",
    "upsample": "mask_predictor.conv5_mask",
}
"""Parts of RoI(C), and what of RoI(S) they are copies of."""


def drop_copies(
    network: nn.Module, state: dict[str, Tensor], prefix: str, _metadata: object
) -> None:
    """Hook behind ``state_dict``: leaves out the weights that are copies."""
    for part in _COPIES:
        for name in [name for name in state if name.startswith(f"{prefix}branch.{part}.")]:
            del state[name]


def restore_copies(network: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Hook before ``load_state_dict``: copies are made of what they are copies of."""
    for part, source in _COPIES.items():
        copied = f"{prefix}roi.{source}."
        for name in [name for name in state if name.startswith(copied)]:
            state.setdefault(f"{prefix}branch.{part}.{name.removeprefix(copied)}", state[name])


class ClassificationBranch(nn.Module):
    """RoI(C): copies of box head, box predictor and mask head, which get no gradients.

    Args:
        regions: The segmentation branch, RoI(S).
        conv_reduce: A further convolution, which has random weights that never learn.
    """

    box_head: nn.Module
    box_predictor: nn.Module
    mask_head: nn.Module
    upsample: nn.Module

    def __init__(self, regions: Any, conv_reduce: bool):
        super().__init__()
        for part, source in _COPIES.items():
            setattr(self, part, deepcopy(regions.get_submodule(source)))
        self.reduce = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) if conv_reduce else nn.Identity()
        initialise(self.reduce)
        self.requires_grad_(False)
        # Not modules of this one: they have no weights, and decode as the segmentation branch does.
        self._tools = (regions.box_roi_pool, regions.mask_roi_pool, regions.box_coder)

    @torch.no_grad()
    def copy_from(self, regions: Any) -> None:
        """Take the weights of the segmentation branch, bit for bit."""
        for part, source in _COPIES.items():
            self.get_submodule(part).load_state_dict(regions.get_submodule(source).state_dict())

    def best_boxes(
        self, features: dict[str, Tensor], proposals: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """At most 8 boxes (n, 4) by falling score, whatever it is."""
        from torchvision.ops import clip_boxes_to_image, nms

        if len(proposals) == 0:
            return proposals
        pool, _, coder = self._tools
        logits, deltas = self.box_predictor(self.box_head(pool(features, [proposals], [size])))
        boxes = clip_boxes_to_image(coder.decode(deltas, [proposals])[:, 1], size)
        scores = logits.softmax(dim=1)[:, 1]
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        there = torch.nonzero(width * height > _LEAST_AREA).flatten()
        kept: Tensor = nms(boxes[there], scores[there], _CLASSIFYING_NMS)[:REGIONS]
        chosen: Tensor = boxes[there][kept]
        return chosen

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]
    ) -> Tensor:
        """Mask features (n, 8, 256, 28, 28) of eight boxes of every slice."""
        _, pool, _ = self._tools
        found = self.upsample(self.mask_head(pool(features, boxes, sizes)))
        found = torch.relu(self.reduce(found))
        return found.view(len(boxes), REGIONS, *found.shape[1:])


def filled(boxes: Tensor, rows: int, columns: int) -> Tensor:
    """Eight boxes of n, in the same order: each is repeated about as often; all of it of none."""
    if len(boxes) == 0:
        return boxes.new_tensor([[0.0, 0.0, columns, rows]]).repeat(REGIONS, 1)
    return boxes[torch.arange(REGIONS, device=boxes.device) * len(boxes) // REGIONS]
