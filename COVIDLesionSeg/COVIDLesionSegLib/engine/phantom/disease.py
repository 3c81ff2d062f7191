"""Whole lobes and rims without air, pleural fluid, and a lung that was removed."""

from __future__ import annotations

import numpy as np

from ..lobes import LOBES
from .shapes import Grid
from .variation import Variation

_FLUID = 12  # HU


def fill_pleura(
    hu: np.ndarray, lungs: np.ndarray, bronchi: np.ndarray, grid: Grid, variation: Variation
) -> None:
    """Replace lung by fluid, in place, where the variation says so.

    Args:
        hu: HU (z, y, x).
        lungs: uint8, the same shape; 1 right lung, 2 left lung.
        bronchi: bool, the same shape.
        grid: The grid of these arrays.
        variation: How this chest differs from the plain one.
    """
    down = np.broadcast_to(variation.down(grid), grid.shape)
    for side, depth in zip((1, 2), variation.effusion, strict=True):
        space = lungs == side
        if not space.any():
            continue
        level = np.inf if depth <= 0 else float(down[space].max()) - depth
        fluid = space if variation.removed == side else space & (down > level)
        hu[fluid], lungs[fluid], bronchi[fluid] = _FLUID, 0, False


def without_air(
    grid: Grid, lungs: np.ndarray, wall_depth: np.ndarray, variation: Variation
) -> np.ndarray:
    """Consolidated lobes and rims; bool (z, y, x).

    The oblique fissure runs from the upper back to the lower front, the right horizontal fissure
    at the height of the hilum.
    """
    result = np.zeros(grid.shape, bool)
    lower = np.broadcast_to(grid.z < 0.95 * (grid.y - 8), grid.shape)
    for lobe in variation.consolidated:
        side = 1 if LOBES.index(lobe) < 3 else 2
        part = lower if "lower" in lobe else ~lower
        if side == 1 and "lower" not in lobe:
            part = part & ((grid.z < -2) == ("middle" in lobe))
        result |= part & (lungs == side)
    for side, depth in zip((1, 2), variation.consolidated_rim, strict=True):
        result |= (lungs == side) & (wall_depth < depth)
    return result
