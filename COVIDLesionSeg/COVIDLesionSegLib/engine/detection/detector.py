"""Instances and class of one slice, on the slice's own pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..models.preprocessing import Preprocessing
from ..networks.affinity import AffinityMaskRCNN, Detections
from .frame import Frame, frame_of
from .masks import pasted

MASK_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class SliceInstances:
    """Lesions of one slice, by falling score.

    Attributes:
        scores: float32 (n,), each above 0.05.
        masks: bool (n, rows, columns); one may be empty.
        class_probabilities: float32 (classes,), each by a sigmoid of its own.
        no_region: The slice's class was told from the whole slice, for want of a region.
    """

    scores: np.ndarray
    masks: np.ndarray
    class_probabilities: np.ndarray
    no_region: bool

    @property
    def slice_class(self) -> int:
        """Number of the most probable class."""
        return int(self.class_probabilities.argmax())


def detect_slice(
    network: AffinityMaskRCNN,
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
    pixel_mm: tuple[float, float] = (1.0, 1.0),
    least_score: float = 0.0,
) -> SliceInstances:
    """What a detector finds in one slice.

    Args:
        network: In evaluation mode.
        preprocessing: Of its card.
        unit: (rows, columns) in 0..1 of the window.
        lungs: Non-zero in the lungs, same shape; None where not known.
        pixel_mm: Pixel size along (rows, columns).
        least_score: Instances below are left out.
    """
    found, restored = _raw(network, preprocessing, unit, lungs, pixel_mm, least_score)
    return SliceInstances(
        found.scores.float().cpu().numpy(),
        restored > MASK_THRESHOLD,
        found.class_logits.float().sigmoid().cpu().numpy(),
        found.no_region,
    )


def mask_probability(
    network: AffinityMaskRCNN,
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
    least_score: float = 0.0,
) -> np.ndarray:
    """The highest probability of any instance's mask, float32 (rows, columns), 0 without.

    Args: as for :func:`detect_slice`.
    """
    _, restored = _raw(network, preprocessing, unit, lungs, (1.0, 1.0), least_score)
    highest: np.ndarray = restored.max(axis=0, initial=0.0)
    return highest


def affinity_matrix(
    network: AffinityMaskRCNN,
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
) -> np.ndarray:
    """Y of the paper for one slice, float32 (C*, 256); arguments as for :func:`detect_slice`."""
    _, image = _framed(network, preprocessing, unit, lungs)
    with torch.inference_mode():
        found: np.ndarray = network.affinity_matrix(image[None])[0].cpu().numpy()
    return found


def _framed(
    network: AffinityMaskRCNN,
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
    pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> tuple[Frame, Tensor]:
    """What is seen of a slice, and the input (1, rows, columns) on the network's device."""
    rows, columns = unit.shape
    frame = frame_of((rows, columns), lungs, preprocessing, pixel_mm)
    image = frame.image(preprocessing.normalise(unit[None])[0])
    return frame, image.to(next(network.parameters()).device)


def _raw(
    network: AffinityMaskRCNN,
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
    pixel_mm: tuple[float, float],
    least_score: float,
) -> tuple[Detections, np.ndarray]:
    """Detections of at least a score, and their masks' probabilities on the slice's pixels."""
    frame, image = _framed(network, preprocessing, unit, lungs, pixel_mm)
    with torch.inference_mode():
        found = network.detect(image[None])[0]
        kept = found.scores >= least_score
        found = replace(
            found, boxes=found.boxes[kept], scores=found.scores[kept], masks=found.masks[kept]
        )
        masks = pasted(found.boxes.float(), found.masks.float(), image.shape[-2:])
        return found, frame.restore(masks)
