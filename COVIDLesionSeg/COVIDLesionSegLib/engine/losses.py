"""The papers' loss functions and one of ours, found by the name a training recipe gives.

Every loss but one takes logits, not probabilities, and gives one number, computed in float32
whatever the network's precision. Those of a single class take a 0/1 target; both are then (batch,
1, rows, columns). Where the EAMC paper writes one image, the sums of its overlap losses (Eq. 4 to
8) run over all pixels of the batch, so that a patch without lesion does not decide the loss alone.
"""

from __future__ import annotations

import inspect
import math
from typing import Any, Literal

import torch
from monai.losses.dice import DiceCELoss, DiceLoss
from monai.losses.focal_loss import FocalLoss
from monai.losses.tversky import TverskyLoss
from torch import Tensor, nn
from torch.nn import functional

from .errors import ParameterError
from .text import near_names


class CategoricalCrossEntropyLoss(nn.Module):
    """Mean over pixels of ``-log softmax(logits)[label]``.

    The DRSegUNet thesis calls it categorical cross-entropy (section 3.6, printed without the minus
    sign); the cascade paper prints it as Eq. 1 and computes it as NLL loss over log-softmax
    (Table 3). All three are this one function.
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean loss.

        Args:
            logits: (batch, channels, rows, columns).
            target: (batch, 1, rows, columns): for each pixel the channel it belongs to.
        """
        return functional.cross_entropy(logits.float(), target.squeeze(1).long())


class CategoricalCrossEntropyDiceLoss(CategoricalCrossEntropyLoss):
    """Categorical cross-entropy plus the mean Dice loss of the channels; ours, no paper's.

    A channel that covers few pixels, as consolidation does, weighs as much as one that covers many.
    Every channel's sums run over all pixels of the batch, and are smoothed by 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dice = DiceLoss(
            softmax=True, to_onehot_y=True, batch=True, smooth_nr=1.0, smooth_dr=1.0
        )

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of the same arguments as categorical cross-entropy."""
        dice: Tensor = self._dice(logits.float(), target.float())
        return super().forward(logits, target) + dice


class EamcFocalLoss(nn.Module):
    """Focal loss, EAMC Eq. 3: ``-alpha (1 - p_t)^gamma log(p_t)``, averaged over all pixels.

    Args:
        alpha: Weighting factor; the paper's value is 0.8.
        gamma: Focusing parameter; the paper's value is 2.
        balance: ``"printed"``: Eq. 3 as printed, alpha for both classes. ``"class"``: alpha for
            lesion and 1 - alpha for background, as Lin et al. define the balanced loss.
    """

    def __init__(
        self,
        alpha: float = 0.8,
        gamma: float = 2.0,
        balance: Literal["printed", "class"] = "class",
    ):
        super().__init__()
        if balance not in ("printed", "class"):
            raise ValueError(f"balance is {balance!r}: use 'printed' or 'class'")
        # MONAI's alpha weighs lesion by alpha and background by 1 - alpha, which is "class".
        self._focal = FocalLoss(gamma=gamma, alpha=alpha if balance == "class" else None)
        self._scale = alpha if balance == "printed" else 1.0

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        loss: Tensor = self._focal(logits.float(), target.float())
        return self._scale * loss


_AS_PRINTED: dict[str, Any] = {"sigmoid": True, "smooth_nr": 1.0, "smooth_dr": 1.0, "batch": True}
"""The paper adds 1 to numerator and denominator."""


class _BinaryLoss(nn.Module):
    """A loss of MONAI's."""

    def __init__(self, loss: nn.Module):
        super().__init__()
        self._loss = loss

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        loss: Tensor = self._loss(logits.float(), target.float())
        return loss


class EamcDiceLoss(_BinaryLoss):
    """EAMC Eq. 4: ``1 - (2 y p + 1) / (y + p + 1)``; MONAI's Dice loss, smoothed by 1."""

    def __init__(self) -> None:
        super().__init__(DiceLoss(**_AS_PRINTED))


class EamcCrossEntropyDiceLoss(_BinaryLoss):
    """EAMC Eq. 5: mean binary cross-entropy plus the Dice loss of Eq. 4."""

    def __init__(self) -> None:
        super().__init__(DiceCELoss(**_AS_PRINTED))


class EamcIoULoss(_BinaryLoss):
    """EAMC Eq. 6, corrected: ``1 - (y p + 1) / (y + p - y p + 1)``.

    The paper prints ``+ y p`` in the denominator, under which a perfect prediction costs up to 2/3;
    a union is the sum less the overlap. This is the Tversky loss with both weights 1.
    """

    def __init__(self) -> None:
        super().__init__(TverskyLoss(alpha=1.0, beta=1.0, **_AS_PRINTED))


class EamcTverskyLoss(_BinaryLoss):
    """EAMC Eq. 7: ``1 - (TP + 1) / (TP + beta FP + alpha FN + 1)``; MONAI's, smoothed by 1.

    Args:
        misses: alpha, the weight of false negatives.
        false_alarms: beta, the weight of false positives. The paper gives no values; 0.7 and 0.3
            are those of Abraham and Khan.
    """

    def __init__(self, misses: float = 0.7, false_alarms: float = 0.3):
        super().__init__(TverskyLoss(alpha=false_alarms, beta=misses, **_AS_PRINTED))


class EamcFocalTverskyLoss(EamcTverskyLoss):
    """EAMC Eq. 8, corrected: ``TL^(1 / gamma)``, with TL the Tversky loss of Eq. 7.

    The paper prints ``(1 - TL)^(1 / gamma)``, under which a perfect prediction costs most; its
    source has the Tversky index there, not the loss.

    Args:
        misses, false_alarms: As in Eq. 7.
        gamma: The paper's value is 2.
    """

    def __init__(self, misses: float = 0.7, false_alarms: float = 0.3, gamma: float = 2.0):
        super().__init__(misses, false_alarms)
        self._exponent = 1.0 / gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        return _power(super().forward(logits, target), self._exponent)


def _power(loss: Tensor, exponent: float) -> Tensor:
    """A loss of 0 or more to a power below 1, with a finite gradient at a perfect prediction.

    There rounding can leave the loss at or below 0, where the gradient is infinite or undefined.
    In float32 the next loss above 0 is 6e-8, so the bound changes no other value.
    """
    return loss.clamp(min=1e-12) ** exponent


_TVERSKY_WEIGHTS = {"released": (0.7, 0.3), "printed": (0.3, 0.7)}
"""On false negatives and on false positives."""


class CovidRateHybridLoss(nn.Module):
    """COVID-Rate Eq. 2: ``mean((1 + w1 y) BCE) + kappa (1 - TI)^(1 / gamma)``.

    Sums run over all pixels of the batch, as in the released code. Each of the two terms alone, as
    in the paper's Table 2, is had by a share of 0 for the other one.

    Args:
        lesion_weight: ``w1``: by how much more than background a lesion pixel counts in the
            cross-entropy. Neither the paper nor the released code gives its value; 1 is ours.
        kappa: Share of the focal Tversky loss; the paper's value is 1.
        cross_entropy: Share of the cross-entropy; 1 in the paper's Eq. 2.
        gamma: The paper's value is 4/3.
        reading: ``"released"``: the Tversky index weighs false negatives 0.7 and false positives
            0.3, as the released code and Abraham and Khan do. ``"printed"``: the other way round,
            as Eq. 3 prints it, against the paper's own aim of a higher sensitivity.
    """

    _positive_weight: Tensor

    def __init__(
        self,
        lesion_weight: float = 1.0,
        kappa: float = 1.0,
        cross_entropy: float = 1.0,
        gamma: float = 4 / 3,
        reading: Literal["released", "printed"] = "released",
    ):
        super().__init__()
        if reading not in _TVERSKY_WEIGHTS:
            raise ValueError(f"reading is {reading!r}: use 'released' or 'printed'")
        misses, false_alarms = _TVERSKY_WEIGHTS[reading]
        self._tversky = TverskyLoss(
            sigmoid=True,
            alpha=false_alarms,
            beta=misses,
            smooth_nr=1e-6,  # as released
            smooth_dr=1e-6,
            batch=True,
        )
        # For a 0/1 target (1 + w1 y) BCE weighs the term of the lesion alone.
        self.register_buffer("_positive_weight", torch.tensor(1.0 + lesion_weight))
        self._kappa = kappa
        self._cross_entropy = cross_entropy
        self._exponent = 1.0 / gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        logits, target = logits.float(), target.float()
        cross_entropy = functional.binary_cross_entropy_with_logits(
            logits, target, pos_weight=self._positive_weight
        )
        tversky = _power(self._tversky(logits, target), self._exponent)
        return self._cross_entropy * cross_entropy + self._kappa * tversky


class PerClassCrossEntropyLoss(nn.Module):
    """COVID-Affinity Eq. 9: binary cross-entropy of every class of slices against all others.

    Args:
        reduction: ``"mean"`` over the classes, or ``"sum"`` as the equation prints it.
    """

    def __init__(self, reduction: Literal["mean", "sum"] = "mean"):
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is {reduction!r}: use 'mean' or 'sum'")
        self._sum = reduction == "sum"

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits (batch, classes) against the numbers of classes, int64 (batch,)."""
        one_hot = functional.one_hot(target, logits.shape[1]).float()
        loss = functional.binary_cross_entropy_with_logits(logits.float(), one_hot)
        return loss * logits.shape[1] if self._sum else loss


class MarginLoss(nn.Module):
    """Sabour, Frosst and Hinton, arXiv:1710.09829, Eq. 4, the mean over slices.

    A capsule of the true class shall be at least 0.9 long, any other at most 0.1. It takes lengths,
    0 to 1, not logits.

    Args:
        down: Weight of the classes that a slice is not of, 0.5 in the paper.
    """

    def __init__(self, down: float = 0.5):
        super().__init__()
        self._down = down

    def forward(self, lengths: Tensor, target: Tensor) -> Tensor:
        """Loss of lengths (batch, classes) against the numbers of classes (batch,)."""
        is_of = functional.one_hot(target.long(), lengths.shape[1]).float()
        short = functional.relu(0.9 - lengths.float()).square()
        long = functional.relu(lengths.float() - 0.1).square()
        return (is_of * short + self._down * (1 - is_of) * long).sum(dim=1).mean()


_LOSSES: dict[str, type[nn.Module]] = {
    "CategoricalCrossEntropyDiceLoss": CategoricalCrossEntropyDiceLoss,
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
    "MarginLoss": MarginLoss,
    "PerClassCrossEntropyLoss": PerClassCrossEntropyLoss,
}


_OF_SLICES = {"MarginLoss", "PerClassCrossEntropyLoss"}


def loss_names(channels: int) -> list[str]:
    """Names of the losses of pixels, of a network of so many output channels, sorted."""
    return sorted(
        name
        for name, loss in _LOSSES.items()
        if issubclass(loss, CategoricalCrossEntropyLoss) == (channels > 1)
        and name not in _OF_SLICES
    )


def build_loss(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Build the loss ``name`` with its constructor ``arguments``.

    Raises:
        ParameterError: There is no such loss, or it does not take these arguments.
    """
    if name not in _LOSSES:
        raise ParameterError(f"There is no loss {name!r}: {near_names(name, _LOSSES)}")
    known = inspect.signature(_LOSSES[name]).parameters
    for argument, value in arguments.items():
        if argument not in known:
            raise ParameterError(
                f"The loss {name} has no argument {argument!r}: {near_names(argument, known)}"
                if known
                else f"The loss {name} has no arguments, so leave {argument!r} out."
            )
        if isinstance(known[argument].default, (int, float)):
            _check_number(name, argument, value)
    try:
        return _LOSSES[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"Loss {name} cannot be built: {error}.") from error


def _check_number(loss: str, argument: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    positive = argument == "gamma"
    if not number or not 0 <= value < math.inf or (positive and value == 0):
        raise ParameterError(
            f"The argument {argument} of the loss {loss} is {value!r}, but must be a number "
            f"{'above 0' if positive else 'of at least 0'}."
        )
