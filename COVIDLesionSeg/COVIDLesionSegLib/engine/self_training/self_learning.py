"""Recursive self-learning: each level is trained on the labels that the level before it predicts.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Sections 4.4.2 and 5.5. Level 1 learns pseudo-labels from scratch; level 2 starts
from its weights with "the first two layers" frozen, on labels that level 1 predicts. There level 2
got worse (Table 15: Dice 0.94, then 0.92), so every level is validated here, and the best is kept.
What a level finds outside the lungs is no label for the next; the thesis leaves this open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from torch import nn

from ..data.labelled import LabelledImage
from ..errors import InputError, ParameterError
from ..flags import Flag
from ..metrics.overlap import Confusion
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress

DEPTH = 2
"""Levels in the thesis."""
EPOCHS = 20
"""Of every level; the thesis gives them for level 1 alone."""
LEARNING_RATES = (9.8e-4, 9.8e-6)
"""Of level 1, and of all others."""

_TRAINED, _VALIDATED = 0.85, 0.9
"""Shares of a level at which these stages end; then it predicts labels."""


@dataclass(frozen=True)
class Level:
    """What became of one level.

    Attributes:
        number: From 1.
        dice: Of all validation pixels pooled, p > 0.5, all classes taken together.
        frozen_parameters: Number of parameters that were not trained.
        flags: Says so if the level is worse than the best before it, or cannot teach the next.
    """

    number: int
    dice: float
    frozen_parameters: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class LevelSettings:
    """What differs between the trainings of the levels.

    Attributes:
        number: Number of the level, from 1.
        learning_rate: In place of the recipe's.
        epochs: In place of the recipe's, if it gives its length in epochs.
        frozen: Names of the network's stages that are not trained.
    """

    number: int
    learning_rate: float
    epochs: int
    frozen: tuple[str, ...]


class Learner(Protocol):
    """Trains and predicts for the levels; the caller wires it to a training and an evaluation.

    Attributes:
        classes: Lesion classes of the network, class n with the label n + 1.
    """

    @property
    def classes(self) -> Sequence[str]: ...

    def parameters_of(self, stages: Sequence[str]) -> int:
        """Number of parameters of some stages of the network.

        Raises:
            ModelError: The network has no stage of a name.
        """
        ...

    def train(
        self,
        settings: LevelSettings,
        slices: Sequence[LabelledImage],
        start: nn.Module | None,
        progress: ProgressCallback,
    ) -> nn.Module:
        """Train a level, from the weights of ``start`` or from random ones."""
        ...

    def predict(
        self, network: nn.Module, slices: Sequence[LabelledImage], lung_mask: bool
    ) -> Iterator[np.ndarray]:
        """Labels of slices, uint8 (rows, columns) each, within their lungs where ``lung_mask``."""
        ...


@dataclass(frozen=True)
class SelfLearned:
    """The result of recursive self-learning.

    Attributes:
        network: Of the best level, in evaluation mode.
        best: Number of that level; the earlier of two that are equally good.
        settings: What that level was trained by.
        slices: What it was trained on.
        levels: All of them.
    """

    network: nn.Module
    best: int
    settings: LevelSettings
    slices: list[LabelledImage]
    levels: tuple[Level, ...]


def learn_recursively(
    learner: Learner,
    slices: Sequence[LabelledImage],
    validation: Sequence[LabelledImage],
    cancel: CancelToken | None = None,
    *,
    first_stages: Sequence[str],
    further: Sequence[LabelledImage] = (),
    depth: int = DEPTH,
    progress: ProgressCallback = ignore_progress,
) -> SelfLearned:
    """Train level after level, each on the labels of the one before, and keep the best.

    Every level starts from the level before it, as in the thesis, even from one that got worse. A
    level that does not find some class cannot teach it, and is the last.

    Args:
        learner: Trains and predicts.
        slices: What level 1 is trained on: pseudo-labels, with lungs.
        validation: Slices with masks of experts, of patients that no level is trained on.
        cancel: Looked at between steps.
        first_stages: Stages that are frozen from level 2 on. Of DRSegUNet the thesis freezes "the
            first two layers", its stem; the shortcut beside them is frozen with them.
        further: Slices without labels, with lungs, that level 1 labels for the levels after it.
        depth: Number of levels.
        progress: Called after every step.

    Raises:
        ParameterError: ``depth`` is below 1.
        ModelError: The network has no stage of a name.
        CovidLesionSegError: As the learner raises it.
        Cancelled: The token was set; the levels' last checkpoints stay.
    """
    if depth < 1:
        raise ParameterError(f"The depth is {depth}, but there is at least one level.")
    cancel = cancel or CancelToken()
    # Before hours of training: are the stages there?
    first_parameters = learner.parameters_of(first_stages)
    network: nn.Module | None = None
    best: SelfLearned | None = None
    levels: list[Level] = []
    for number in range(1, depth + 1):
        part = sub_progress(progress, (number - 1) / depth, number / depth)
        first, others = LEARNING_RATES
        settings = LevelSettings(
            number=number,
            learning_rate=first if number == 1 else others,
            epochs=EPOCHS,
            frozen=tuple(first_stages) if number > 1 else (),
        )
        network = learner.train(settings, slices, network, sub_progress(part, 0.0, _TRAINED))
        part(Progress("Validating", _TRAINED, f"level {number} of {depth}"))
        dice = _dice(learner, network, validation, cancel)
        missing: list[str] = []
        learned = list(slices)
        if number < depth:
            predicting = sub_progress(part, _VALIDATED, 1.0)
            shown = [*learned, *further] if number == 1 else learned
            slices = list(_predicted(learner, network, shown, predicting, cancel))
            missing = _not_found(slices, learner.classes)
        network.cpu()  # predicting leaves it on its device
        best_level = None if best is None else levels[best.best - 1]
        flags = _flags(number, dice, best_level, missing)
        levels.append(Level(number, dice, first_parameters if number > 1 else 0, flags))
        if best is None or best_level is None or dice > best_level.dice:
            best = SelfLearned(network, number, settings, learned, ())
        if missing:
            break
    progress(Progress("Validating", 1.0))
    assert best is not None  # the first level is the best of one
    return replace(best, levels=tuple(levels))


def _dice(
    learner: Learner, network: nn.Module, slices: Sequence[LabelledImage], cancel: CancelToken
) -> float:
    counts = Confusion()
    for item, labels in zip(slices, learner.predict(network, slices, False), strict=True):
        cancel.raise_if_cancelled()
        counts += Confusion.of(labels > 0, item.lesion > 0)
    if counts.dice is None:
        raise InputError("The validation slices show no lesion: name patients that do.")
    return counts.dice


def _predicted(
    learner: Learner,
    network: nn.Module,
    slices: Sequence[LabelledImage],
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Iterator[LabelledImage]:
    """The slices with what a level finds in their lungs in place of lesions."""
    predicted = zip(slices, learner.predict(network, slices, True), strict=True)
    for done, (item, labels) in enumerate(predicted):
        cancel.raise_if_cancelled()
        progress(Progress("Labelling for the next level", done / len(slices)))
        lesion = labels if len(learner.classes) > 1 else labels > 0
        yield replace(item, lesion=lesion, pseudo=True)


def _not_found(slices: Sequence[LabelledImage], classes: Sequence[str]) -> list[str]:
    """Classes that no slice shows."""
    shown = {int(label) for item in slices for label in np.unique(item.lesion)}
    return [name for number, name in enumerate(classes, start=1) if number not in shown]


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
