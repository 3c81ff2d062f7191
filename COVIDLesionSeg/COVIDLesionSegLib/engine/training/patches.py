"""Where the EAMC paper takes its 128x128 training patches from (section 5.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..data.labelled import LabelledImage

PATCH = 128
LESION_PATCHES = 20


@dataclass(frozen=True)
class PatchSite:
    """The centre (row, column) of one patch on slice number ``slice_index`` of a list."""

    slice_index: int
    row: int
    column: int


def border_tiles(shape: tuple[int, int], patch: int = PATCH) -> list[tuple[int, int]]:
    """Centres of the 12 tiles along the border of a slice seen as 4x4 tiles.

    On the paper's 512x512 slice these are the 12 outer of its 16 tiles. A slice cropped to the
    lungs is covered by 4x4 overlapping tiles instead.
    """
    centres = [
        np.round(np.linspace(min(patch, n) / 2, n - min(patch, n) / 2, 4)).astype(int)
        for n in shape
    ]
    return [
        (int(centres[0][i]), int(centres[1][j]))
        for i in range(4)
        for j in range(4)
        if i in (0, 3) or j in (0, 3)
    ]


def patch_sites(
    slices: list[LabelledImage],
    rng: np.random.Generator,
    clean_patches: int = 1,
    patch: int = PATCH,
) -> list[PatchSite]:
    """One epoch's patches, in slice order.

    An infected slice gives 20 random boxes over its lesions and 12 border tiles, a clean slice
    ``clean_patches`` random boxes (the paper: 1): 32 x infected + 1 x clean, as Table 10 counts.

    A box over the lesions is one that holds a random lesion pixel at a random place inside it; a
    box of a clean slice may lie anywhere on the slice, each place being as likely as any other.

    A slice of a weight above 1 is used as often as its weight rounded up.

    Args:
        slices: Slices of (rows, columns).
        rng: Draws the places.
        clean_patches: Random boxes of each clean slice.
        patch: Rows and columns of a box.
    """
    sites = []
    for index, item in enumerate(slices):
        rows, columns = item.image.shape
        lesion = np.argwhere(item.lesion)
        for _ in range(math.ceil(item.weight)):
            if len(lesion):
                pixels = lesion[rng.integers(len(lesion), size=LESION_PATCHES)]
                offsets = rng.integers(-patch // 2 + 1, patch // 2 + 1, size=(LESION_PATCHES, 2))
                boxes = [(row, column) for row, column in pixels + offsets]
                centres = [*boxes, *border_tiles((rows, columns), patch)]
            else:
                least = np.minimum(patch, (rows, columns)) // 2
                drawn = rng.integers(least, (rows, columns) - least + 1, size=(clean_patches, 2))
                centres = [(row, column) for row, column in drawn]
            sites += [
                PatchSite(index, _within(row, rows, patch), _within(column, columns, patch))
                for row, column in centres
            ]
    return sites


def _within(centre: int, pixels: int, patch: int) -> int:
    """The nearest centre of a patch that lies on ``pixels``, or of one that covers them."""
    margin = min(patch, pixels) // 2
    return int(np.clip(centre, margin, pixels - margin))
