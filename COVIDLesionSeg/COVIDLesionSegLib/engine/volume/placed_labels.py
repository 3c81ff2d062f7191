"""Labels on a grid of their own, and what they are on the grid of a CT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..steps import Steps
from .geometry import Geometry

_SEPARABLE = 1e-6
_NOWHERE = -1
_MOST_TWICE = 0.01


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


def labels_on_grid(
    images: Sequence[PlacedLabels], labels: Mapping[str, int], geometry: Geometry
) -> Steps[npt.NDArray[np.uint8]]:
    """Labels of several images on one grid, in short steps.

    A voxel has the label that its centre lies in; of two, as brush strokes leave them where parts
    meet, that of the earlier image.

    Args:
        images: They may overlap where they mean the same.
        labels: Label by name in ``images``, from 1 up.
        geometry: The grid.

    Returns:
        Shape (k, j, i), 0 where nothing is.

    Raises:
        InputError: More than a hundredth of a part has two labels.
    """
    columns, rows, slices = geometry.size
    samplers = [Sampler.of(image, geometry) for image in images]
    found = np.zeros((slices, rows, columns), np.uint8)
    whole, twice = (dict.fromkeys(labels, 0) for _ in range(2))
    for k in range(slices):
        for sampler in samplers:
            for mask, name in sampler.masks(k):
                whole[name] += int(np.count_nonzero(mask))
                other = (found[k] > 0) & (found[k] != labels[name])
                twice[name] += int(np.count_nonzero(mask & other))
                found[k][mask & (found[k] == 0)] = labels[name]
        yield
    if any(twice[name] > _MOST_TWICE * whole[name] for name in labels):
        raise InputError(
            "Segments of different parts overlap: correct them first, so that every voxel belongs "
            "to one part."
        )
    return found


@dataclass(frozen=True)
class Sampler:
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
    def of(cls, image: PlacedLabels, geometry: Geometry) -> Sampler:
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
        first, *more = self.values[name]
        mask: npt.NDArray[np.bool_] = values == first
        for value in more:
            mask |= values == value
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
