"""Implicit shapes on an open axial grid in mm: boolean masks by broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Point = Sequence[float] | np.ndarray
"""(x, y, z) in mm."""


@dataclass(frozen=True)
class Grid:
    """An axial grid whose centre lies at (0, 0, 0).

    Attributes:
        shape: Voxels along (z, y, x).
        spacing: mm along (z, y, x).
        z, y, x: Open (broadcastable) float32 coordinates in mm; z to superior, y to posterior,
            x to the patient's left.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    def _axis(self, axis: int) -> np.ndarray:
        count = self.shape[axis]
        position = (np.arange(count) - (count - 1) / 2) * self.spacing[axis]
        return position.astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])

    @property
    def z(self) -> np.ndarray:
        return self._axis(0)

    @property
    def y(self) -> np.ndarray:
        return self._axis(1)

    @property
    def x(self) -> np.ndarray:
        return self._axis(2)

    @property
    def voxel_mm3(self) -> float:
        return float(np.prod(self.spacing))

    def index(self, points_xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flat voxel index of each (n, 3) point in mm, and which points lie within the grid."""
        centre = (np.array(self.shape) - 1) / 2
        zyx = np.rint(points_xyz[:, ::-1] / np.array(self.spacing) + centre).astype(np.int64)
        inside = np.all((zyx >= 0) & (zyx < np.array(self.shape)), axis=1)
        return np.ravel_multi_index(zyx[inside].T, self.shape), inside

    def ellipsoid(self, centre: Point, half_axes: Point) -> np.ndarray:
        """Mask (z, y, x) of an ellipsoid; ``centre`` and ``half_axes`` in mm along (x, y, z)."""
        x, y, z = (
            ((axis - c) / h) ** 2
            for axis, c, h in zip((self.x, self.y, self.z), centre, half_axes, strict=True)
        )
        mask: np.ndarray = x + y + z < 1
        return mask

    def tube(self, start: Point, end: Point, radius: float) -> np.ndarray:
        """Mask (z, y, x) of a straight tube with round ends.

        ``start`` and ``end`` are points (x, y, z) in mm, ``radius`` is in mm.
        """
        mask: np.ndarray = self.distance_to_segment(start, end, radius) < radius
        return mask

    def distance_to_segment(self, start: Point, end: Point, reach: float) -> np.ndarray:
        """Distance in mm to a segment, float32 (z, y, x).

        It is infinite farther than ``reach`` mm from the bounding box of the segment between the
        points ``start`` and ``end``, (x, y, z) in mm.
        """
        start = np.asarray(start, np.float32)
        end = np.asarray(end, np.float32)
        axes = (self.z, self.y, self.x)
        low, high = np.minimum(start, end)[::-1] - reach, np.maximum(start, end)[::-1] + reach
        box = tuple(
            slice(*np.searchsorted(axis.ravel(), (low[n], high[n]))) for n, axis in enumerate(axes)
        )
        distance = np.full(self.shape, np.inf, np.float32)
        z, y, x = axes[0][box[0]], axes[1][:, box[1]], axes[2][:, :, box[2]]
        along = end - start
        length2 = float(along @ along)
        t = (x - start[0]) * along[0] + (y - start[1]) * along[1] + (z - start[2]) * along[2]
        t = np.clip(t / length2, 0, 1)
        distance[box] = np.sqrt(
            (x - start[0] - t * along[0]) ** 2
            + (y - start[1] - t * along[1]) ** 2
            + (z - start[2] - t * along[2]) ** 2
        )
        return distance


def radial_depth(
    x: np.ndarray,
    y: np.ndarray,
    half_width: float | np.ndarray,
    half_height: float | np.ndarray,
    exponent: float = 2.3,
) -> np.ndarray:
    """Depth in mm below the surface of a superelliptic cylinder, measured towards its axis.

    Positive inside, negative outside. ``x``, ``y``, ``half_width`` and ``half_height`` are in mm
    and broadcast to (z, y, x), so that the half axes may vary along z.
    """
    level = (np.abs(x / half_width) ** exponent + np.abs(y / half_height) ** exponent) ** (
        1 / exponent
    )
    depth: np.ndarray = np.sqrt(x**2 + y**2) * (1 / np.maximum(level, 1e-3) - 1)
    return depth
