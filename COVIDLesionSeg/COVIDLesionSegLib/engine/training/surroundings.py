"""Slices that were cut to the lungs' box, put back into a body in air.

Public slices with masks of the lungs hold the lungs and a few pixels around them. A network that
learned from these alone has never seen a chest wall from outside, nor the air that surrounds a
patient in a whole CT, and calls it lung.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..volume import AIR_HU
from .slices import LabelledSlice

_BODY = 0.4
"""Largest share of a margin that is body."""


def surrounded(item: LabelledSlice, margin: float, rng: np.random.Generator) -> LabelledSlice:
    """The slice with margins drawn at random: first body, then air.

    The body goes on as the slice ends, within an outline between an ellipse and a rectangle.

    Args:
        item: HU, or 0..1 where windowed.
        margin: Largest width of a margin, as a share of the slice's rows and columns.
        rng: Draws every margin's width, how much of it is body, and the outline.

    Returns:
        A larger slice; lesion and lungs are 0 in what was added.
    """
    shape = item.image.shape
    lengths = np.repeat(shape, 2).reshape(2, 2)
    body = np.rint(rng.uniform(0.0, margin * _BODY, (2, 2)) * lengths).astype(int)
    air = np.rint(rng.uniform(0.0, margin * (1 - _BODY), (2, 2)) * lengths).astype(int)
    image = np.pad(item.image, body + air, mode="edge")
    image[_beyond_body(shape, body, air, rng)] = 0.0 if item.windowed else AIR_HU
    return replace(
        item,
        image=image,
        lesion=np.pad(item.lesion, body + air),
        lungs=None if item.lungs is None else np.pad(item.lungs, body + air),
    )


def _beyond_body(
    shape: tuple[int, int], body: np.ndarray, air: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Where air is, bool (rows, columns) of the larger slice: outside a superellipse."""
    power = rng.uniform(2.5, 8.0)
    along = []
    for axis, length in enumerate(shape):
        whole = length + (body + air)[axis].sum()
        half = (length + body[axis].sum()) / 2
        along.append(np.abs((np.arange(whole) - air[axis, 0] + 0.5) / half - 1) ** power)
    beyond = along[0][:, None] + along[1][None, :] > 1
    rows, columns = (
        slice(before, before + length)
        for before, length in zip((body + air)[:, 0], shape, strict=True)
    )
    beyond[rows, columns] = False
    return beyond
