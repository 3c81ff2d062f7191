"""Where voxels lie in the patient: spacing, origin and axes, in DICOM's LPS convention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
FloatArray = npt.NDArray[np.float64]

_POSITION_TOLERANCE = 0.05
"""Of a voxel, between the corners of two grids that count as the same."""


@dataclass(frozen=True)
class Geometry:
    """The grid of a volume, as SimpleITK states it.

    Attributes:
        size: Number of voxels along the grid's i, j, k axes (columns, rows, slices).
        spacing: Distance between voxel centres along i, j, k, in mm.
        origin: LPS position of the centre of voxel (0, 0, 0), in mm.
        direction: Row-major 3x3 matrix; column n is the LPS unit vector of axis n.
    """

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    @classmethod
    def from_ijk_to_ras(cls, matrix: npt.ArrayLike, size: tuple[int, int, int]) -> Geometry:
        """Geometry of a Slicer volume node from its 4x4 IJK-to-RAS matrix and (i, j, k) size."""
        lps = _LPS_TO_RAS @ np.asarray(matrix, dtype=float)
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        with np.errstate(invalid="ignore"):  # a zero column gives NaN, which check_grid refuses
            direction = lps[:3, :3] / spacing
        return cls(
            size=(int(size[0]), int(size[1]), int(size[2])),
            spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
            origin=(float(lps[0, 3]), float(lps[1, 3]), float(lps[2, 3])),
            direction=tuple(float(d) for d in direction.ravel()),
        )

    @property
    def ijk_to_lps(self) -> FloatArray:
        """4x4 matrix from voxel indices (i, j, k) to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(self.direction, (3, 3)) * self.spacing
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def ijk_to_ras(self) -> FloatArray:
        """4x4 matrix from voxel indices (i, j, k) to RAS mm, Slicer's convention."""
        return np.asarray(_LPS_TO_RAS @ self.ijk_to_lps)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in ml (cm3)."""
        return float(np.prod(self.spacing)) / 1000.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array (slices, rows, columns) on this grid."""
        return self.size[::-1]

    def cropped(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Geometry:
        """The part of this grid that begins at index ``start`` (k, j, i) and has this shape."""
        k, j, i = start
        x, y, z, _ = (float(mm) for mm in self.ijk_to_lps @ [i, j, k, 1])
        return replace(self, size=shape[::-1], origin=(x, y, z))


@dataclass(frozen=True)
class AxialOrder:
    """How to permute and flip an array into axial order, and back, without resampling.

    In axial order an array's axes (z, y, x) run closest to superior, posterior and left, so that
    ``array[0, 0, 0]`` is the inferior, anterior, right-most voxel and ``array[k]`` is an axial
    slice in radiological view. An oblique grid takes the nearest axes; its voxels are not moved.

    Attributes:
        permutation: For each axis z, y, x of the axial array, the axis of the stored array.
        flips: For each axis z, y, x of the axial array, whether it runs backwards when stored.
    """

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @classmethod
    def of(cls, geometry: Geometry) -> AxialOrder:
        """The order that brings an array stored on ``geometry`` into axial order."""
        direction = np.reshape(geometry.direction, (3, 3))
        # Assign patient axes to grid axes greedily, strongest alignment first: even at 45 degrees
        # every patient axis gets a grid axis of its own.
        strength = np.abs(direction)
        grid_axis = {}
        for _ in range(3):
            patient, grid = np.unravel_index(np.argmax(strength), (3, 3))
            grid_axis[int(patient)] = int(grid)
            strength[patient, :] = -1
            strength[:, grid] = -1
        # Array axes are grid axes reversed (array axis 0 is k); patient axes z, y, x are L P S
        # components 2, 1, 0.
        z, y, x = (2 - grid_axis[patient] for patient in (2, 1, 0))
        flip_z, flip_y, flip_x = (
            bool(direction[patient, grid_axis[patient]] < 0) for patient in (2, 1, 0)
        )
        return cls((z, y, x), (flip_z, flip_y, flip_x))

    def to_axial(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Stored array to axial order (z, y, x); a view, no copy."""
        axial = np.transpose(array, self.permutation)
        return axial[tuple(slice(None, None, -1 if flip else None) for flip in self.flips)]

    def to_stored(self, axial: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Axial array (z, y, x) back to the stored order; a view, no copy."""
        stored = axial[tuple(slice(None, None, -1 if flip else None) for flip in self.flips)]
        return np.transpose(stored, np.argsort(self.permutation))

    def axial_spacing(self, geometry: Geometry) -> tuple[float, float, float]:
        """Spacing in mm along the axial array's axes (z, y, x)."""
        z, y, x = (geometry.spacing[2 - axis] for axis in self.permutation)
        return z, y, x

    def slice_centres(self, geometry: Geometry) -> FloatArray:
        """Centre of every axial slice, from inferior to superior: RAS in mm, shape (slices, 3)."""
        axis = 2 - self.permutation[0]  # grid axis (0 i, 1 j, 2 k) that runs closest to superior
        middle = (np.array(geometry.size) - 1) / 2.0
        indices = np.arange(geometry.size[axis])
        points = np.tile([*middle, 1.0], (len(indices), 1))
        points[:, axis] = indices[::-1] if self.flips[0] else indices
        return np.asarray((points @ geometry.ijk_to_ras.T)[:, :3])

    def nearest_slice(self, geometry: Geometry, ras: npt.ArrayLike) -> int:
        """Index of the axial slice that is nearest to a point: RAS in mm, shape (3,).

        Of a point beyond the volume it is the first or the last slice.
        """
        ijk = np.linalg.solve(geometry.ijk_to_ras, [*np.asarray(ras, float), 1.0])
        axis = 2 - self.permutation[0]
        last = geometry.size[axis] - 1
        index = int(np.clip(np.rint(ijk[axis]), 0, last))
        return last - index if self.flips[0] else index


def same_grid(first: Geometry, second: Geometry) -> bool:
    """Whether two grids have the same size and corners, within a twentieth of a voxel."""
    if first.size != second.size:
        return False
    last = [n - 1 for n in first.size]
    corners = np.array(
        [[i, j, k, 1] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])], float
    ).T
    distance = (first.ijk_to_lps @ corners - second.ijk_to_lps @ corners)[:3]
    return bool(np.abs(distance).max() <= _POSITION_TOLERANCE * min(first.spacing))


def zeros_laid_out_as(axial: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros that lie in memory as ``axial`` does: laid back on the stored grid without a copy."""
    backwards = tuple(slice(None, None, -1 if step < 0 else None) for step in axial.strides)
    return np.zeros_like(axial, dtype)[backwards]
