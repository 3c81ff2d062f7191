"""Whether a model can be stored with its weights in 8 bits: its scores decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from torch import nn

from ..progress import ProgressCallback, ignore_progress, sub_progress
from .card import ModelCard, Weights
from .catalogue import Model
from .eight_bit import StorageCriterion, smallest_kernels
from .weights import load_network, weights_data_in_eight_bit

Scores = TypeVar("Scores")


@dataclass(frozen=True)
class InEightBit(Generic[Scores]):
    """A model with its large kernels in 8 bits, and how it compares with the model before.

    Attributes:
        card: Its card, with these weights.
        data: Content of the weights file, which is not written.
        network: The network that it holds.
        scores: As it was scored.
        changes: How its score moved, by patient or of all together.
        too_large: Those of ``changes`` that are larger than they may be.
    """

    card: ModelCard
    data: bytes
    network: nn.Module
    scores: Scores
    changes: dict[str, float]
    too_large: dict[str, float]


def try_eight_bit(
    network: nn.Module,
    card: ModelCard,
    folder: Path,
    criterion: StorageCriterion,
    compare: Callable[[nn.Module, ModelCard, ProgressCallback], tuple[Scores, dict[str, float]]],
    progress: ProgressCallback = ignore_progress,
) -> InEightBit[Scores] | None:
    """The model with its large kernels in 8 bits, or with as many of them as its scores allow.

    Where the score moves too far, the smaller ones of the kernels stay in half precision, and if
    need be more. Nothing is written.

    Args:
        network: In full precision.
        card: Its card.
        folder: Folder of the model.
        criterion: By how much the score may move.
        compare: Scores the network in 8 bits by its card, and says how its score moved.
        progress: Called as ``compare`` calls it, from 0 to 1 for all that may be tried.

    Returns:
        The last that was tried, which can be stored unless its score moved too far; None where no
        kernel is large enough.
    """
    tried = None
    sizes = smallest_kernels(network)
    for number, smallest in enumerate(sizes):
        data = weights_data_in_eight_bit(network, smallest)
        own = replace(card, weights=_in_eight_bit(card.trained_weights, data))
        small = load_network(Model(own, folder), weights=data)
        part = sub_progress(progress, number / len(sizes), (number + 1) / len(sizes))
        scores, changes = compare(small, own, part)
        tried = InEightBit(own, data, small, scores, changes, criterion.too_large(changes))
        if not tried.too_large:
            break
    return tried


def _in_eight_bit(weights: Weights, data: bytes) -> Weights:
    """The same weights on a card, once their file holds ``data``, which are in 8 bits."""
    size = None if weights.size is None else len(data)
    digest = hashlib.sha256(data).hexdigest()
    return replace(weights, sha256=digest, bits=8, size=size, url="")
