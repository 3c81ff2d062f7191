"""Recursive self-learning: each level learns from the labels that the level before it predicts.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Sections 4.4.2 and 5.5. Level 1 learns pseudo-labels from scratch; level 2 goes on
from its weights with "the first two layers" frozen, on labels that level 1 predicts. There level 2
got worse (Table 15: Dice 0.94, then 0.92), so every level is validated here, and the best is kept.
What a level finds outside the lungs is no label for the next; the thesis does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from ..errors import ParameterError
from ..evaluation.contender import Contender
from ..evaluation.slice_data import sample_of
from ..flags import Flag
from ..metrics.confusion import Confusion
from ..models.card import ModelCard
from ..networks import build_network, count_parameters
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, share_of
from ..training.freezing import frozen
from ..training.labels import truth_of
from ..training.recipe import Recipe
from ..training.slices import LabelledSlice
from ..training.trainer import train

DEPTH = 2
"""Levels in the thesis."""
EPOCHS = 20
"""Of every level; the thesis gives them for level 1 alone."""
LEARNING_RATES = (9.8e-4, 9.8e-6)
"""Of level 1, and of all others."""
DRSEGUNET_FIRST_LAYERS = ("stem",)
"""Stage of DRSegUNet with its first two layers of convolution, which the thesis freezes; the stem's
shortcut, which lies beside them, is frozen with them."""

_TRAINED, _VALIDATED = 0.85, 0.9
"""Shares of a level at which these stages end; then it predicts labels."""


@dataclass(frozen=True)
class Level:
    """What became of one level.

    Attributes:
        number: From 1.
        dice: Of all validation pixels pooled, p > 0.5, all classes taken together.
        frozen_parameters: Number of parameters that did not learn.
        flags: Says so if the level is worse than the best before it, or cannot teach the next.
    """

    number: int
    dice: float
    frozen_parameters: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class SelfLearned:
    """The outcome of recursive self-learning.

    Attributes:
        network: Of the best level, in evaluation mode.
        best: Number of that level; the earlier of two that are equally good.
        recipe: What that level was trained by.
        slices: What it learned from.
        levels: All of them.
    """

    network: nn.Module
    best: int
    recipe: Recipe
    slices: list[LabelledSlice]
    levels: tuple[Level, ...]


def learn_recursively(
    recipe: Recipe,
    slices: Sequence[LabelledSlice],
    validation: Sequence[LabelledSlice],
    folder: Path,
    cancel: CancelToken | None = None,
    *,
    first_stages: Sequence[str] = DRSEGUNET_FIRST_LAYERS,
    depth: int = DEPTH,
    resume: bool = False,
    device: str = "cpu",
    report: ProgressCallback = ignore_progress,
) -> SelfLearned:
    """Train level after level, each on the labels of the one before, and keep the best.

    Every level goes on from the level before it, as in the thesis, even from one that got worse. A
    level that finds none of some class cannot teach it, and is the last.

    Args:
        recipe: All numbers but learning rates, and epochs where it counts these.
        slices: What level 1 learns from: pseudo-labels, with lungs.
        validation: Slices with masks of experts, of patients that no level learns from.
        folder: Gets a folder ``level-1`` and so on for each training.
        cancel: Looked at between steps.
        first_stages: Stages that are frozen from level 2 on.
        depth: Number of levels.
        resume, device, report: As for :func:`~..training.trainer.train`.

    Raises:
        ParameterError: ``depth`` is below 1.
        ModelError: The network has no stage of a name.
        CovidLesionSegError: As :func:`~..training.trainer.train` raises it.
        Cancelled: The token was set; the levels' last checkpoints stay.
    """
    if depth < 1:
        raise ParameterError(f"The depth is {depth}, but there is at least one level.")
    cancel = cancel or CancelToken()
    # Before hours of training: are the stages there?
    network = build_network(recipe.network, recipe.network_arguments)
    with frozen(network, first_stages) as first_parameters:
        pass
    best: SelfLearned | None = None
    levels: list[Level] = []
    for number in range(1, depth + 1):
        part = share_of(report, (number - 1) / depth, number / depth)
        own = _recipe_of_level(recipe, number, first_stages)
        network = train(
            own,
            slices,
            folder / f"level-{number}",
            cancel,
            validation=validation,
            start=network if number > 1 else None,
            resume=resume,
            device=device,
            report=share_of(part, 0.0, _TRAINED),
        )
        part(Progress("Validating", _TRAINED, f"level {number} of {depth}"))
        contender = _contender(network, own, device)
        dice = _dice(contender, validation, own, cancel)
        missing = []
        learned = list(slices)
        if number < depth:
            slices = list(
                _predicted(contender, learned, own, share_of(part, _VALIDATED, 1.0), cancel)
            )
            missing = _not_found(slices, own)
        network.cpu()  # an answer leaves it where it was computed
        flags = _flags(number, dice, best and levels[best.best - 1], missing)
        levels.append(Level(number, dice, first_parameters if number > 1 else 0, flags))
        if best is None or dice > levels[best.best - 1].dice:
            best = SelfLearned(network, number, own, learned, ())
        if missing:
            break
    report(Progress("Validating", 1.0))
    return replace(best, levels=tuple(levels))


def _recipe_of_level(recipe: Recipe, number: int, first_stages: Sequence[str]) -> Recipe:
    first, others = LEARNING_RATES
    return replace(
        recipe,
        learning_rate=first if number == 1 else others,
        epochs=None if recipe.epochs is None else EPOCHS,
        frozen=tuple(first_stages) if number > 1 else None,
    )


def _contender(network: nn.Module, recipe: Recipe, device: str) -> Contender:
    card = ModelCard(
        id="level",
        title="",
        paper="",
        network=recipe.network,
        arguments=recipe.network_arguments,
        parameters=count_parameters(network),
        classes=recipe.classes,
        channels=recipe.channels,
        preprocessing=recipe.preprocessing,
    )
    return Contender([(card, network)], Parameters(device=device, precision="float32"))


def _dice(
    contender: Contender, slices: Sequence[LabelledSlice], recipe: Recipe, cancel: CancelToken
) -> float:
    counts = Confusion()
    for item in slices:
        labels = contender.predict(sample_of(item), lung_mask=False, cancel=cancel).labels[0]
        counts += Confusion.of(labels > 0, truth_of(item, recipe) > 0)
    return counts.dice


def _predicted(
    contender: Contender,
    slices: Sequence[LabelledSlice],
    recipe: Recipe,
    report: ProgressCallback,
    cancel: CancelToken,
) -> Iterator[LabelledSlice]:
    """The slices with what a level finds in their lungs in place of lesions."""
    for done, item in enumerate(slices):
        report(Progress("Labelling for the next level", done / len(slices)))
        labels = contender.predict(sample_of(item), lung_mask=True, cancel=cancel).labels[0]
        yield replace(item, lesion=labels if len(recipe.classes) > 1 else labels > 0, pseudo=True)


def _not_found(slices: Sequence[LabelledSlice], recipe: Recipe) -> list[str]:
    """Classes that no slice shows."""
    shown = {int(label) for item in slices for label in np.unique(truth_of(item, recipe))}
    return [name for number, name in enumerate(recipe.classes, start=1) if number not in shown]


def _flags(number: int, dice: float, best: Level | None, missing: list[str]) -> tuple[Flag, ...]:
    flags = []
    if best is not None and dice < best.dice:
        flags.append(
            Flag(
                "level-got-worse",
                f"Level {number} validates worse than level {best.number} ({dice:.4f} against "
                f"{best.dice:.4f}), so it is not kept.",
            )
        )
    if missing:
        flags.append(
            Flag(
                "level-cannot-teach",
                f"Level {number} finds no {' and no '.join(missing)} in the slices it learned "
                f"from, so it cannot teach level {number + 1}: learning ended.",
            )
        )
    return tuple(flags)
