"""How certain a model is of the lesions it predicts, and which answers are worth learning from.

Source: N. Enshaei et al., "COVID-rate: an automated framework for segmentation of COVID-19 lesions
from chest CT images", Scientific Reports 12:3212, 2022, Methods, "Unsupervised enhancement". Values
of 25 % and 0.9 were chosen by the authors for their data and network. AMC-Net, which learned by a
focal loss, is less certain: 0.55 to 0.66 on 14 slices of coronacases 010.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CUT_OFF = 0.3
"""Lesion is where the probability is above (the authors' published code; the paper gives none)."""
TOP_SHARE = 0.25
LEAST_CERTAINTY = 0.9


def certainty_index(probability: np.ndarray) -> float | None:
    """Mean probability of the pixels above the cut-off (Equation 1).

    Args:
        probability: Of lesion, 0 to 1, one slice.

    Returns:
        0.3 to 1; None where no pixel is above, for which the authors' code gives 0.
    """
    above = probability[probability > CUT_OFF]
    return float(above.mean(dtype=np.float64)) if above.size else None


def most_certain(
    certainties: Sequence[float | None], share: float = TOP_SHARE, least: float = LEAST_CERTAINTY
) -> list[int]:
    """Indices of the top share of slices, the most certain first, if they are certain enough.

    The share is never exceeded: of fewer than four slices no quarter is chosen. Slices without
    lesion count in it, but are never chosen. Of equally certain slices the earlier comes first. The
    paper tells none of these.

    Args:
        certainties: :func:`certainty_index` of every slice.
        share: Of all slices, 0 to 1.
        least: Certainty index that a slice must have at least.
    """
    found = [n for n, certainty in enumerate(certainties) if certainty is not None]
    ranked = sorted(found, key=lambda n: -certainties[n])
    top = ranked[: int(share * len(certainties))]
    return [n for n in top if certainties[n] >= least]
