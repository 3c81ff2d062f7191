"""COVID-19-like lesions: ground-glass opacity and consolidation of a chosen extent."""

from __future__ import annotations

import numpy as np

from .shapes import Grid
from .texture import smooth_field

GROUND_GLASS, CONSOLIDATION = 1, 2


def place_lesions(
    grid: Grid,
    lungs: np.ndarray,
    wall_depth: np.ndarray,
    ground_glass: tuple[float, float],
    consolidation: tuple[float, float],
    random: np.random.Generator,
) -> np.ndarray:
    """Choose the voxels that are lesion: exactly the requested share of each lung.

    Smooth noise, weighted towards the chest wall, the back and the bases, ranks the voxels of a
    lung; consolidation takes the highest ranks next to the pleura, ground glass the next ones.

    Args:
        grid: The grid of all arrays, shape (z, y, x).
        lungs: uint8; 1 right, 2 left.
        wall_depth: mm from the inner chest wall.
        ground_glass: Share of the (right, left) lung, 0 to 1.
        consolidation: Likewise.
        random: Source of the pattern.

    Returns:
        uint8 (z, y, x): 0, 1 ground-glass opacity, 2 consolidation.
    """
    depth = np.maximum(wall_depth, 0)
    score = smooth_field(grid, 15, random) + 0.35 * smooth_field(grid, 5, random)
    score += grid.y / 55 - grid.z / 100 - depth / 26
    pleural = 0.35 * score + 1.2 * smooth_field(grid, 10, random) - depth / 16

    lesions = np.zeros(lungs.size, np.uint8)
    for side in (1, 2):
        voxels = np.flatnonzero(lungs == side)
        for label, share, rank in (
            (CONSOLIDATION, consolidation[side - 1], pleural),
            (GROUND_GLASS, ground_glass[side - 1], score),
        ):
            free = voxels[lesions[voxels] == 0]
            count = round(share * len(voxels))
            if count:
                chosen = np.argpartition(rank.ravel()[free], len(free) - count)[-count:]
                lesions[free[chosen]] = label
    return lesions.reshape(lungs.shape)
