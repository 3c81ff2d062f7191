"""The papers' loss functions, found by the name a training recipe gives."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import ParameterError
from .cross_entropy import CategoricalCrossEntropyLoss
from .focal import EamcFocalLoss
from .hybrid import CovidRateHybridLoss
from .overlap import (
    EamcCrossEntropyDiceLoss,
    EamcDiceLoss,
    EamcFocalTverskyLoss,
    EamcIoULoss,
    EamcTverskyLoss,
)

_LOSSES: dict[str, type[nn.Module]] = {
    "CategoricalCrossEntropyLoss": CategoricalCrossEntropyLoss,
    "CovidRateHybridLoss": CovidRateHybridLoss,
    "EamcCrossEntropyDiceLoss": EamcCrossEntropyDiceLoss,
    "EamcDiceLoss": EamcDiceLoss,
    "EamcFocalLoss": EamcFocalLoss,
    "EamcFocalTverskyLoss": EamcFocalTverskyLoss,
    "EamcIoULoss": EamcIoULoss,
    "EamcTverskyLoss": EamcTverskyLoss,
    # The cascade paper's name for the same function.
    "LogSoftmaxNLLLoss": CategoricalCrossEntropyLoss,
}


def build_loss(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Build the loss ``name`` with its constructor ``arguments``.

    Every loss takes logits, not probabilities, and gives one number.

    Raises:
        ParameterError: There is no such loss, or it does not take these arguments.
    """
    if name not in _LOSSES:
        raise ParameterError(f"Unknown loss {name!r}; known: {', '.join(sorted(_LOSSES))}.")
    try:
        return _LOSSES[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"Loss {name} cannot be built: {error}.") from error
