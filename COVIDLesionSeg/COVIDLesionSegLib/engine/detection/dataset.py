"""Samples of the two-stage training: a slice to classify, and beside it one with lesions."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..data.labelled import LabelledImage
from ..inference.frame import frame_of
from ..training.dataset import TurnedSlice, UnchangedDataset
from ..training.recipe import Recipe
from ..training.slice_classes import BalancedDataset
from .instances import labels_on_grid


class DetectionDataset(BalancedDataset):
    """Pairs (images, targets), float32 (2, 1, rows, columns) and int32 (2, rows, columns).

    The first image is to be classified: its target holds the number of its class everywhere. The
    second shows lesions, drawn at random: its target holds the numbers of its instances.

    An epoch holds the same number of slices of every class, as the paper's 1000 of each.

    Args:
        slices: In HU, with and without lesions.
        recipe: Recipe of a detector.
    """

    def __init__(self, slices: list[LabelledImage], recipe: Recipe):
        super().__init__(slices, recipe)
        self._infected = [index for index, item in enumerate(self.slices) if item.has_lesion]

    def _sample(self, what: TurnedSlice, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        with_lesion = self._infected[int(rng.integers(len(self._infected)))]
        image, _ = self._prepared(what.slice_index, rng)
        other, instances = self._prepared(with_lesion, rng)
        number = torch.full_like(instances, self.class_of[what.slice_index])
        return torch.stack([image, other]), torch.stack([number, instances])

    def _prepared(self, index: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image, labels = prepare_instances(self.slices[index], self._windowed(rng))
        changed, moved = self._changed(image, labels[None].float(), rng)
        found = moved[0].to(torch.int32)
        # A lesion that was turned or shifted out of the image must not leave a slice without any.
        return (changed, found) if found.any() or not labels.any() else (image, labels)


class DetectionValidation(UnchangedDataset):
    """Slices (image, instances) as :func:`prepare_instances` gives them."""

    def _sample(self, item: LabelledImage, recipe: Recipe) -> tuple[Tensor, ...]:
        return prepare_instances(item, recipe)


def prepare_instances(item: LabelledImage, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Network input (1, rows, columns) and instances int32 (rows, columns) of a slice."""
    prepared = recipe.preprocessing
    rows, columns = item.image.shape
    frame = frame_of((rows, columns), item.lungs, prepared)
    image = frame.image(prepared.normalise(item.in_unit(prepared)[None])[0])
    return image, labels_on_grid(item.lesion, frame)


def grey_statistics(slices: list[LabelledImage], recipe: Recipe) -> tuple[float, float]:
    """Global mean and standard deviation of slices as the network sees them, to four digits."""
    number, total, squares = 0, 0.0, 0.0
    for item in slices:
        image = prepare_instances(item, recipe)[0].double()
        number += image.numel()
        total += float(image.sum())
        squares += float((image**2).sum())
    mean = total / number
    return round(mean, 4), round(math.sqrt(max(squares / number - mean**2, 1e-8)), 4)
