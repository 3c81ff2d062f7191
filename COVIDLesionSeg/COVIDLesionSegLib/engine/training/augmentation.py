"""Random changes to patches: geometry as in the EAMC paper, intensity for other scanners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSharpend,
    RandGaussianSmoothd,
)

AIR_HU = -1024.0


@dataclass(frozen=True)
class Augmentation:
    """How far a patch may be changed.

    Attributes:
        rotation_degrees, shift, zoom: The paper's: +-10 degrees, +-0.2 of the patch, +-0.2.
        flip: Probability of exchanging left and right (not in the paper).
        window_low_hu, window_high_hu: Ranges the HU window's ends are drawn from (not in the
            paper), so that other scanners and images windowed by somebody else look familiar.
        noise: Largest standard deviation of added noise, as a share of the window.
        kernel: Probability of blurring, and again of sharpening: other reconstruction kernels.
    """

    rotation_degrees: float = 10.0
    shift: float = 0.2
    zoom: float = 0.2
    flip: float = 0.5
    window_low_hu: tuple[float, float] = (-1250.0, -925.0)
    window_high_hu: tuple[float, float] = (50.0, 350.0)
    noise: float = 0.03
    kernel: float = 0.15


def random_window(
    image: np.ndarray, augmentation: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """HU to 0..1 through a window drawn at random."""
    low = rng.uniform(*augmentation.window_low_hu)
    high = rng.uniform(*augmentation.window_high_hu)
    return np.clip((image - low) / (high - low), 0.0, 1.0).astype(np.float32)


def patch_transform(augmentation: Augmentation, patch: int, seed: int) -> Compose:
    """MONAI transform of ``{"image", "label"}``, each (1, rows, columns), to patch x patch."""
    keys = ("image", "label")
    transform = Compose(
        [
            RandAffined(
                keys,
                prob=1.0,
                rotate_range=float(np.deg2rad(augmentation.rotation_degrees)),
                translate_range=augmentation.shift * patch,
                scale_range=augmentation.zoom,
                spatial_size=(patch, patch),
                mode=("bilinear", "nearest"),
                padding_mode="zeros",
            ),
            RandFlipd(keys, prob=augmentation.flip, spatial_axis=1),
            RandGaussianSmoothd("image", (0.3, 0.9), (0.3, 0.9), prob=augmentation.kernel),
            RandGaussianSharpend("image", alpha=(1.0, 5.0), prob=augmentation.kernel),
            RandGaussianNoised("image", prob=0.5, std=augmentation.noise),
        ]
    )
    transform.set_random_state(seed)
    return transform


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
