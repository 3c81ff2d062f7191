"""Targets of slices, by the channels of a recipe, and the check that slices have what it needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.labelled import LabelledImage, truth_of
from ..data.masks import Placement
from ..errors import InputError
from ..text import share_text
from .recipe import Recipe


def check_slices(slices: Sequence[LabelledImage], recipe: Recipe, role: str) -> None:
    """Make sure that slices have what the recipe needs for training or validation.

    Args:
        slices: To train on several classes, slices with lesions must tell them apart; to validate,
            where all classes are taken together, they need not.
        recipe: Tells classes, and whether lungs are needed.
        role: Of the slices, for the message: ``"training"`` or ``"validation"``.

    Raises:
        InputError: There are no slices, none shows a lesion, lungs or classes are missing, most of
            the lesions lie outside the lungs though the network sees the lungs only, a training
            slice of a recipe of whole slices was windowed before it was stored, a slice has a class
            and no outlined lesion, or a validation slice has pseudo-labels.
    """
    if not slices:
        raise InputError(f"There are no {role} slices: name other patients, or add slices.")
    if role == "training" and recipe.sampling == "slices" and any(s.windowed for s in slices):
        raise InputError(
            f"The network {recipe.network} learns from slices in HU; windowed slices are for "
            "evaluation, or for networks that learn from patches."
        )
    if unmarked := [item for item in slices if item.is_not_outlined]:
        raise InputError(
            f"Slice {unmarked[0].name} has a class, {unmarked[0].slice_class!r}, but no lesion is "
            "outlined on it: such slices are for training a detector, or leave out their class."
        )
    if role == "validation" and (pseudo := [item for item in slices if item.pseudo]):
        raise InputError(
            f"Patient {pseudo[0].patient} has pseudo-labels, which nobody checked, so they cannot "
            "be used for validation: name patients with masks of experts."
        )
    if recipe.needs_lungs and any(item.lungs is None for item in slices):
        raise InputError(
            f"Some {role} slices have no mask of the lungs, which the network {recipe.network} "
            "needs: add the folder lung/, or choose another network."
        )
    outside = Placement(slices).outside if recipe.preprocessing.lung_mask else None
    if outside is not None and outside > 0.5:
        raise InputError(
            f"{share_text(outside)} of the lesions of the {role} slices lie outside the lungs, "
            "but the "
            f"network {recipe.network} sees the lungs only: give masks of the lungs that include "
            "the lesions, or choose another network."
        )
    shown = {int(n) for item in slices for n in np.unique(truth_of(item, recipe.task))} - {0}
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


def _check_classes(slices: Sequence[LabelledImage], recipe: Recipe, missing: set[int]) -> None:
    """Make sure that training slices tell the recipe's classes apart, and show them all."""
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


def channels_of(item: LabelledImage, recipe: Recipe) -> np.ndarray:
    """Target (rows, columns), uint8, as losses take it.

    Of one channel 0 or 1; of several the number of the channel that each pixel belongs to.
    """
    truth = truth_of(item, recipe.task)
    if len(recipe.channels) == 1:
        return truth
    channels = np.full(truth.shape, recipe.background, dtype=np.uint8)
    if "lung" in recipe.channels:
        channels[item.known_lungs() > 0] = recipe.channels.index("lung")
    for number, name in enumerate(recipe.classes, start=1):
        channels[truth == number] = recipe.channels.index(name)
    return channels
