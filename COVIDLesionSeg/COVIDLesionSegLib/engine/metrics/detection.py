"""Whether a slice shows COVID-19 lesions at all, decided from its predicted mask."""

from __future__ import annotations

import numpy as np

from .infection import INFECTED_ABOVE


def any_pixel(lesion: np.ndarray) -> bool:
    """Cascade, section 2.4: positive if at least one pixel is called lesion, p > 0.5."""
    return bool(lesion.any())


def by_infection_rate(rate: float | None) -> bool | None:
    """COVID-Rate: infected if more than 0.005 of the lung's area is lesion; None without lung."""
    return None if rate is None else rate > INFECTED_ABOVE
