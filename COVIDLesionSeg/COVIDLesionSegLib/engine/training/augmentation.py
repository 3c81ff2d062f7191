"""Random changes to samples: geometry as in the papers, intensity for other scanners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    RandGaussianNoised,
    RandGaussianSharpend,
    RandGaussianSmoothd,
)
from monai.transforms.spatial.dictionary import RandAffined, RandFlipd

from ..data.labelled import LabelledImage
from ..errors import ParameterError
from ..volume import AIR_HU

_BODY = 0.4
"""Largest share of a margin that is body."""
_AIR_OR_LUNG_HU = -500.0
_MOST = {
    "rotation_degrees": 180.0,
    "shift": 1.0,
    "zoom": 0.9,
    "shear": 1.0,
    "flip": 1.0,
    "margin": 4.0,
    "crop_margin": 4.0,
    "circle": 1.0,
    "noise": 1.0,
    "kernel": 1.0,
}
"""Largest value of each; the smallest is 0."""


@dataclass(frozen=True)
class Augmentation:
    """How far a sample may be changed; by default not at all.

    Attributes:
        rotation_degrees: Largest rotation, either way.
        shift, zoom, shear: Largest shift as a share of the sample, change of size, and shear.
        scale: Range of the size that a sample is shown at, both axes alike: 1.4 for structures
            1.4 times as large, as of a smaller pixel; of patches only.
        flip: Probability of exchanging left and right.
        quarter_turns: An epoch holds every slice four times, turned by 0, 90, 180 and 270 degrees;
            of whole slices only.
        margin: Largest body padding, as a share of the rows and columns of a slice, so that slices
            cut to the lungs look like whole CTs; of whole slices only. See :func:`pad_with_body`.
        crop_margin: The same of slices that were cut to the lungs, but not of whole ones, see
            :func:`is_cut`, so that networks see lungs as large as they are in whole CTs, too.
        circle: Probability of a round field of view, beyond which is air, as reconstructions of a
            small field have; of whole slices only. See :func:`round_field_of_view`.
        window_low_hu, window_high_hu: Ranges that the ends of the HU window are drawn from, so that
            networks get used to other scanners and to images windowed elsewhere; None for the
            window of the preprocessing. Of patches, and of slices whose class is learned.
        noise: Largest standard deviation of added noise, as a share of the window.
        kernel: Probability of blurring, and again of sharpening: other reconstruction kernels.

    Raises:
        ParameterError: A value is out of range.
    """

    rotation_degrees: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    quarter_turns: bool = False
    margin: float = 0.0
    crop_margin: float = 0.0
    circle: float = 0.0
    window_low_hu: tuple[float, float] | None = None
    window_high_hu: tuple[float, float] | None = None
    noise: float = 0.0
    kernel: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ParameterError(
                    f"The recipe's augmentation.{name} is {getattr(self, name)}, but must be 0 to "
                    f"{most:g}."
                )
        for name in ("scale", "window_low_hu", "window_high_hu"):
            low, high = getattr(self, name) or (1.0, 1.0)
            if low > high or (name == "scale" and not 0.1 <= low <= high <= 10):
                raise ParameterError(
                    f"The recipe's augmentation.{name} is [{low}, {high}], but must be a range, "
                    f"lowest first{', within 0.1 to 10' if name == 'scale' else ''}."
                )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Augmentation:
        """From parsed JSON, where tuples are lists."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**given)

    def fits_window(self, window_hu: tuple[float, float]) -> bool:
        """Whether random windows lie around this one, and none of them is empty."""
        low, high = window_hu
        lows, highs = self.window_low_hu or (low, low), self.window_high_hu or (high, high)
        around = lows[0] <= low <= lows[1] and highs[0] <= high <= highs[1]
        return around and lows[1] < highs[0]

    def random_scale(self, rng: np.random.Generator) -> float:
        """A scale drawn at random; halving is as likely as doubling."""
        low, high = self.scale
        # Nothing is drawn where nothing changes, so that older recipes give the same samples.
        return low if low == high else float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def window(self, default: tuple[float, float], rng: np.random.Generator) -> tuple[float, float]:
        """A window in HU drawn at random, an end without a range taken from ``default``."""
        low, high = (
            end if allowed is None else rng.uniform(*allowed)
            for end, allowed in zip(default, (self.window_low_hu, self.window_high_hu), strict=True)
        )
        return low, high


def resized(array: np.ndarray, size: int, smooth: bool) -> np.ndarray:
    """A square (1, rows, columns) at ``size`` rows and columns, as float32."""
    if array.shape[1] == size:
        return array
    mode = "bilinear" if smooth else "nearest-exact"
    tensor = F.interpolate(torch.from_numpy(array)[None], size=(size, size), mode=mode)
    square: np.ndarray = tensor[0].numpy()
    return square


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
    """A size x size window centred on (row, column), as float32 (1, size, size).

    Args:
        array: Shape (rows, columns).
        row, column: Centre of the window; of an even size, the pixel after the middle.
        size: Rows and columns of the window.
        fill: Value of pixels beyond the array.
    """
    window = np.full((1, size, size), fill, dtype=np.float32)
    top, left = row - size // 2, column - size // 2
    rows = slice(max(top, 0), min(top + size, array.shape[0]))
    columns = slice(max(left, 0), min(left + size, array.shape[1]))
    window[0, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
        array[rows, columns]
    )
    return window


def pad_with_body(item: LabelledImage, margin: float, rng: np.random.Generator) -> LabelledImage:
    """The slice with margins drawn at random: first body, then air.

    Public slices with masks of the lungs hold the lungs and a few pixels around them. A network
    that was trained on these alone has never seen a chest wall from outside, nor the air around a
    patient in a whole CT, and calls it lung.

    The body continues as the slice ends, within an outline between an ellipse and a rectangle.

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


def is_cut(item: LabelledImage) -> bool:
    """Whether a slice ends within the patient: less than half of its border is air or lung.

    Slices of public data that were cut to the lungs have 0 to 22 % there, whole CTs nearly all. Of
    a windowed slice nothing is known.
    """
    image = item.image
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return not item.windowed and bool((border < _AIR_OR_LUNG_HU).mean() < 0.5)


def round_field_of_view(item: LabelledImage, rng: np.random.Generator) -> LabelledImage:
    """The slice with air beyond a circle, whose centre and size are drawn at random.

    Structures end where the circle does; most of the slice always lies within it.
    """
    rows, columns = item.image.shape
    radius = rng.uniform(0.42, 0.6) * max(rows, columns)
    centre = rng.uniform(0.45, 0.55, 2) * (rows, columns)
    row, column = np.ogrid[:rows, :columns]
    beyond = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 > radius**2
    return replace(
        item,
        image=np.where(beyond, np.float32(0.0 if item.windowed else AIR_HU), item.image),
        lesion=np.where(beyond, item.lesion.dtype.type(0), item.lesion),
        lungs=None if item.lungs is None else np.where(beyond, 0, item.lungs).astype(bool),
    )


def _beyond_body(
    shape: tuple[int, ...], body: np.ndarray, air: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Where air is, bool (rows, columns) of the larger slice: outside a superellipse."""
    power = rng.uniform(2.5, 8.0)
    along = []
    for axis, length in enumerate(shape):
        whole = length + (body + air)[axis].sum()
        half = (length + body[axis].sum()) / 2
        along.append(np.abs((np.arange(whole) - air[axis, 0] + 0.5) / half - 1) ** power)
    beyond: np.ndarray = along[0][:, None] + along[1][None, :] > 1
    rows, columns = (
        slice(before, before + length)
        for before, length in zip((body + air)[:, 0], shape, strict=True)
    )
    beyond[rows, columns] = False
    return beyond
