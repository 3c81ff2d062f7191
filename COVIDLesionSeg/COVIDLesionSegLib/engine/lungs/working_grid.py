"""A coarse copy of the CT for the heavy morphology, and the way back to the CT's own grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK

sitk: Any = SimpleITK  # its functions have no annotations

_WORKING_SPACING = 2.0  # mm; below every structure the morphology looks for
_SCALE = (-1024, 3071)  # HU, of 12-bit CT
_SLAB = 32  # slices of the CT, about, that are worked on at a time, so that memory stays small


@dataclass(frozen=True)
class WorkingGrid:
    """The grid of the coarse copy.

    Attributes:
        shape: Shape of the CT, (z, y, x).
        factors: CT voxels per coarse voxel along (z, y, x).
        spacing: mm of a coarse voxel along (z, y, x).
    """

    shape: tuple[int, int, int]
    factors: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @classmethod
    def of(cls, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> WorkingGrid:
        z, y, x = (
            max(1, min(round(_WORKING_SPACING / mm), count // 2))
            for mm, count in zip(spacing, shape, strict=True)
        )
        coarse = (spacing[0] * z, spacing[1] * y, spacing[2] * x)
        return cls(shape, (z, y, x), coarse)

    @property
    def voxel_ml(self) -> float:
        return float(np.prod(self.spacing)) / 1000

    def slabs(self) -> Iterator[slice]:
        """The CT's slices in slabs of whole coarse slices."""
        thick = self.factors[0] * max(1, _SLAB // self.factors[0])
        for first in range(0, self.shape[0], thick):
            yield slice(first, min(first + thick, self.shape[0]))

    def shrink(
        self, array: np.ndarray, seen_as: Callable[[np.ndarray], np.ndarray] = np.asarray
    ) -> np.ndarray:
        """Mean over each coarse voxel; an incomplete last voxel is filled with the edge value.

        Of a bool array, the share of true voxels in percent.

        Args:
            array: On the CT's grid.
            seen_as: Applied to some slices at a time, where a whole copy would take memory.
        """
        return np.concatenate([self._shrink(seen_as(array[slab])) for slab in self.slabs()])

    def _shrink(self, array: np.ndarray) -> np.ndarray:
        if array.dtype == bool:
            array = array.astype(np.uint8) * np.uint8(100)
        padding = [
            (0, -count % factor) for count, factor in zip(array.shape, self.factors, strict=True)
        ]
        if any(after for _, after in padding):
            array = np.pad(array, padding, mode="edge")
        image = sitk.GetImageFromArray(np.ascontiguousarray(array))
        shrunk: np.ndarray = sitk.GetArrayFromImage(sitk.BinShrink(image, self.factors[::-1]))
        return shrunk

    def expand(self, mask: np.ndarray, slab: slice) -> np.ndarray:
        """A coarse mask on a slab of the CT, its outline smooth (linear interpolation at 1/2).

        Args:
            mask: bool (z, y, x), on the coarse grid.
            slab: Slices of the CT.

        Returns:
            bool (slices of the slab, rows, columns of the CT).
        """
        image = sitk.GetImageFromArray(mask.astype(np.uint8) * np.uint8(200))
        image.SetSpacing([float(factor) for factor in self.factors[::-1]])
        image.SetOrigin([(factor - 1) / 2 for factor in self.factors[::-1]])
        resample = sitk.ResampleImageFilter()
        resample.SetSize([*(int(n) for n in self.shape[:0:-1]), slab.stop - slab.start])
        resample.SetOutputOrigin([0.0, 0.0, float(slab.start)])
        resample.SetInterpolator(sitk.sitkLinear)
        # The outermost half voxel lies outside the coarse voxel centres.
        resample.SetUseNearestNeighborExtrapolator(True)
        expanded: np.ndarray = sitk.GetArrayFromImage(resample.Execute(image)) >= 100
        return expanded

    def repeat(self, mask: np.ndarray, box: tuple[slice, ...] = ()) -> np.ndarray:
        """A coarse mask on a box of the CT, as blocks; much faster than :meth:`expand`.

        Args:
            mask: bool (z, y, x), on the coarse grid.
            box: Slices, rows, columns of the CT; all of those that are not given.
        """
        for axis, factor in enumerate(self.factors):
            wanted = np.arange(self.shape[axis])[box[axis] if axis < len(box) else slice(None)]
            mask = np.take(mask, wanted // factor, axis)
        return mask

    def repeat_slices(self, which: np.ndarray) -> np.ndarray:
        """What holds for each coarse slice, (coarse slices,), for those of the CT, (slices,)."""
        slices: np.ndarray = np.repeat(which, self.factors[0])[: self.shape[0]]
        return slices


def clip_hu(hu: np.ndarray) -> np.ndarray:
    """HU as int16 on the scanners' usual scale: padding such as -2048 is air."""
    clipped: np.ndarray = np.clip(hu, *_SCALE).astype(np.int16, copy=False)
    return clipped
