"""Weighted cross-entropy with a focal Tversky loss, of the COVID-Rate paper."""

from __future__ import annotations

from typing import Literal

import torch
from monai.losses import TverskyLoss
from torch import Tensor, nn
from torch.nn import functional

from .overlap import power

_TVERSKY_WEIGHTS = {"released": (0.7, 0.3), "printed": (0.3, 0.7)}
"""On false negatives and on false positives."""


class CovidRateHybridLoss(nn.Module):
    """COVID-Rate Eq. 2: ``mean((1 + w1 y) BCE) + kappa (1 - TI)^(1 / gamma)``.

    Sums run over all pixels of the batch, as in the released code.

    Args:
        lesion_weight: ``w1``: by how much more than background a lesion pixel counts in the
            cross-entropy. Neither the paper nor the released code gives its value; 1 is ours.
        kappa: Share of the focal Tversky loss; the paper's value is 1.
        gamma: The paper's value is 4/3.
        reading: ``"released"``: the Tversky index weighs false negatives 0.7 and false positives
            0.3, as the released code and Abraham and Khan do. ``"printed"``: the other way round,
            as Eq. 3 prints it, against the paper's own aim of a higher sensitivity.
    """

    def __init__(
        self,
        lesion_weight: float = 1.0,
        kappa: float = 1.0,
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
        self._exponent = 1.0 / gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits against a 0/1 target, both (batch, 1, rows, columns)."""
        logits, target = logits.float(), target.float()
        cross_entropy = functional.binary_cross_entropy_with_logits(
            logits, target, pos_weight=self._positive_weight
        )
        return cross_entropy + self._kappa * power(self._tversky(logits, target), self._exponent)
