"""Volumes and infected fraction of each lobe, from segments that may have a grid of their own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..volume import Geometry
from .report import RegionSeverity

_SEPARABLE = 1e-6
_NOWHERE = -1


@dataclass(frozen=True)
class PlacedLabels:
    """Labels on a grid of their own.

    Attributes:
        voxels: Integers, shape (k, j, i).
        ijk_to_ras: 4x4, from indices of ``voxels`` to RAS in mm.
        names: What each value stands for; other values stand for nothing.
    """

    voxels: npt.NDArray[Any]
    ijk_to_ras: npt.NDArray[np.float64]
    names: dict[int, str]


def measure_lobes(
    lobes: Sequence[PlacedLabels],
    lesions: Sequence[PlacedLabels],
    names: Sequence[str],
    classes: Sequence[str],
    geometry: Geometry,
) -> Generator[float, None, tuple[RegionSeverity, ...]]:
    """Measure each lobe on the CT's grid, one slice of it between two values of the generator.

    A voxel of the CT has the label that its centre lies in. Where lesion classes overlap, the
    later image counts.

    Args:
        lobes: Images that hold lobes.
        lesions: Images that hold lesions.
        names: Lobes to measure, by the names in ``lobes``.
        classes: Lesion classes, by the names in ``lesions``.
        geometry: The CT's grid.

    Yields:
        The share that is done, 0 to 1.

    Returns:
        By lobe, in the order of ``names``; the ratio of one without a voxel is None.
    """
    columns, rows, slices = geometry.size
    lobe_samplers = [_Sampler.of(one, geometry) for one in lobes]
    lesion_samplers = [_Sampler.of(one, geometry) for one in lesions]
    counts = np.zeros((len(names), len(classes) + 1), np.int64)
    for k in range(slices):
        here = [(one, one.slice(k)) for one in lobe_samplers]
        if any(values is not None for _, values in here):
            lesion = np.zeros((rows, columns), np.intp)
            for sampler in lesion_samplers:
                for mask, name in sampler.masks(k):
                    lesion[mask] = classes.index(name) + 1
            for number, lobe in enumerate(names):
                inside = np.zeros((rows, columns), bool)
                for sampler, values in here:
                    inside |= sampler.mask_of(values, lobe)
                counts[number] += np.bincount(lesion[inside], minlength=counts.shape[1])
        yield (k + 1) / slices
    ml = geometry.voxel_volume_ml
    return tuple(
        RegionSeverity(
            region=name,
            lung_ml=int(found.sum()) * ml,
            lesion_ml=int(found[1:].sum()) * ml,
            ratio=int(found[1:].sum()) / int(found.sum()) if found.any() else None,
            lesion_class_ml={c: int(n) * ml for c, n in zip(classes, found[1:], strict=True)},
        )
        for name, found in zip(names, counts, strict=True)
    )


@dataclass(frozen=True)
class _Sampler:
    """The nearest voxel of an image for every voxel of the CT, slice by slice.

    Attributes:
        image: The image.
        ct_to_image: 4x4, from the CT's indices (i, j, k) to the image's.
        shape: Rows and columns of a slice of the CT.
        axes: For each axis i, j, k of the image the axis of the CT that it depends on alone, where
            the axes of both are parallel, else None.
    """

    image: PlacedLabels
    ct_to_image: npt.NDArray[np.float64]
    shape: tuple[int, int]
    axes: tuple[int, ...] | None
    values: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, image: PlacedLabels, geometry: Geometry) -> _Sampler:
        matrix = np.asarray(np.linalg.solve(image.ijk_to_ras, geometry.ijk_to_ras), np.float64)
        large = np.abs(matrix[:3, :3]) > _SEPARABLE * np.abs(matrix[:3, :3]).max()
        parallel = (large.sum(axis=0) == 1).all() and (large.sum(axis=1) == 1).all()
        axes = tuple(int(np.flatnonzero(row)[0]) for row in large) if parallel else None
        values: dict[str, list[int]] = {}
        for value, name in image.names.items():
            values.setdefault(name, []).append(value)
        columns, rows, _ = geometry.size
        return cls(image, matrix, (rows, columns), axes, values)

    def masks(self, k: int) -> list[tuple[npt.NDArray[np.bool_], str]]:
        """Of every name in the image, its pixels in a slice of the CT."""
        values = self.slice(k)
        if values is None:
            return []
        return [(self.mask_of(values, name), name) for name in self.values]

    def mask_of(self, values: npt.NDArray[Any] | None, name: str) -> npt.NDArray[np.bool_]:
        """Pixels of ``name`` among the values of a slice."""
        if values is None or name not in self.values:
            return np.zeros(self.shape, bool)
        mask: npt.NDArray[np.bool_] = np.isin(values, self.values[name])
        return mask

    def slice(self, k: int) -> npt.NDArray[Any] | None:
        """The image's values in a slice of the CT, (rows, columns); None where it has none there.

        Outside the image they are a value that stands for nothing.
        """
        rows, columns = self.shape
        lengths = self.image.voxels.shape[::-1]  # i, j, k
        at: list[npt.NDArray[np.intp]] = []
        if self.axes is not None:
            along = (np.arange(columns)[None, :], np.arange(rows)[:, None], np.array([[k]]))
            for axis, source in enumerate(self.axes):
                place = self.ct_to_image[axis, source] * along[source] + self.ct_to_image[axis, 3]
                at.append(_nearest(place, lengths[axis]))
        else:
            i, j = np.arange(columns)[None, :], np.arange(rows)[:, None]
            for axis in range(3):
                a, b, c, d = self.ct_to_image[axis]
                at.append(_nearest(a * i + b * j + (c * k + d), lengths[axis]))
        if any((one == _NOWHERE).all() for one in at):
            return None
        values = self.image.voxels[at[2], at[1], at[0]].astype(np.intp)
        outside = (at[0] == _NOWHERE) | (at[1] == _NOWHERE) | (at[2] == _NOWHERE)
        values = np.where(outside, self._nothing, values)
        return np.broadcast_to(values, self.shape)

    @property
    def _nothing(self) -> int:
        return min(self.image.names, default=0) - 1


def _nearest(place: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.intp]:
    """Index of the voxel that holds each place; ``_NOWHERE`` beyond the image."""
    index = np.floor(place + 0.5).astype(np.intp)
    return np.where((index >= 0) & (index < length), index, _NOWHERE)
