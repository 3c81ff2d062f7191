"""The lungs slice by slice, as the DRSegUNet thesis finds them (Section 4.4.1, steps 1 to 3)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import clear_border

NORMALISED_HU = (-1000.0, 400.0)
"""HU of air and of bone, which become 0 and 1 (step 1)."""
THRESHOLD_HU = -170.0
"""Lung is below (step 1); 0.592857 of the normalised image."""
LARGEST = 2
"""Components of a slice that are kept (step 2)."""


def lung_field(axial_hu: np.ndarray) -> np.ndarray:
    """Lung of every slice: dark, away from the border, the two largest parts, holes filled.

    The thesis tells neither what it does with the air around the patient, which is dark, too, nor
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
        parts = label(clear_border(hu < THRESHOLD_HU), connectivity=2)
        sizes = np.bincount(parts.ravel())[1:]
        largest = np.argsort(-sizes, kind="stable")[:LARGEST] + 1
        field[:] = ndimage.binary_fill_holes(np.isin(parts, largest))
    return lungs
