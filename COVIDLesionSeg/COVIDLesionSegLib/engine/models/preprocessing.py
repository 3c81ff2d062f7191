"""How a CT becomes a network's input, as data that a model's card carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import ModelError


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of one model.

    Attributes:
        window_hu: HU that become 0 and 1; values beyond are clipped.
        patch_size: (rows, columns) of the patches the network was trained on.
        multiple: Rows and columns of an input must be multiples of this.
        pixel_mm: In-plane pixel sizes, (smallest, largest) in mm, that are used as they are; a CT
            outside this range is resampled in-plane to ``resample_mm``.
        resample_mm: Pixel size, in mm, that other CTs are resampled to.
    """

    window_hu: tuple[float, float]
    patch_size: tuple[int, int] = (128, 128)
    multiple: int = 16
    pixel_mm: tuple[float, float] = (0.5, 1.0)
    resample_mm: float = 0.75

    def __post_init__(self) -> None:
        low, high = self.window_hu
        if not low < high:
            raise ModelError(f"The model's HU window {low} to {high} is empty.")
        if any(size % self.multiple for size in self.patch_size):
            raise ModelError("The model's patch size is not a multiple of what its network needs.")

    def to_unit(self, hu: np.ndarray) -> np.ndarray:
        """HU to float32 in 0..1, clipped to the window."""
        low, high = self.window_hu
        unit = (np.asarray(hu, dtype=np.float32) - np.float32(low)) / np.float32(high - low)
        return np.clip(unit, 0.0, 1.0, out=unit)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of :meth:`to_dict`; raises ModelError on unknown or missing fields."""
        try:
            return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        except TypeError as error:
            raise ModelError(
                f"The model's preprocessing record is not understood: {error}."
            ) from None
