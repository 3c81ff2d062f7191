"""The thesis' structuring elements, as MATLAB's ``strel`` makes them, on pixels of any size.

The thesis gives their sizes in pixels of its 512x512 slices. They are taken for pixels of 0.75 mm,
a field of view of 384 mm, and keep their size in mm on other pixels.
"""

from __future__ import annotations

import math

import numpy as np
from skimage.draw import line

LINE_LENGTH, LINE_DEGREES = 8, 50
"""``strel('line', 8, 50)``: length in pixels; angle from the columns' axis, counterclockwise."""
PIXEL_MM = 0.75

_OCTAGON_REACH, _OCTAGON_CUT = 5, 8
"""``strel('disk', 6)``: |row| and |column| at most 5, |row| + |column| at most 8; an octagon."""


def line_element(pixel_mm: tuple[float, float]) -> np.ndarray:
    """The line as bool (rows, columns), odd in both; 7 x 5 on pixels of 0.75 mm.

    Args:
        pixel_mm: Height and width of a pixel.
    """
    half = (LINE_LENGTH - 1) / 2 * PIXEL_MM
    angle = math.radians(LINE_DEGREES)
    up = round(half * math.sin(angle) / pixel_mm[0])
    across = round(half * math.cos(angle) / pixel_mm[1])
    element = np.zeros((2 * up + 1, 2 * across + 1), dtype=bool)
    element[line(2 * up, 0, 0, 2 * across)] = True
    return element


def disk_element(pixel_mm: tuple[float, float]) -> np.ndarray:
    """The disk as bool (rows, columns), odd in both; 11 x 11 on pixels of 0.75 mm.

    Args:
        pixel_mm: Height and width of a pixel.
    """
    steps = [size / PIXEL_MM for size in pixel_mm]
    # What is one pixel by the arithmetic of floating point stays one.
    reach = [int(_OCTAGON_REACH / step + 1e-6) for step in steps]
    rows, columns = (
        np.abs(np.arange(-n, n + 1)) * step for n, step in zip(reach, steps, strict=True)
    )
    return rows[:, None] + columns[None, :] <= _OCTAGON_CUT + 1e-6
