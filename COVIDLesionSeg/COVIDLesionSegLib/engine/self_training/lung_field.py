"""Lungs slice by slice, by density and size.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Section 4.4.1, steps 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import clear_border

_label: Callable[..., np.ndarray] = label
_clear_border: Callable[..., np.ndarray] = clear_border

THRESHOLD_HU = -170.0
"""Lung is below (step 1); 0.592857 of the normalised image."""
LARGEST = 2
"""Components of a slice that are kept (step 2)."""


def lung_field(axial_hu: np.ndarray) -> np.ndarray:
    """Lungs: of what is dark and away from the border the two largest parts, holes filled.

    The thesis says neither what it does with the air around the patient, which is dark, too, nor
    that lung is the dark side of its threshold. Air is what touches the border of the slice; so a
    slice cropped to the lungs has none left.

    Consolidation at the chest wall is outside these lungs; the extractors of ``engine/lungs`` keep
    it inside.

    Args:
        axial_hu: HU, shape (z, y, x) in axial order.

    Returns:
        bool, same shape.
    """
    lungs = np.zeros(axial_hu.shape, dtype=bool)
    for hu, field in zip(axial_hu, lungs, strict=True):
        parts = _label(_clear_border(hu < THRESHOLD_HU), connectivity=2)
        sizes = np.bincount(parts.ravel())[1:]
        largest = np.argsort(-sizes, kind="stable")[:LARGEST] + 1
        field[:] = ndimage.binary_fill_holes(np.isin(parts, largest))
    return lungs
