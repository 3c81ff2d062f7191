"""Rays from the mediastinum through the voxels of every axial slice."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .working_grid import WorkingGrid

RAYS = 240
ANGLES = (np.arange(RAYS) + 0.5) * 2 * np.pi / RAYS
"""Of each ray: from the back over the patient's right, the front and the left to the back."""


class Rays:
    """Rays of axial slices, numbered as in :data:`ANGLES`.

    What is known of each ray is held in an array of shape (z, :data:`RAYS`).

    Attributes:
        radius: mm of every voxel (z, y, x) from where the rays of its slice start.
    """

    def __init__(self, lungs: np.ndarray, grid: WorkingGrid):
        """``lungs``: both lungs on the coarse grid; their middle is where the rays start."""
        centre_x, centre_y = mediastinum(lungs)
        dy = (np.arange(lungs.shape[1]) - centre_y)[None, :, None] * grid.spacing[1]
        dx = (np.arange(lungs.shape[2]) - centre_x[:, None])[:, None, :] * grid.spacing[2]
        angle = np.arctan2(dy, dx).astype(np.float32) / (2 * np.pi) + 0.75
        self.radius = np.hypot(dy, dx).astype(np.float32)
        self._ray = (angle * RAYS).astype(np.int32) % RAYS
        self._ray += np.arange(len(lungs), dtype=np.int32)[:, None, None] * RAYS
        self._shape = (len(lungs), RAYS)

    def entry(self, mask: np.ndarray) -> np.ndarray:
        """Where each ray enters the mask, in mm; infinite if it never does."""
        first = np.full(self._shape, np.inf, np.float32)
        np.minimum.at(first.ravel(), self._ray[mask], self.radius[mask])
        return first

    def exit(self, mask: np.ndarray) -> np.ndarray:
        """Where each ray leaves the mask, in mm; 0 if it never meets it."""
        last = np.zeros(self._shape, np.float32)
        np.maximum.at(last.ravel(), self._ray[mask], self.radius[mask])
        return last

    def mean(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Mean of the values of each ray's voxels in the mask; nan without any."""
        which = self._ray[mask]
        size = self._shape[0] * self._shape[1]
        count = np.bincount(which, minlength=size)
        total = np.bincount(which, values[mask], minlength=size)
        means: np.ndarray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return means.reshape(self._shape)

    def at_voxels(self, of_rays: np.ndarray) -> np.ndarray:
        """For every voxel, what is known of its ray; (z, y, x)."""
        values: np.ndarray = of_rays.ravel()[self._ray]
        return values


def mediastinum(lungs: np.ndarray) -> tuple[np.ndarray, float]:
    """x between the lungs in every slice, (z,), and y amid the lungs, in voxels.

    y is the same for all slices: in one that cuts only the posterior recesses, the middle of what
    it shows lies behind the mediastinum.

    Args:
        lungs: Both, bool (z, y, x).
    """
    used = np.flatnonzero(lungs.any(axis=(1, 2)))
    middle = [np.flatnonzero(lungs[z].any(axis=0))[[0, -1]].mean() for z in used]
    x = np.interp(np.arange(len(lungs)), used, middle)
    y = np.flatnonzero(lungs.any(axis=(0, 2)))[[0, -1]].mean()
    return ndimage.uniform_filter1d(x, 9, mode="nearest"), float(y)
