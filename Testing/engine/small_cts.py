"""Small CTs that differ by a seed."""

from __future__ import annotations

import numpy as np

from COVIDLesionSegLib.engine.volume import Geometry, Volume

GRID = Geometry((6, 5, 4), (0.7, 0.7, 5.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def ct(geometry: Geometry = GRID, seed: int = 0, dtype=np.int16) -> Volume:
    array = np.random.default_rng(seed).normal(-500, 400, geometry.shape).astype(dtype)
    return Volume(array, geometry, {"format": "DICOM"}, ("Slices are 5 mm apart.",))


def turned(volume: Volume) -> Volume:
    """The same CT with its axes turned round and exchanged."""
    array = np.ascontiguousarray(volume.array.transpose(1, 2, 0)[::-1, :, ::-1])
    to_ras, size = volume.geometry.ijk_to_ras, volume.geometry.size
    axes = (2, 0, 1)  # of the old grid, along i, j, k of the new one
    matrix = to_ras[:, [*axes, 3]]
    for column, backwards in ((0, True), (2, True)):
        matrix[:, 3] += matrix[:, column] * (size[axes[column]] - 1)
        matrix[:, column] *= -1 if backwards else 1
    return Volume(array, Geometry.from_ijk_to_ras(matrix, array.shape[::-1]))
