"""Single lesions of a slice: its connected components, and what a detector learns of them."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ..inference.frame import Frame

_WITH_DIAGONALS = np.ones((3, 3), dtype=bool)


def components(lesion: np.ndarray) -> np.ndarray:
    """Connected components of a mask (rows, columns), int32 from 1 on; diagonals connect."""
    numbered, _ = ndimage.label(lesion > 0, _WITH_DIAGONALS)
    return np.asarray(numbered, dtype=np.int32)


def labels_on_grid(lesion: np.ndarray, frame: Frame) -> Tensor:
    """The components of a slice's lesions on the network's grid, int32 (rows, columns).

    A lesion too small for the grid keeps one pixel; one outside the frame is not seen.
    """
    numbered = components(lesion)
    labels = frame.labels(numbered)
    kept = set(torch.unique(labels).tolist())
    for number, place in enumerate(ndimage.find_objects(numbered), start=1):
        if number not in kept:
            single = np.zeros_like(numbered)
            single[place] = numbered[place] == number
            share = frame.image(single > 0)[0]
            if share.max() > 0:
                labels.view(-1)[int(share.argmax())] = number
    return labels


def targets_of(labels: Tensor) -> dict[str, Tensor]:
    """Instances of a labelled grid (rows, columns) as Mask R-CNN takes them.

    Returns:
        ``boxes`` float32 (n, 4): left, upper, right, lower edge; ``labels`` int64 (n,) of ones;
        ``masks`` uint8 (n, rows, columns).
    """
    numbers = torch.unique(labels)
    masks = labels == numbers[numbers > 0][:, None, None]
    return {
        "boxes": boxes_of(masks),
        "labels": torch.ones(len(masks), dtype=torch.int64, device=labels.device),
        "masks": masks.to(torch.uint8),
    }


def boxes_of(masks: Tensor) -> Tensor:
    """Boxes float32 (n, 4) around masks (n, rows, columns), none of which is empty."""
    from torchvision.ops import masks_to_boxes

    # It counts to the last pixel, and boxes reach to its far edge.
    boxes: Tensor = masks_to_boxes(masks) + masks.new_tensor([0, 0, 1, 1], dtype=torch.float32)
    return boxes
