"""The part of a slice that detectors and slice classifiers see: the lungs with a margin of body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..boxes import bounding_box, whole, widened
from ..models.preprocessing import Preprocessing
from .field_of_view import FieldOfView

MARGIN = 0.08
"""Body around the lungs, as a share of their rows and columns."""


@dataclass(frozen=True)
class Frame:
    """Where the network's input lies in a slice.

    Attributes:
        shape: (rows, columns) of the slice.
        rows, columns: The part that is seen.
        field: Resamples that part to the network's input, and back.
    """

    shape: tuple[int, int]
    rows: slice
    columns: slice
    field: FieldOfView

    def image(self, unit: np.ndarray) -> Tensor:
        """Network input (1, rows, columns) of a slice in 0..1."""
        part = np.ascontiguousarray(unit[self.rows, self.columns], dtype=np.float32)
        return self.field.resample(torch.from_numpy(part)[None, None])[0]

    def labels(self, labels: np.ndarray) -> Tensor:
        """Numbers of structures, int32 (rows, columns), on the network's grid."""
        part = np.ascontiguousarray(labels[self.rows, self.columns], dtype=np.int32)
        return self.field.resample_labels(torch.from_numpy(part)[None, None])[0, 0]

    def restore(self, probability: Tensor) -> np.ndarray:
        """Probabilities (n, rows, columns) of the network's grid on the slice's, 0 beyond."""
        found = np.zeros((len(probability), *self.shape), dtype=np.float32)
        if len(probability):
            restored = self.field.restore(probability[:, None])[:, 0]
            found[:, self.rows, self.columns] = restored.numpy()
        return found


def frame_of(
    shape: tuple[int, int],
    lungs: np.ndarray | None,
    preprocessing: Preprocessing,
    pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> Frame:
    """The frame around the lungs; the whole slice where they are not known or not in it.

    Args:
        shape: (rows, columns) of the slice.
        lungs: Non-zero in the lungs, same shape.
        preprocessing: With an input size.
        pixel_mm: Pixel size along (rows, columns); any where both are alike.
    """
    box = None if lungs is None else bounding_box(lungs)
    if box is not None:
        box = widened(box, [round(MARGIN * (one.stop - one.start)) for one in box], shape)
    rows, columns = box or whole(shape)
    seen = (rows.stop - rows.start, columns.stop - columns.start)
    field = FieldOfView(seen, pixel_mm, preprocessing, (preprocessing.multiple,) * 2)
    return Frame(shape, rows, columns, field)
