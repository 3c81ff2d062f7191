"""A slice in colours that tell where prediction and truth agree and where not."""

from __future__ import annotations

import numpy as np

TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE = (0, 170, 80), (220, 40, 40), (250, 210, 0)
"""Green, red and yellow, as in Figure 8 of the EAMC paper."""
_OPACITY = 0.6


def confusion_picture(grey: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Green where both say lesion, red where it was missed, yellow where it was made up.

    Args:
        grey: uint8 (rows, columns), the CT.
        predicted, truth: bool, same shape.

    Returns:
        uint8 (rows, columns, 3); pixels that both call background are those of the CT.
    """
    picture = np.repeat(grey[..., None], 3, axis=-1)
    for where, color in (
        (predicted & truth, TRUE_POSITIVE),
        (~predicted & truth, FALSE_NEGATIVE),
        (predicted & ~truth, FALSE_POSITIVE),
    ):
        blended = (1 - _OPACITY) * picture[where] + _OPACITY * np.array(color)
        picture[where] = np.rint(blended).astype(np.uint8)
    return picture
