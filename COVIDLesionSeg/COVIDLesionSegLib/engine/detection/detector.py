"""Instances and class of one slice, on the slice's own pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..inference.frame import frame_of
from ..models.preprocessing import Preprocessing
from ..networks.affinity import AffinityMaskRCNN
from .masks import pasted

MASK_THRESHOLD = 0.5
SHOWN_SCORE = 0.5
"""Least score of the instances of pictures, and of those that make a slice infected."""


@dataclass(frozen=True, eq=False)
class SliceInstances:
    """Lesions of one slice, by falling score.

    Attributes:
        scores: float32 (n,), each above 0.05.
        probabilities: float32 (n, rows, columns), of every instance's mask, 0 beyond its box.
        class_probabilities: float32 (classes,), each by a sigmoid of its own.
        affinities: Y of the paper, float32 (C*, 256).
        no_region: The slice's class was told from the whole slice, for want of a region.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    class_probabilities: np.ndarray
    affinities: np.ndarray
    no_region: bool

    @property
    def masks(self) -> np.ndarray:
        """bool (n, rows, columns); one may be empty."""
        return self.probabilities > MASK_THRESHOLD

    @property
    def probability(self) -> np.ndarray:
        """The highest of all instances, float32 (rows, columns), 0 without any."""
        highest: np.ndarray = self.probabilities.max(axis=0, initial=0.0)
        return highest

    @property
    def lesion(self) -> np.ndarray:
        """All instances together, bool (rows, columns)."""
        return self.probability > MASK_THRESHOLD

    @property
    def slice_class(self) -> int:
        """Number of the most probable class."""
        return int(self.class_probabilities.argmax())

    def of_score(self, least: float) -> SliceInstances:
        """The same without instances of a lower score."""
        kept = self.scores >= least
        return replace(self, scores=self.scores[kept], probabilities=self.probabilities[kept])


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
        preprocessing: Preprocessing of its card.
        unit: (rows, columns) in 0..1 of the window.
        lungs: Non-zero in the lungs, same shape; None where not known.
        pixel_mm: Pixel size along (rows, columns).
        least_score: Instances below are left out.
    """
    rows, columns = unit.shape
    frame = frame_of((rows, columns), lungs, preprocessing, pixel_mm)
    image = frame.image(preprocessing.normalise(unit[None])[0])
    with torch.inference_mode():
        found = network.detect(image[None].to(next(network.parameters()).device))[0]
        kept = found.scores >= least_score
        masks = pasted(found.boxes[kept].float(), found.masks[kept].float(), image.shape[-2:])
        return SliceInstances(
            found.scores[kept].float().cpu().numpy(),
            frame.restore(masks),
            found.class_logits.float().sigmoid().cpu().numpy(),
            found.affinities.float().cpu().numpy(),
            found.no_region,
        )
