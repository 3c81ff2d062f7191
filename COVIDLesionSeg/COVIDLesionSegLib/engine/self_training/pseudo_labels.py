"""Pseudo-labels: ground-glass opacity and consolidation without an expert.

Source: V. L. Balantrapu, "A Deep Residual Segmentation UNet (DRSegUNet)", MSc thesis, University of
Birmingham 2021, Section 4.4.1, steps 4 to 6: k-means with three clusters within the lungs, then
erosion and dilation with a line and closing with a disk. There are two rules.

``"thesis"``: k-means decides, slice by slice, on the slice with everything outside the lungs black:
"three cluster centers background, lungs, and ground-glass opacities". The densest is ground-glass
opacity; there is no consolidation. Where clusters start the thesis does not say: here at black, at
the lungs' median and at their 95th percentile, so there is no chance in the result. As every slice
has a densest cluster, vessels are lesions in healthy slices.

``"density"`` is ours, which tells consolidation from ground glass. In most CTs its bounds decide,
not k-means:

- Clusters are sought in all lungs of a CT at once, not slice by slice, so that a slice without
  lesions is measured by those that have some. They start at fixed densities.
- The densest cluster is consolidation and vessels; morphology takes out vessels that the line does
  not fit into. The thesis calls this cluster background.
- k-means finds three clusters whatever there is: in a healthy lung, or in one with ground glass
  and no consolidation. So consolidation is denser than the -170 HU up to which the thesis takes
  tissue for lung, and ground glass is what else is denser than well-aerated lung, which goes up to
  -700 HU (Colombi et al., Radiology 2020;296:E86).

Its structuring elements are those of MATLAB's ``strel``, in pixels of 512x512 slices. These are
taken for pixels of 0.75 mm, a field of view of 384 mm, and keep their size in mm on other pixels.

These are no expert's labels: bronchial walls, large vessels and motion are mistaken for lesions.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from skimage.draw import line

from ..boxes import bounding_box
from ..progress import CancelToken
from .lung_field import THRESHOLD_HU

_line: Callable[..., Any] = line

RULES = ("density", "thesis")
GROUND_GLASS, CONSOLIDATION = 1, 2
"""The labels of ``labels.CLASSES``."""
CLUSTERS_FROM_HU = (-850.0, -650.0, 40.0)
"""Where the clusters start: lung, ground glass (middle of the thesis' -800 to -500, Section 5.2),
soft tissue."""
ITERATIONS = 25
MOST_VOXELS = 1_000_000
"""Centres are sought among at most so many voxels, spread evenly over the lungs."""
WELL_AERATED_UP_TO_HU = -700.0
NORMALISED_HU = (-1000.0, 400.0)
"""HU of air and of bone, which become 0 and 1 (Section 4.4.1, step 1)."""
LINE_LENGTH, LINE_DEGREES = 8, 50
"""``strel('line', 8, 50)``: length in pixels; angle from the columns' axis, counterclockwise."""
PIXEL_MM = 0.75

_OCTAGON_REACH, _OCTAGON_CUT = 5, 8
"""``strel('disk', 6)``: |row| and |column| at most 5, |row| + |column| at most 8; an octagon."""


def pseudo_labels(
    axial_hu: np.ndarray,
    lungs: np.ndarray,
    spacing: tuple[float, float, float],
    cancel: CancelToken | None = None,
    rule: str = "density",
) -> np.ndarray:
    """Label ground-glass opacity and consolidation by density and shape.

    Args:
        axial_hu: HU, shape (z, y, x) in axial order.
        lungs: Non-zero in the lungs, same shape.
        spacing: mm along (z, y, x).
        cancel: Looked at between steps.
        rule: ``"density"``, or ``"thesis"``, which labels no consolidation.

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
    if rule == "thesis":
        for hu, within, found in zip(axial_hu, inside, labels, strict=True):
            if cancel is not None:
                cancel.raise_if_cancelled()
            densest = _densest(hu, within)
            found[_tidy(densest[None], spacing[1:])[0] & within] = GROUND_GLASS
        return labels
    clusters = _by_density(axial_hu[inside].astype(np.float32))
    for kind in (GROUND_GLASS, CONSOLIDATION):  # where both closings reach, the denser one stays
        if cancel is not None:
            cancel.raise_if_cancelled()
        mask = np.zeros(axial_hu.shape, dtype=bool)
        mask[inside] = clusters == kind
        labels[_tidy(mask, spacing[1:]) & inside] = kind
    return labels


def _by_density(hu: np.ndarray) -> np.ndarray:
    """Class of every value of the lungs, by clusters within the bounds of density."""
    low, high = NORMALISED_HU
    clusters = _clusters(np.clip((hu - low) / (high - low), 0, 1))
    clusters[(clusters == CONSOLIDATION) & (hu <= THRESHOLD_HU)] = GROUND_GLASS
    clusters[(clusters == GROUND_GLASS) & (hu <= WELL_AERATED_UP_TO_HU)] = 0
    return clusters


def _densest(hu: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Steps 4 and 5 on one slice: pixels of the densest of three clusters, bool.

    Values are counted HU by HU, so that k-means runs on 1401 counts.
    """
    low, high = NORMALISED_HU
    values = np.clip(np.rint(hu[inside]), low, high) - low
    if not values.size:
        return np.zeros(hu.shape, dtype=bool)
    counts = np.bincount(values.astype(int), minlength=int(high - low) + 1).astype(float)
    counts[0] += inside.size - values.size  # black around the lungs
    centres = np.array([0.0, np.median(values), np.percentile(values, 95)])
    levels = np.arange(counts.size)
    for _ in range(ITERATIONS):
        nearest = np.digitize(levels, (centres[1:] + centres[:-1]) / 2)
        weights = np.bincount(nearest, counts, 3)
        sums = np.bincount(nearest, counts * levels, 3)
        moved = np.where(weights > 0, sums / np.maximum(weights, 1), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    densest = np.zeros(hu.shape, dtype=bool)
    densest[inside] = values > (centres[1] + centres[2]) / 2
    return densest


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
    clusters: np.ndarray = np.digitize(unit, (centres[1:] + centres[:-1]) / 2)
    return clusters


def _tidy(mask: np.ndarray, pixel_mm: tuple[float, float]) -> np.ndarray:
    """Step 6, slice by slice: erosion and dilation with the line, closing with the disk."""
    thin, wide = line_element(pixel_mm), disk_element(pixel_mm)
    margin = max(*thin.shape, *wide.shape)
    tidy = np.zeros_like(mask)
    for one, result in zip(mask, tidy, strict=True):
        box = bounding_box(one)
        if box is None:
            continue
        # Nothing grows beyond the box, but the elements must see that beyond there is nothing.
        opened = ndimage.binary_opening(np.pad(one[box], margin), thin)
        result[box] = ndimage.binary_closing(opened, wide)[margin:-margin, margin:-margin]
    return tidy


def line_element(pixel_mm: tuple[float, float]) -> np.ndarray:
    """The line as bool (rows, columns), odd in both; 7 x 5 on pixels of 0.75 mm.

    Args:
        pixel_mm: Height and width of a pixel.
    """
    half = (LINE_LENGTH - 1) / 2 * PIXEL_MM
    angle = math.radians(LINE_DEGREES)
    up = round(half * math.sin(angle) / pixel_mm[0])
    across = round(half * math.cos(angle) / pixel_mm[1])
    element = np.zeros((2 * up + 1, 2 * across + 1), dtype=bool)
    element[_line(2 * up, 0, 0, 2 * across)] = True
    return element


def disk_element(pixel_mm: tuple[float, float]) -> np.ndarray:
    """The disk as bool (rows, columns), odd in both; 11 x 11 on pixels of 0.75 mm.

    Args:
        pixel_mm: Height and width of a pixel.
    """
    steps = [size / PIXEL_MM for size in pixel_mm]
    # What is one pixel by the arithmetic of floating point stays one.
    reach = [int(_OCTAGON_REACH / step + 1e-6) for step in steps]
    rows, columns = (
        np.abs(np.arange(-n, n + 1)) * step for n, step in zip(reach, steps, strict=True)
    )
    disk: np.ndarray = rows[:, None] + columns[None, :] <= _OCTAGON_CUT + 1e-6
    return disk
