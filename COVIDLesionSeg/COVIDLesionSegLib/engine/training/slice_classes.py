"""Training of networks that tell the class of a slice: balanced samples, module, checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..data.labelled import LabelledImage, class_of
from ..errors import InputError
from ..inference.slice_classes import slice_image
from ..metrics.overlap import Confusion
from .dataset import TrainingDataset, TurnedSlice, UnchangedDataset
from .module import SegmentationModule
from .recipe import Recipe
from .trainer import Method


def slice_classes(recipe: Recipe) -> tuple[str, ...]:
    """Names of the classes of slices that the recipe's network tells apart."""
    return tuple(recipe.network_arguments["slice_classes"])


def check_classified(slices: Sequence[LabelledImage], recipe: Recipe, role: str) -> None:
    """Make sure that slices tell the classes that the recipe's network learns.

    Raises:
        InputError: There are none, a training slice was windowed before it was stored, a training
            slice is missing for a class, the lungs are missing, or a validation slice has
            pseudo-labels.
    """
    if not slices:
        raise InputError(f"There are no {role} slices: name other patients, or add slices.")
    if recipe.needs_lungs and any(item.lungs is None for item in slices):
        raise InputError(
            f"Some {role} slices have no mask of the lungs, which the network {recipe.network} "
            "needs: add the folder lung/, or choose another network."
        )
    if role == "validation":
        if pseudo := [item for item in slices if item.pseudo]:
            raise InputError(
                f"Patient {pseudo[0].patient} has pseudo-labels, which nobody checked, so they "
                "cannot be used for validation: name patients with masks of experts."
            )
        return
    if any(item.windowed for item in slices):
        raise InputError(
            f"The network {recipe.network} learns from slices in HU; windowed slices are for "
            "evaluation."
        )
    names = slice_classes(recipe)
    missing = set(range(len(names))) - {class_of(item, names) for item in slices}
    if missing:
        absent = ", ".join(names[n] for n in sorted(missing))
        raise InputError(
            f"No training slice is of the class {absent}, which the network tells apart: add such "
            "slices, or name the classes that your data have."
        )


class BalancedDataset(TrainingDataset):
    """Slices of classes: an epoch holds as many as there are, the same number of every class.

    Slices whose lungs are known and empty are left out, as the network never sees such slices.

    Args:
        slices: In HU, of every class.
        recipe: Of a network that tells the classes of slices.
    """

    def __init__(self, slices: list[LabelledImage], recipe: Recipe):
        slices = [item for item in slices if item.lungs is None or item.lungs.any()]
        shape = recipe.preprocessing.input_size
        assert shape is not None  # a recipe that samples slices has one
        super().__init__(slices, recipe, shape)
        classes = slice_classes(recipe)
        self.class_of = [class_of(item, classes) for item in slices]

    def _samples_of_epoch(self, rng: np.random.Generator) -> list[TurnedSlice]:
        """Every class as often; a slice of weight 2 counts twice among those of its class."""
        weights = [math.ceil(item.weight) for item in self.slices]
        present = sorted(set(self.class_of))
        each = math.ceil(len(self.slices) / len(present))
        chosen: list[TurnedSlice] = []
        for number in present:
            own = [n for n, class_ in enumerate(self.class_of) if class_ == number]
            row = np.repeat(own, [weights[n] for n in own])
            rounds = [rng.permutation(row) for _ in range(math.ceil(each / len(row)))]
            chosen += [TurnedSlice(int(n), 0) for n in np.concatenate(rounds)[:each]]
        return chosen

    def _windowed(self, rng: np.random.Generator) -> Recipe:
        """The recipe with a HU window drawn as its augmentation says."""
        prepared = self.recipe.preprocessing
        window = self.recipe.augmentation.window(prepared.window_hu, rng)
        return replace(self.recipe, preprocessing=replace(prepared, window_hu=window))


class ClassifiedDataset(BalancedDataset):
    """Samples (image, number of its class), float32 (1, rows, columns) and int64 ()."""

    def _sample(self, what: TurnedSlice, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image = prepare_classified(self.slices[what.slice_index], self._windowed(rng))
        changed, _ = self._changed(image, torch.zeros_like(image), rng)
        return changed, torch.tensor(self.class_of[what.slice_index])


class ClassifiedValidation(UnchangedDataset):
    """The same slice by slice, unchanged."""

    def _sample(self, item: LabelledImage, recipe: Recipe) -> tuple[Tensor, ...]:
        return prepare_classified(item, recipe), torch.tensor(class_of(item, slice_classes(recipe)))


class ClassificationModule(SegmentationModule):
    """Logs as :class:`SegmentationModule`; ``validation_dice`` is that of infected slices, its F1.

    A slice is infected whose most probable class is any but the first.
    """

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:  # type: ignore[override]
        image, target = batch
        found = self(image).float()
        self._losses.append(self.loss(found, target).item())
        called, infected = (classes.cpu().numpy() > 0 for classes in (found.argmax(dim=1), target))
        self._counts += Confusion.of(called, infected)


CLASSIFICATION = Method(
    check=check_classified,
    dataset=ClassifiedDataset,
    validation=ClassifiedValidation,
    module=ClassificationModule,
)


def prepare_classified(item: LabelledImage, recipe: Recipe) -> Tensor:
    """Network input (1, rows, columns) of a slice."""
    prepared = recipe.preprocessing
    return slice_image(prepared, item.in_unit(prepared), item.lungs)
