"""Labelled slices as samples; each follows from seed, epoch and place alone."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..data.labelled import LabelledImage, truth_of
from ..inference.field_of_view import FieldOfView
from ..models.preprocessing import Preprocessing
from ..volume import AIR_HU
from .augmentation import (
    crop,
    is_cut,
    pad_with_body,
    random_changes,
    resized,
    round_field_of_view,
)
from .patches import PatchSite, patch_sites
from .recipe import Recipe
from .targets import channels_of

Key = tuple[int, int]
"""Epoch, and place within it; both from 0."""


class TrainingDataset(ABC, Dataset[tuple[Tensor, Tensor]]):
    """Samples (image, target), float32 (1, rows, columns), in an order drawn anew every epoch.

    The key of a sample is (epoch, place), so that training can begin anywhere, with any number of
    workers, and see the same. ``len`` is the number of samples of one epoch.

    A slice of weight 2 gives all its samples twice, one of weight 0.5 half of them, others in every
    epoch. Where the network sees the lungs only, slices without lung are left out (COVID-Rate).

    Args:
        slices: See :func:`~.targets.check_slices`.
        recipe: Preprocessing, augmentation and seed.
        shape: (rows, columns) of a sample.
    """

    def __init__(self, slices: list[LabelledImage], recipe: Recipe, shape: tuple[int, int]):
        if recipe.preprocessing.lung_mask:
            slices = [item for item in slices if item.known_lungs().any()]
        self.slices = slices
        self.recipe = recipe
        self._changes = random_changes(recipe.augmentation, shape)
        self._drawn: tuple[int, list[Any]] | None = None

    def __len__(self) -> int:
        return len(self._order(0))

    def __getitem__(self, key: Key) -> tuple[Tensor, Tensor]:
        epoch, place = key
        # Not (seed, epoch, place): NumPy ignores zeros at the end of a seed.
        rng = np.random.default_rng((self.recipe.seed, epoch, 1 + place))
        return self._sample(self._order(epoch)[place], rng)

    def _order(self, epoch: int) -> list[Any]:
        if self._drawn is None or self._drawn[0] != epoch:
            rng = np.random.default_rng((self.recipe.seed, epoch))
            samples = self._samples_of_epoch(rng)
            samples = [samples[i] for i in rng.permutation(len(samples))]
            weights = [self.slices[sample.slice_index].weight for sample in samples]
            chosen = draw([weight / math.ceil(weight) for weight in weights], rng)
            self._drawn = (epoch, [samples[i] for i in chosen])
        return self._drawn[1]

    @abstractmethod
    def _samples_of_epoch(self, rng: np.random.Generator) -> list[Any]:
        """The samples of an epoch, as :meth:`_sample` takes them, each with its ``slice_index``.

        Slices of a weight above 1 are in it as often as their weight rounded up.
        """

    @abstractmethod
    def _sample(self, what: Any, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One sample, with random changes by ``rng``."""

    def _changed(
        self, image: Tensor, target: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Both changed at random in the same way; beyond the border is air and background.

        The target may have more than one plane (planes, rows, columns).
        """
        self._changes.set_random_state(int(rng.integers(2**31)))
        background = self.recipe.background
        air = image.min().clamp(max=0.0)  # which a z-score has below 0
        changed = self._changes({"image": image - air, "label": target - background})
        moved = changed["label"].as_tensor().round() + background
        return changed["image"].as_tensor() + air, moved


class PatchDataset(TrainingDataset):
    """Patches as in the EAMC paper; images lie in 0..1."""

    def __init__(self, slices: list[LabelledImage], recipe: Recipe):
        shape = recipe.preprocessing.patch_size
        assert shape is not None  # a recipe that samples patches has one
        super().__init__(slices, recipe, shape)
        self._size = shape[0]

    def _samples_of_epoch(self, rng: np.random.Generator) -> list[PatchSite]:
        return patch_sites(self.slices, rng, self.recipe.clean_patches, self._size)

    def _sample(self, what: PatchSite, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        item, prepared = self.slices[what.slice_index], self.recipe.preprocessing
        # Rotation, shift and zoom look beyond the patch: half a patch more on every side.
        scale = self.recipe.augmentation.random_scale(rng)
        place = (what.row, what.column, round(2 * self._size / scale))
        low, high = self.recipe.augmentation.window(prepared.window_hu, rng)
        # An image of an unknown window is taken for one of the network's own.
        image_hu = prepared.from_unit(item.image) if item.windowed else item.image
        unit = np.clip((crop(image_hu, *place, fill=AIR_HU) - low) / (high - low), 0.0, 1.0)
        background = self.recipe.background
        masks = crop(channels_of(item, self.recipe), *place, fill=background)
        if prepared.lung_mask:
            lungs = crop(item.known_lungs(), *place, fill=0) + background
            masks = np.concatenate([masks, lungs])
        unit = resized(unit, 2 * self._size, smooth=True)
        masks = resized(masks, 2 * self._size, smooth=False)
        image, moved = self._changed(torch.from_numpy(unit), torch.from_numpy(masks), rng)
        within = (moved[1:] > background).numpy() if prepared.lung_mask else None
        normalised = prepared.normalise(image.clamp(0.0, 1.0).numpy(), within)
        return torch.from_numpy(normalised), moved[:1]


@dataclass(frozen=True)
class TurnedSlice:
    """Slice number ``slice_index`` of a list, turned by so many right angles."""

    slice_index: int
    turns: int


class SliceDataset(TrainingDataset):
    """Whole slices, prepared as the trained network will get them."""

    def __init__(self, slices: list[LabelledImage], recipe: Recipe):
        shape = recipe.preprocessing.input_size
        assert shape is not None  # a recipe that samples slices has one
        super().__init__(slices, recipe, shape)

    def _samples_of_epoch(self, rng: np.random.Generator) -> list[TurnedSlice]:
        turns = 4 if self.recipe.augmentation.quarter_turns else 1
        return [
            TurnedSlice(index, turn)
            for index, item in enumerate(self.slices)
            for _ in range(math.ceil(item.weight))
            for turn in range(turns)
        ]

    def _sample(self, what: TurnedSlice, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        item, augmentation = self.slices[what.slice_index], self.recipe.augmentation
        if augmentation.margin:
            item = pad_with_body(item, augmentation.margin, rng)
        if augmentation.crop_margin and is_cut(self.slices[what.slice_index]):
            item = pad_with_body(item, augmentation.crop_margin, rng)
        if augmentation.circle and rng.random() < augmentation.circle:
            item = round_field_of_view(item, rng)
        image, target = prepare(item, self.recipe)
        image, target = (
            torch.rot90(tensor, what.turns, (1, 2)).contiguous() for tensor in (image, target)
        )
        return self._changed(image, target, rng)


def draw(chances: list[float], rng: np.random.Generator) -> np.ndarray:
    """Indices, ascending, each drawn with its chance, and always the same number of them.

    Systematic sampling (W. G. Madow, Annals of Mathematical Statistics 20, 1949): marks at equal
    distances, the first at random, fall upon the chances laid end to end. Where these add up to a
    whole number, what has a chance of 1 is drawn exactly once.

    Args:
        chances: 0 to 1 each.
        rng: Gives one number.
    """
    total = sum(chances)
    number = round(total)
    # float32, so that no sum with a whole number is rounded up to the next.
    marks = np.arange(number) + float(rng.random(dtype=np.float32))
    return np.searchsorted(np.cumsum(chances), marks * (total / max(1, number)), side="right")


class UnchangedDataset(ABC, Dataset[tuple[Tensor, ...]]):
    """Slices in their order, unchanged: what a network is validated on."""

    def __init__(self, slices: list[LabelledImage], recipe: Recipe):
        self._slices = slices
        self._recipe = recipe

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self._sample(self._slices[index], self._recipe)

    @abstractmethod
    def _sample(self, item: LabelledImage, recipe: Recipe) -> tuple[Tensor, ...]:
        """Network input of a slice, and what it is compared with."""


class ValidationDataset(UnchangedDataset):
    """Slices (image, target, truth): the first two for the network, truth (rows, columns)."""

    def _sample(self, item: LabelledImage, recipe: Recipe) -> tuple[Tensor, ...]:
        return *prepare(item, recipe), torch.from_numpy(truth_of(item, recipe.task))


def field_of(shape: tuple[int, int], preprocessing: Preprocessing) -> FieldOfView:
    """How slices of ``shape``, whose pixel size is not known, become a network's input."""
    pixel_mm = (preprocessing.resample_mm,) * 2
    return FieldOfView(shape, pixel_mm, preprocessing, (preprocessing.multiple,) * 2)


def prepare(item: LabelledImage, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Network input and target of a whole slice, float32 (1, rows, columns)."""
    prepared = recipe.preprocessing
    lungs = item.known_lungs()[None] if prepared.lung_mask else None
    image = torch.from_numpy(prepared.normalise(item.in_unit(prepared)[None], lungs))[None]
    rows, columns = item.image.shape
    field = field_of((rows, columns), prepared)
    return field.resample(image)[0], _resampled(channels_of(item, recipe), field, recipe)


def _resampled(target: np.ndarray, field: FieldOfView, recipe: Recipe) -> Tensor:
    """A target on the network's grid; a pixel takes the value that covers most of it."""
    values = [n for n in range(max(2, len(recipe.channels))) if n != recipe.background]
    planes = torch.from_numpy(np.stack([target == n for n in values])).float()
    shares = field.resample(planes[:, None])
    largest = torch.tensor(values)[shares.argmax(dim=0)]
    return torch.where(shares.sum(dim=0) > 0.5, largest, recipe.background).float()
