"""Masks of instances on the whole grid of a slice."""

from __future__ import annotations

import torch
from torch import Tensor


def pasted(boxes: Tensor, masks: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Probabilities float32 (n, rows, columns) of masks (n, 28, 28) stretched over their boxes.

    Args:
        boxes: (n, 4) in pixels.
        masks: Probabilities.
        shape: (rows, columns).
    """
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    rows, columns = shape
    if len(boxes) == 0:
        return torch.zeros(0, rows, columns)
    found: Tensor = paste_masks_in_image(masks[:, None].cpu(), boxes.cpu(), (rows, columns))
    return found[:, 0]
