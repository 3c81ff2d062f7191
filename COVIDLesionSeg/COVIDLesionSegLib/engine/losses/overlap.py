"""Overlap losses of the EAMC paper's ablation (Eq. 4 to 8).

Where the paper writes one image, sums here run over all pixels of the batch, so that a patch
without lesion does not decide the loss alone. All take logits against a 0/1 target, both
(batch, 1, rows, columns).
"""

from __future__ import annotations

from monai.losses import DiceCELoss, DiceLoss, TverskyLoss
from torch import Tensor, nn

_AS_PRINTED = {"sigmoid": True, "smooth_nr": 1.0, "smooth_dr": 1.0, "batch": True}
"""The paper adds 1 to numerator and denominator."""


class _BinaryLoss(nn.Module):
    """A loss of MONAI's, computed in float32 whatever the network's precision."""

    def __init__(self, loss: nn.Module):
        super().__init__()
        self._loss = loss

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        return self._loss(logits.float(), target.float())


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
        return power(super().forward(logits, target), self._exponent)


def power(loss: Tensor, exponent: float) -> Tensor:
    """A loss of 0 or more to a power below 1, with a finite slope at a perfect prediction.

    There rounding can leave the loss at or below 0, where the slope is infinite or undefined. In
    float32 the next loss above 0 is 6e-8, so the bound alters no other value.
    """
    return loss.clamp(min=1e-12) ** exponent
