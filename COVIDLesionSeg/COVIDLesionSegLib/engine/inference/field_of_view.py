"""From a slice's own pixels to those its network expects, and back."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor
from torch.nn import functional

from ..models.preprocessing import Preprocessing


class FieldOfView:
    """The field of view of slices of one shape, as a network sees it.

    Three cases, by the preprocessing: pixels as they are; pixels resampled because their size is
    outside the network's training range; or the whole slice resampled to the network's fixed
    input, without distortion. Where that leaves room, air is added at the lower and right edge.

    Args:
        shape: (rows, columns) of the slices.
        pixel_mm: Pixel size along (rows, columns), in mm.
        preprocessing: Preprocessing of the network.
        steps: Rows and columns of the network's input are multiples of these.

    Attributes:
        shape: As given.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        pixel_mm: tuple[float, float],
        preprocessing: Preprocessing,
        steps: tuple[int, int],
    ):
        self.shape = shape
        self._pixel_mm = pixel_mm
        self._preprocessing = preprocessing
        self._steps = steps

    @cached_property
    def unusual_pixels(self) -> bool:
        """Whether pixels are resampled because their size is outside the accepted range."""
        accepted = self._preprocessing.pixel_mm
        return accepted is not None and not all(
            accepted[0] <= size <= accepted[1] for size in self._pixel_mm
        )

    @cached_property
    def _zoom(self) -> tuple[float, float]:
        """Network pixels per pixel of the slice."""
        if self._preprocessing.input_size:
            extent_mm = [n * mm for n, mm in zip(self.shape, self._pixel_mm, strict=True)]
            rows, columns = self._preprocessing.input_size
            finer = min(rows / extent_mm[0], columns / extent_mm[1])  # network pixels per mm
            return (self._pixel_mm[0] * finer, self._pixel_mm[1] * finer)
        if self.unusual_pixels:
            resample_mm = self._preprocessing.resample_mm
            return (self._pixel_mm[0] / resample_mm, self._pixel_mm[1] / resample_mm)
        return (1.0, 1.0)

    @cached_property
    def _resampled_shape(self) -> tuple[int, int]:
        (rows, columns), zoom = self.shape, self._zoom
        return (max(1, round(rows * zoom[0])), max(1, round(columns * zoom[1])))

    @cached_property
    def network_shape(self) -> tuple[int, int]:
        """(rows, columns) of the network's input."""
        rows, columns = self._preprocessing.input_size or self._resampled_shape
        row_step, column_step = self._steps
        return (-(-rows // row_step) * row_step, -(-columns // column_step) * column_step)

    def resample(self, images: Tensor) -> Tensor:
        """Slices (batch, 1, rows, columns) to the network's input."""
        if self._resampled_shape != self.shape:
            images = functional.interpolate(
                images, self._resampled_shape, mode="bilinear", antialias=True
            )
        if self._resampled_shape == self.network_shape:
            return images
        # Air is 0, or the lowest value of a slice that was brought to zero mean.
        air = images.amin(dim=(2, 3), keepdim=True).clamp(max=0.0)
        padded = air.repeat(1, 1, *self.network_shape)
        rows, columns = self._resampled_shape
        padded[:, :, :rows, :columns] = images
        return padded

    def resample_labels(self, labels: Tensor) -> Tensor:
        """Numbers of structures (batch, 1, rows, columns) to the network's input, 0 in the air.

        A pixel takes the number at its centre, so a structure smaller than it may be lost.
        """
        found = labels.new_zeros((*labels.shape[:2], *self.network_shape))
        rows, columns = self._resampled_shape
        resampled = functional.interpolate(labels.float(), (rows, columns), mode="nearest-exact")
        found[:, :, :rows, :columns] = resampled.to(labels.dtype)
        return found

    def restore(self, probability: Tensor) -> Tensor:
        """The inverse for probabilities (batch, classes, rows, columns): on the slice's pixels."""
        rows, columns = self._resampled_shape
        probability = probability[:, :, :rows, :columns]
        if self._resampled_shape != self.shape:
            probability = functional.interpolate(probability, self.shape, mode="bilinear")
        return probability
