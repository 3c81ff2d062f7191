"""Cross-entropy over several exclusive classes, of the cascade paper and the DRSegUNet thesis."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


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
