"""Small CTs that differ by a seed."""

from __future__ import annotations

import numpy as np

from COVIDLesionSegLib.engine.volume import Geometry, Volume

GRID = Geometry((6, 5, 4), (0.7, 0.7, 5.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def ct(geometry: Geometry = GRID, seed: int = 0, dtype=np.int16) -> Volume:
    array = np.random.default_rng(seed).normal(-500, 400, geometry.shape).astype(dtype)
    return Volume(array, geometry, {"format": "DICOM"}, ("Slices are 5 mm apart.",))
