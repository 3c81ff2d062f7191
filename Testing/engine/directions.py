"""Directions of grids on which a result must lie as on any other: axial, turned and tilted."""

from __future__ import annotations

import numpy as np

TILT = np.radians(20)
DIRECTIONS = {
    "axial": np.eye(3),
    "upside down": np.diag([1.0, -1.0, -1.0]),
    "sagittal": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": np.array(
        [[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]]
    ),
}
