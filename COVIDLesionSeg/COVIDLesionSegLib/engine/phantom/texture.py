"""Random fields: tissue texture in mm, scanner noise in voxels."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .shapes import Grid

_EXTENT = 220.0  # mm from the centre; the lattice covers any chest


def smooth_field(grid: Grid, length: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian random field with unit variance, float32 (z, y, x).

    ``length`` is the standard deviation of its Gaussian kernel in mm. White noise lives on a
    lattice in mm, so the field is the same on every grid of one patient.
    """
    lattice = np.arange(-_EXTENT, _EXTENT + length, length)
    field = random.standard_normal((len(lattice),) * 3, dtype=np.float32)
    for axis in (grid.z, grid.y, grid.x):
        weight = np.exp(-0.5 * ((axis.reshape(-1, 1) - lattice) / length) ** 2)
        weight /= np.maximum(np.linalg.norm(weight, axis=1, keepdims=True), 1e-12)
        # Each pass contracts the leading lattice axis and appends a grid axis.
        field = np.tensordot(field, weight.astype(np.float32), axes=(0, 1))
    return field


def scanner_noise(grid: Grid, sd: float, random: np.random.Generator) -> np.ndarray:
    """Noise in HU with standard deviation ``sd``, correlated in plane as by a CT kernel."""
    white = random.standard_normal(grid.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(white, (0.3, 0.75, 0.75), truncate=3)
    scaled: np.ndarray = noise * np.float32(sd / max(float(noise.std()), 1e-6))
    return scaled
