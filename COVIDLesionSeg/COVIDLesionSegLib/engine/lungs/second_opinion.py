"""Where two extractors do not agree on the lungs of one CT."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..flags import Flag
from .morphology import label
from .places import most_first, name_slices

LARGEST = 30.0
"""ml of one place that two extractors may see differently without a flag."""


def compare_lungs(
    labels: np.ndarray,
    other: np.ndarray,
    spacing: tuple[float, float, float],
    largest_ml: float = LARGEST,
    every: int = 1,
    count: int | None = None,
) -> Iterator[Flag]:
    """Flag each lung on which a second labelmap differs in one place by more than a volume.

    What differs by less in every place, such as outlines a voxel apart, is not flagged.

    Args:
        labels: The lungs in use, uint8 (z, y, x) in axial order; 1 right lung, 2 left lung.
        other: The second opinion on the same grid.
        spacing: mm along (z, y, x).
        largest_ml: Connected voxels of a smaller volume do not count.
        every: Slices of the CT that each of these stands for; it is amid them.
        count: Slices of the CT; as many as given where each stands for itself.

    Yields:
        Flags with the code ``lung-opinions-differ``, which name the lung, the volumes that only one
        of them counts, and the slices, those that differ most first.

    Raises:
        InputError: The two are not of one shape.
    """
    if labels.shape != other.shape:
        raise InputError("Two labelmaps of lungs are compared on one grid: give both its shape.")
    voxel_ml = float(np.prod(spacing)) / 1000
    for side, name in ((1, "right"), (2, "left")):
        here, there = labels == side, other == side
        only = {}
        for which, mask in (("more", here & ~there), ("less", there & ~here)):
            if np.count_nonzero(mask) * voxel_ml <= largest_ml:
                only[which] = np.zeros_like(mask)
                continue
            core = _without_outline(mask)
            pieces, sizes = label(core)
            only[which] = np.isin(pieces, np.flatnonzero(sizes * voxel_ml > largest_ml))
        voxels = {which: np.count_nonzero(mask, axis=(1, 2)) for which, mask in only.items()}
        both = voxels["more"] + voxels["less"]
        if both.any():
            there = np.pad(np.repeat(both, every), (0, every), mode="edge")[: count or len(both)]
            more, less = (voxels[which].sum() * voxel_ml for which in ("more", "less"))
            yield Flag(
                "lung-opinions-differ",
                f"A second look at the {name} lung leaves out {more:.0f} ml of it and finds "
                f"{less:.0f} ml more, in {name_slices(there > 0)}: look which is right.",
                slices=most_first(there),
            )


def _without_outline(mask: np.ndarray) -> np.ndarray:
    """Opened by a voxel in the plane: places that hang together by a thin outline are parted."""
    opened: np.ndarray = ndimage.binary_opening(mask, np.ones((1, 3, 3), bool))
    return opened
