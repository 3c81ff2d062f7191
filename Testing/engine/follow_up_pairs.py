"""Two CTs of one generated chest: known lesions, known breathing between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from COVIDLesionSegLib.engine.followup.study import Study
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import Geometry

GROUND_GLASS_HU, CONSOLIDATION_HU = -480, 20
CENTRE = np.array([3.5, -12.0, -160.0])
"""LPS in mm, of the chest."""


@dataclass(frozen=True)
class Ball:
    """A lesion: where it lies from the centre of the unmoved chest, its radius, and its class."""

    place: tuple[float, float, float]
    radius: float
    label: int = 1

    @property
    def ml(self):
        return 4 / 3 * np.pi * self.radius**3 / 1000


RIGHT_MIDDLE = (-65.0, 10.0, 10.0)
LEFT_MIDDLE = (75.0, 15.0, 0.0)
RIGHT_LOWER = (-70.0, 35.0, -40.0)
LEFT_UPPER = (60.0, 5.0, 55.0)


SIZE_MM = (318.0, 246.0, 260.0)
"""Of the chest along left, posterior, superior."""


def grid(spacing=(3.0, 3.0, 5.0), direction=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """A grid around the chest, whatever its axes."""
    direction = np.asarray(direction, float)
    along = np.abs(direction.T) @ np.array(SIZE_MM)
    size = np.ceil(along / spacing).astype(int)
    origin = CENTRE - direction @ (np.array(spacing) * (size - 1) / 2)
    return Geometry(
        tuple(size.tolist()), tuple(spacing), tuple(origin.tolist()), tuple(direction.ravel())
    )


def breathing(mm):
    """The motion of the bases by so many mm: from LPS in the later CT to LPS in the earlier one."""

    def to_earlier(lps):
        moved = lps.copy()
        moved[..., 2] -= mm / (1 + np.exp((lps[..., 2] - CENTRE[2] + 50) / 25))
        return moved

    return to_earlier


def study(balls=(), seed=1, geometry=None, motion=None, noise_seed=0, with_ct=True):
    """A study of the chest ``seed`` on a grid, with these lesions; the patient is always the same.

    Args:
        motion: From LPS on this grid to LPS in the unmoved chest.
    """
    geometry = geometry or grid()
    base = _chest(seed)
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    indices = np.stack([i, j, k, np.ones_like(i)], -1)
    lps = (indices @ geometry.ijk_to_lps.T)[..., :3]
    there = lps if motion is None else motion(lps)
    homogeneous = np.concatenate([there, np.ones((*there.shape[:3], 1))], -1)
    at = (homogeneous @ np.linalg.inv(base.volume.geometry.ijk_to_lps).T)[..., 2::-1]
    at = np.moveaxis(at, -1, 0)
    hu = ndimage.map_coordinates(base.volume.array.astype(np.float32), at, order=1, mode="nearest")
    lungs = ndimage.map_coordinates(base.lungs, at, order=0, mode="constant")
    lesions = np.zeros(geometry.shape, np.uint8)
    for ball in balls:
        inside = np.linalg.norm(there - CENTRE - ball.place, axis=-1) < ball.radius
        lesions[inside & (lungs > 0)] = ball.label
    hu[lesions == 1], hu[lesions == 2] = GROUND_GLASS_HU, CONSOLIDATION_HU
    hu += np.random.default_rng(noise_seed).normal(0, 15, hu.shape)
    hu = np.rint(hu).astype(np.int16)
    hu = hu if with_ct else None
    return Study(geometry, lungs, lesions, CLASSES, hu, patient="one")


@cache
def _chest(seed):
    return generate_chest_ct(
        seed, (106, 82, 52), (3.0, 3.0, 5.0), ground_glass=0.0, consolidation=0.0, noise=0.0
    )
