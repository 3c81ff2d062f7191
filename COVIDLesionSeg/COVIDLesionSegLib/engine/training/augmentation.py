"""Random changes to samples: geometry as in the papers, intensity for other scanners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSharpend,
    RandGaussianSmoothd,
)


@dataclass(frozen=True)
class Augmentation:
    """How far a sample may be changed; by default not at all.

    Attributes:
        rotation_degrees: Largest rotation, either way.
        shift, zoom, shear: Largest shift as a share of the sample, change of size, and shear.
        flip: Probability of exchanging left and right.
        quarter_turns: An epoch holds every slice four times, turned by 0, 90, 180 and 270 degrees;
            of whole slices only.
        margin: Largest margin of body and air put around a slice, as a share of its rows and
            columns, so that slices cut to the lungs teach what whole CTs look like; of whole slices
            only. See :mod:`.surroundings`.
        window_low_hu, window_high_hu: Ranges the HU window's ends are drawn from, so that other
            scanners and images windowed by somebody else look familiar; None for the window of the
            preprocessing. Of patches only.
        noise: Largest standard deviation of added noise, as a share of the window.
        kernel: Probability of blurring, and again of sharpening: other reconstruction kernels.
    """

    rotation_degrees: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    flip: float = 0.0
    quarter_turns: bool = False
    margin: float = 0.0
    window_low_hu: tuple[float, float] | None = None
    window_high_hu: tuple[float, float] | None = None
    noise: float = 0.0
    kernel: float = 0.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Augmentation:
        """From parsed JSON, where tuples are lists."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def window(self, default: tuple[float, float], rng: np.random.Generator) -> tuple[float, float]:
        """A window in HU drawn at random, an end without a range taken from ``default``."""
        ranges = (self.window_low_hu, self.window_high_hu)
        return tuple(
            end if allowed is None else rng.uniform(*allowed)
            for end, allowed in zip(default, ranges, strict=True)
        )


def random_changes(augmentation: Augmentation, shape: tuple[int, int]) -> Compose:
    """MONAI transform of ``{"image", "label"}``, each (1, rows, columns), to ``shape``.

    What comes in from beyond the border is 0 in both.
    """
    keys = ("image", "label")
    affine = RandAffined(
        keys,
        prob=1.0,
        rotate_range=float(np.deg2rad(augmentation.rotation_degrees)),
        translate_range=[augmentation.shift * n for n in shape],
        # A single number would move, zoom and shear along the rows alone.
        scale_range=[augmentation.zoom] * 2,
        shear_range=[augmentation.shear] * 2,
        spatial_size=shape,
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
    )
    intensity = [
        RandGaussianSmoothd("image", (0.3, 0.9), (0.3, 0.9), prob=augmentation.kernel),
        RandGaussianSharpend("image", alpha=(1.0, 5.0), prob=augmentation.kernel),
        RandGaussianNoised("image", prob=0.5, std=augmentation.noise),
    ]
    return Compose([affine, RandFlipd(keys, prob=augmentation.flip, spatial_axis=1), *intensity])


def crop(array: np.ndarray, row: int, column: int, size: int, fill: float) -> np.ndarray:
    """A size x size window centred on (row, column), as float32 (1, size, size)."""
    window = np.full((1, size, size), fill, dtype=np.float32)
    top, left = row - size // 2, column - size // 2
    rows = slice(max(top, 0), min(top + size, array.shape[0]))
    columns = slice(max(left, 0), min(left + size, array.shape[1]))
    window[0, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
        array[rows, columns]
    )
    return window
