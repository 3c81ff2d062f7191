"""Recursive self-learning: each level learns from the labels that the level before it predicts.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Sections 4.4.2 and 5.5. Level 1 learns pseudo-labels from scratch; level 2 goes on
from its weights with "the first two layers" frozen, on labels that level 1 predicts. There level 2
got worse (Table 15: Dice 0.94, then 0.92), so every level is validated here, and the best is kept.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from torch import nn

from ..errors import ModelError, ParameterError, TrainingError
from ..flags import Flag
from ..progress import CancelToken

DEPTH = 2
"""Levels in the thesis."""
DRSEGUNET_FIRST_LAYERS = ("stem",)
"""Stage of DRSegUNet with its first two layers of convolution, which the thesis freezes; the stem's
shortcut, which lies beside them, is frozen with them."""

Labels = TypeVar("Labels")


@dataclass(frozen=True)
class Level:
    """What became of one level.

    Attributes:
        number: From 1.
        score: Of its validation; higher is better.
        frozen_parameters: Number of parameters that did not learn.
        flags: Says so if the level is worse than the best before it.
    """

    number: int
    score: float
    frozen_parameters: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class SelfLearned:
    """The outcome of recursive self-learning.

    Attributes:
        network: Of the best level, in evaluation mode, nothing frozen.
        best: Number of that level; the earlier of two that are equally good.
        levels: All of them.
    """

    network: nn.Module
    best: int
    levels: tuple[Level, ...]


def learn_recursively(
    network: nn.Module,
    labels: Labels,
    *,
    train: Callable[[nn.Module, Labels, int], None],
    predict: Callable[[nn.Module], Labels],
    validate: Callable[[nn.Module], float],
    first_stages: Sequence[str],
    depth: int = DEPTH,
    cancel: CancelToken | None = None,
) -> SelfLearned:
    """Train level after level, each on the labels of the one before, and keep the best.

    Every level goes on from the level before it, as in the thesis, even from one that got worse.

    Args:
        network: Untrained; it is not changed.
        labels: What level 1 learns from: pseudo-labels.
        train: Given a network, labels and the level's number, trains the network in place. Levels
            may have learning rates of their own: 9.8e-4 and 9.8e-6 in the thesis (Section 5.5).
        predict: Given a trained network, the labels that the next level learns from: where the
            probability is above 0.5 (Section 4.5).
        validate: Given a trained network, its score on patients that no level learns from.
        first_stages: Stages that are frozen from level 2 on; see :func:`frozen`.
        depth: Number of levels.
        cancel: Looked at before every level.

    Raises:
        ParameterError: ``depth`` is below 1.
        ModelError: The network has no stage of a name.
        TrainingError: A score is not a number.
        Cancelled: The token was set.
    """
    if depth < 1:
        raise ParameterError(f"The depth is {depth}, but there is at least one level.")
    for name in first_stages:  # before hours of training
        _stage(network, name)
    levels: list[Level] = []
    best_network = network
    best: Level | None = None
    for number in range(1, depth + 1):
        if cancel is not None:
            cancel.raise_if_cancelled()
        network = copy.deepcopy(network)
        if number > 1:
            labels = predict(network)
        with frozen(network, first_stages if number > 1 else ()) as count:
            train(network, labels, number)
        network.eval()
        score = float(validate(network))
        if not math.isfinite(score):
            raise TrainingError(
                f"Level {number} validates with {score}: its training failed, so lower its "
                "learning rate."
            )
        level = Level(number, score, count, _worse(number, score, best))
        levels.append(level)
        if best is None or score > best.score:
            best, best_network = level, network
    return SelfLearned(best_network, best.number, tuple(levels))


@contextmanager
def frozen(network: nn.Module, stages: Sequence[str]) -> Iterator[int]:
    """Keep stages of a network from learning within the block.

    Their parameters get no gradients, and their batch normalisation keeps its moving statistics and
    uses them, as that of a Keras layer that is not trainable does, whatever mode a trainer sets.

    Args:
        network: It may be trained within the block, in place.
        stages: Names of its modules, dotted where nested: ``"stem"``, ``"encoder.0"``.

    Yields:
        The number of parameters that do not learn.

    Raises:
        ModelError: The network has no stage of a name.
    """
    chosen = [_stage(network, name) for name in stages]
    parameters = {p for stage in chosen for p in stage.parameters() if p.requires_grad}
    with ExitStack() as undo:
        for module in {m for stage in chosen for m in stage.modules()}:
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                undo.callback(module.register_forward_pre_hook(_in_evaluation_mode).remove)
        for parameter in parameters:
            parameter.requires_grad_(False)
            parameter.grad = None  # an optimiser would still take a step with it
            undo.callback(parameter.requires_grad_, True)
        yield sum(parameter.numel() for parameter in parameters)


def _in_evaluation_mode(module: nn.Module, _: object) -> None:
    module.eval()


def _stage(network: nn.Module, name: str) -> nn.Module:
    stages = dict(network.named_modules())
    if not name or name not in stages:
        first = ", ".join(child for child, _ in network.named_children())
        raise ModelError(f"The network has no stage {name!r} to freeze; its stages are: {first}.")
    return stages[name]


def _worse(number: int, score: float, best: Level | None) -> tuple[Flag, ...]:
    if best is None or score >= best.score:
        return ()
    return (
        Flag(
            "level-got-worse",
            f"Level {number} validates worse than level {best.number} ({score:.4f} against "
            f"{best.score:.4f}), so it is not kept.",
        ),
    )
