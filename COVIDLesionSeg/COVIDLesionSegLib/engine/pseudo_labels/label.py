"""Ground-glass opacity and consolidation without an expert: pseudo-labels to learn from.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Section 4.4.1, steps 4 to 6: k-means with three clusters within the lungs, then
erosion and dilation with a line and closing with a disk. The thesis labels ground-glass opacity
alone. What it leaves open is decided here:

- Clusters are sought in all lungs of a CT at once, not slice by slice, so that a slice without
  lesions is measured by those that have some. They start at fixed densities, so there is no chance
  in the result.
- The densest cluster is consolidation and vessels; morphology takes out vessels that the line does
  not fit into. The thesis calls this cluster background.
- k-means finds three clusters whatever there is: in a healthy lung, or in one with ground glass
  and no consolidation. So consolidation is denser than the -170 HU up to which the thesis takes
  tissue for lung, and ground glass is what else is denser than well-aerated lung, which goes up to
  -700 HU (Colombi et al., Radiology 2020;296:E86).

These are no expert's labels: bronchial walls, large vessels and motion are mistaken for lesions.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from ..progress import CancelToken
from .elements import disk_element, line_element
from .lung_field import NORMALISED_HU, THRESHOLD_HU

GROUND_GLASS, CONSOLIDATION = 1, 2
"""The labels of ``labels.CLASSES``."""
CLUSTERS_FROM_HU = (-850.0, -650.0, 40.0)
"""Where the clusters start: lung, ground glass (middle of the thesis' -800 to -500, Section 5.2),
soft tissue."""
ITERATIONS = 25
MOST_VOXELS = 1_000_000
"""Centres are sought among at most so many voxels, spread evenly over the lungs."""
WELL_AERATED_UP_TO_HU = -700.0


def pseudo_labels(
    axial_hu: np.ndarray,
    lungs: np.ndarray,
    spacing: tuple[float, float, float],
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """Label ground-glass opacity and consolidation by density and shape.

    Args:
        axial_hu: HU, shape (z, y, x) in axial order.
        lungs: Non-zero in the lungs, same shape.
        spacing: mm along (z, y, x).
        cancel: Looked at between steps.

    Returns:
        uint8, same shape: 1 ground-glass opacity, 2 consolidation, 0 elsewhere and outside the
        lungs; all 0 without lungs.

    Raises:
        Cancelled: The token was set.
    """
    inside = lungs > 0
    labels = np.zeros(axial_hu.shape, dtype=np.uint8)
    if not inside.any():
        return labels
    low, high = NORMALISED_HU
    hu = axial_hu[inside].astype(np.float32)
    clusters = _clusters(np.clip((hu - low) / (high - low), 0, 1))
    clusters[(clusters == CONSOLIDATION) & (hu <= THRESHOLD_HU)] = GROUND_GLASS
    clusters[(clusters == GROUND_GLASS) & (hu <= WELL_AERATED_UP_TO_HU)] = 0
    for kind in (GROUND_GLASS, CONSOLIDATION):  # where both closings reach, the denser one stays
        if cancel is not None:
            cancel.raise_if_cancelled()
        mask = np.zeros(axial_hu.shape, dtype=bool)
        mask[inside] = clusters == kind
        labels[_tidy(mask, spacing[1:]) & inside] = kind
    return labels


def _clusters(unit: np.ndarray) -> np.ndarray:
    """Cluster of each value, by the nearest centre: 0 lung, 1 ground glass, 2 soft tissue."""
    low, high = NORMALISED_HU
    start = (np.array(CLUSTERS_FROM_HU) - low) / (high - low)
    sample = unit[:: -(-unit.size // MOST_VOXELS)].astype(np.float64)
    with warnings.catch_warnings():
        # A cluster that stays empty is tissue that is not there.
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        centres, _ = kmeans2(sample[:, None], start[:, None], iter=ITERATIONS, minit="matrix")
    centres = centres.ravel()
    return np.digitize(unit, (centres[1:] + centres[:-1]) / 2)


def _tidy(mask: np.ndarray, pixel_mm: tuple[float, float]) -> np.ndarray:
    """Step 6, slice by slice: erosion and dilation with the line, closing with the disk."""
    thin, wide = line_element(pixel_mm), disk_element(pixel_mm)
    margin = max(*thin.shape, *wide.shape)
    tidy = np.zeros_like(mask)
    for one, result in zip(mask, tidy, strict=True):
        rows, columns = (np.flatnonzero(one.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            continue
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        # Nothing grows beyond the box, but the elements must see that beyond there is nothing.
        opened = ndimage.binary_opening(np.pad(one[box], margin), thin)
        result[box] = ndimage.binary_closing(opened, wide)[margin:-margin, margin:-margin]
    return tidy
