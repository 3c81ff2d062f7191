"""Focal loss of the EAMC paper."""

from __future__ import annotations

from typing import Literal

import torch
from monai.losses import FocalLoss
from torch import Tensor, nn


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
        return self._scale * self._focal(logits.float(), target.to(torch.float32))
