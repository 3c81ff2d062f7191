"""How a CT becomes a network's input, as data that a model's card carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..errors import ModelError

NORMALISATIONS = ("unit", "grey-levels", "min-max", "z-score")


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of one model, in the order in which it is applied.

    Attributes:
        window_hu: HU that become 0 and 1; values beyond are clipped.
        lung_mask: Whether pixels outside the lungs become the window's low end.
        normalisation: What happens to 0..1 then. ``"unit"``: nothing. ``"grey-levels"``: rounded to
            the 256 grey levels of an 8-bit image, as networks expect that learned from PNG files.
            ``"min-max"``: stretched to 0..1 slice by slice. ``"z-score"``: zero mean and unit
            standard deviation slice by slice.
        input_size: (rows, columns) that every whole slice is resampled to, after air was added to
            make the field of view as square as that; None where pixels keep their size.
        patch_size: (rows, columns) of the patches that the network was trained on; None where it
            was trained on whole slices.
        multiple: Rows and columns of an input must be multiples of this.
        pixel_mm: In-plane pixel sizes, (smallest, largest) in mm, that are used as they are; a CT
            outside this range is resampled in-plane to ``resample_mm``. None for any pixel size.
        resample_mm: Pixel size, in mm, that other CTs are resampled to.

    Raises:
        ModelError: The values contradict each other.
    """

    window_hu: tuple[float, float]
    lung_mask: bool = False
    normalisation: str = "unit"
    input_size: tuple[int, int] | None = None
    patch_size: tuple[int, int] | None = None
    multiple: int = 16
    pixel_mm: tuple[float, float] | None = None
    resample_mm: float = 0.75

    def __post_init__(self) -> None:
        for name in ("window_hu", "input_size", "patch_size", "pixel_mm"):
            pair = getattr(self, name)
            if pair is not None and not (len(pair) == 2 and all(isinstance(n, Real) for n in pair)):
                raise ModelError(f"The model's {name} is {pair!r}, but must be two numbers.")
        if not isinstance(self.multiple, int) or self.multiple < 1:
            raise ModelError(
                f"The model's multiple is {self.multiple!r}, but must be a whole number >= 1."
            )
        low, high = self.window_hu
        if not low < high:
            raise ModelError(f"The model's HU window {low} to {high} is empty.")
        if self.normalisation not in NORMALISATIONS:
            raise ModelError(
                f"The model's normalisation is {self.normalisation!r}, but must be one of: "
                f"{', '.join(NORMALISATIONS)}."
            )
        for name in ("input_size", "patch_size"):
            sizes = getattr(self, name) or ()
            if any(size != int(size) or size <= 0 or size % self.multiple for size in sizes):
                raise ModelError(
                    f"The model's {name} is not a multiple of {self.multiple}, "
                    "as its network needs."
                )
        low, high = self.pixel_mm or (self.resample_mm,) * 2
        if not 0 < low <= self.resample_mm <= high:
            raise ModelError(
                f"The model's pixel sizes {low} to {high} mm must be positive, in this order, and "
                f"hold the {self.resample_mm} mm that others are resampled to."
            )
        if self.input_size and (self.patch_size or self.pixel_mm):
            raise ModelError(
                "The model's preprocessing names an input size for whole slices, so it can name "
                "neither a patch size nor a range of pixel sizes."
            )

    @property
    def needs_whole_slices(self) -> bool:
        """Whether a part of a slice would become another input than the same part of the whole."""
        return self.input_size is not None or self.normalisation in ("min-max", "z-score")

    def to_unit(self, hu: np.ndarray) -> np.ndarray:
        """HU to float32 in 0..1, clipped to the window."""
        low, high = self.window_hu
        unit = (np.asarray(hu, dtype=np.float32) - np.float32(low)) / np.float32(high - low)
        return np.clip(unit, 0.0, 1.0, out=unit)

    def normalise(self, unit: np.ndarray, lungs: np.ndarray | None = None) -> np.ndarray:
        """Windowed slices to the network's input values.

        Args:
            unit: float32 (n, rows, columns) in 0..1.
            lungs: Non-zero in the lungs, same shape; needed where ``lung_mask`` is set.

        Returns:
            float32, same shape. A slice of one single value becomes 0 under min-max and z-score.
        """
        if self.lung_mask:
            if lungs is None:
                raise ValueError("this preprocessing needs the lungs")
            unit = np.where(lungs > 0, unit, np.float32(0.0))
        if self.normalisation == "grey-levels":
            return np.rint(unit * np.float32(255.0)) / np.float32(255.0)
        if self.normalisation == "min-max":
            low = unit.min(axis=(1, 2), keepdims=True)
            return _divide(unit - low, unit.max(axis=(1, 2), keepdims=True) - low)
        if self.normalisation == "z-score":
            mean = unit.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
            return _divide(unit - mean, unit.std(axis=(1, 2), keepdims=True))
        return unit

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of :meth:`to_dict`; raises ModelError on unknown or missing fields."""
        try:
            return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        except (AttributeError, TypeError) as error:
            raise ModelError(
                f"The model's preprocessing record is not understood: {error}."
            ) from None


def _divide(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)
