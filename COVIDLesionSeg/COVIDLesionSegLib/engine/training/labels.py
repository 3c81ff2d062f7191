"""What a network shall answer for a slice, by the channels of its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError
from .recipe import Recipe
from .slices import LabelledSlice


def check_slices(slices: Sequence[LabelledSlice], recipe: Recipe, role: str) -> None:
    """Make sure that slices have what the recipe learns from, or is judged by.

    Args:
        slices: Where several classes are learned, slices with lesions tell them apart; to validate,
            where all classes are taken together, they need not.
        recipe: Tells classes, and whether lungs are needed.
        role: Of the slices, for the message: ``"training"`` or ``"validation"``.

    Raises:
        InputError: There are no slices, none is infected, lungs or classes are missing, a slice to
            learn from was windowed before it was stored, or one to be judged by has pseudo-labels.
    """
    if not slices:
        raise InputError(f"There are no {role} slices: name other patients, or add slices.")
    if role == "training" and any(item.windowed for item in slices):
        raise InputError("Training needs slices in HU; windowed slices are for evaluation.")
    if role == "validation" and (pseudo := [item for item in slices if item.pseudo]):
        raise InputError(
            f"Patient {pseudo[0].patient} has pseudo-labels, which nobody checked and so nobody is "
            "judged by: name patients with masks of experts for validation."
        )
    if recipe.needs_lungs and any(item.lungs is None for item in slices):
        raise InputError(
            f"Some {role} slices have no mask of the lungs, which the network {recipe.network} "
            "needs: add the folder lung/, or choose another network."
        )
    shown = {int(n) for item in slices for n in np.unique(truth_of(item, recipe))} - {0}
    expected = set(range(1, len(recipe.classes) + 1))
    if not shown:
        raise InputError(
            f"No {role} slice shows {' or '.join(recipe.classes)}: add slices that do."
        )
    if extra := shown - expected:
        raise InputError(
            f"The {role} slices hold the label {min(extra)}, but the network {recipe.network} "
            f"tells {', '.join(recipe.classes)} apart, which are the labels 1 to {len(expected)}."
        )
    if role == "training" and len(expected) > 1:
        _check_classes(slices, recipe, expected - shown)


def _check_classes(slices: Sequence[LabelledSlice], recipe: Recipe, missing: set[int]) -> None:
    """Make sure that slices to learn from tell the recipe's classes apart, and show them all."""
    apart = f"The network {recipe.network} tells {', '.join(recipe.classes)} apart, but"
    whole = [item for item in slices if item.lesion.dtype == bool and item.lesion.any()]
    if whole:
        raise InputError(
            f"{apart} the mask of slice {whole[0].name} holds lesions without their class: give "
            f"masks with the labels 1 to {len(recipe.classes)} or with a segment for each class, "
            "or choose a network of one lesion class."
        )
    if missing:
        names = ", ".join(recipe.classes[n - 1] for n in sorted(missing))
        raise InputError(
            f"{apart} no training slice is labelled {names}: add slices labelled by class, or "
            "choose a network of one lesion class."
        )


def truth_of(item: LabelledSlice, recipe: Recipe) -> np.ndarray:
    """Labels (rows, columns), uint8: n + 1 where class n is, 0 elsewhere; 1 without classes."""
    if recipe.task == "lungs":
        return (item.lungs > 0).astype(np.uint8)
    return item.lesion.astype(np.uint8)


def channels_of(item: LabelledSlice, recipe: Recipe) -> np.ndarray:
    """Targets (rows, columns), uint8, as losses take them.

    Of one channel 0 or 1; of several the channel that each pixel belongs to.
    """
    truth = truth_of(item, recipe)
    if len(recipe.channels) == 1:
        return truth
    channels = np.full(truth.shape, recipe.background, dtype=np.uint8)
    if "lung" in recipe.channels:
        channels[item.lungs > 0] = recipe.channels.index("lung")
    for number, name in enumerate(recipe.classes, start=1):
        channels[truth == number] = recipe.channels.index(name)
    return channels


def to_be_judged(item: LabelledSlice, recipe: Recipe) -> LabelledSlice:
    """The slice with what the recipe's network looks for in place of lesions, classes as one."""
    return replace(item, lesion=truth_of(item, recipe) > 0)
