"""The one image type that flows through the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .geometry import AxialOrder, Geometry


@dataclass(frozen=True, eq=False)
class Volume:
    """A CT and the grid it lies on.

    Attributes:
        array: HU, int16 or float32, shape (k, j, i) exactly as stored.
        geometry: The stored grid; every result is given back on it.
        source: Facts about the origin that are safe to keep (format, modality, number of axial
            slices); never patient data.
        warnings: Sentences about what was odd but tolerable when reading.
    """

    array: npt.NDArray[Any]
    geometry: Geometry
    source: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @cached_property
    def order(self) -> AxialOrder:
        """How the stored array is brought into axial order."""
        return AxialOrder.of(self.geometry)

    @property
    def axial(self) -> npt.NDArray[Any]:
        """HU as a view in axial order (z inferior to superior, y to posterior, x to left)."""
        return self.order.to_axial(self.array)

    @property
    def axial_spacing(self) -> tuple[float, float, float]:
        """Spacing in mm along (z, y, x) of :attr:`axial`."""
        return self.order.axial_spacing(self.geometry)

    def on_grid(self, axial: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A result in axial order, laid back on the stored grid as a contiguous array."""
        return np.ascontiguousarray(self.order.to_stored(axial))
