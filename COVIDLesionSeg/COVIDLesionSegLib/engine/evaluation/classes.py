"""Scores of each class by itself, where model and expert tell classes apart.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Section 3.7.1: intersection over union "computed independently for each class and
then averaged over all classes to produce a global mean IoU score". The thesis' classes are four,
lung and background among them, which are easy and raise the mean; here the mean is over the classes
of lesion, and the background, everything that is no lesion, is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.labelled import LabelledImage
from ..metrics.overlap import Confusion, Value, mean_and_sd

BACKGROUND = "no lesion"
MEAN = "mean over classes"
CLASS_MEASURES = {
    "dice": "Dice",
    "iou": "Intersection over union",
    "precision": "Precision",
    "sensitivity": "Sensitivity",
}


class ClassCounts:
    """Pixels of each class, of slices or CTs whose masks tell classes apart.

    Args:
        classes: Of the predictions: class n has the label n + 1.
        of_masks: The same of the masks; where these are other classes, nothing is counted.

    Attributes:
        left_out: Whether a mask was not counted, as it does not tell these classes apart.
    """

    def __init__(self, classes: Sequence[str], of_masks: Sequence[str]):
        self._classes = tuple(classes) if set(classes) == set(of_masks) else ()
        self._of_masks = list(of_masks)
        self._counts = {name: Confusion() for name in (*self._classes, BACKGROUND)}
        self._counted = False
        self.left_out = False

    def add(self, labels: np.ndarray, truth: LabelledImage) -> None:
        """Count a prediction, uint8 of the same shape; nothing where the mask has no classes."""
        if truth.lesion.dtype == bool and truth.lesion.any():
            self.left_out = len(self._classes) > 1
            return
        self._counted = True
        for label, name in enumerate(self._classes, start=1):
            true_label = self._of_masks.index(name) + 1
            self._counts[name] += Confusion.of(labels == label, truth.lesion == true_label)
        self._counts[BACKGROUND] += Confusion.of(labels == 0, truth.lesion == 0)

    def merge(self, other: ClassCounts) -> None:
        """Add what ``other``, of the same classes, counted."""
        self._counted |= other._counted
        self.left_out |= other.left_out
        for name, counts in other._counts.items():
            self._counts[name] += counts

    def scores(self) -> dict[str, dict[str, Value]]:
        """Each measure of every class, of the mean over classes of lesion, and of the background.

        Empty where no mask told these classes apart, or where there is one class only.
        """
        if not self._counted or len(self._classes) < 2:
            return {}
        scores: dict[str, dict[str, Value]] = {
            name: {key: getattr(counts, key) for key in CLASS_MEASURES}
            for name, counts in self._counts.items()
        }
        background = scores.pop(BACKGROUND)
        means = {
            key: mean_and_sd([scores[name][key] for name in self._classes])[0]
            for key in CLASS_MEASURES
        }
        return {**scores, MEAN: means, BACKGROUND: background}
