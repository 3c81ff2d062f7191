"""How a CT becomes a network's input, as data that a model's card carries."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from numbers import Real
from reprlib import repr as shown  # short, whatever a card holds
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelError

NORMALISATIONS = ("unit", "grey-levels", "min-max", "z-score")
_LARGEST_SIZE, _LARGEST_MULTIPLE = 4096, 512  # pixels; a card must not fill the memory
_PIXEL_MM = (0.05, 20.0)
_LARGEST_HU = 1e6


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of one model, in the order in which it is applied.

    Attributes:
        window_hu: HU that become 0 and 1; values beyond are clipped.
        lung_mask: Whether pixels outside the lungs become the window's low end.
        normalisation: What happens to 0..1 then. ``"unit"``: nothing. ``"grey-levels"``: rounded to
            the 256 grey levels of an 8-bit image, for networks trained on PNG files.
            ``"min-max"``: stretched to 0..1 slice by slice. ``"z-score"``: zero mean and unit
            standard deviation slice by slice.
        input_size: (rows, columns) that every whole slice is resampled to, after it is padded with
            air to the same aspect ratio; None where pixels keep their size.
        patch_size: (rows, columns) of the patches that the network was trained on; None where it
            was trained on whole slices.
        multiple: Rows and columns of an input must be multiples of this.
        pixel_mm: In-plane pixel sizes, (smallest, largest) in mm, that are used as they are; a CT
            outside this range is resampled in-plane to ``resample_mm``. None for any pixel size.
        resample_mm: Pixel size, in mm, that other CTs are resampled to.

    Raises:
        ModelError: A value is of the wrong type or out of range, or values contradict each other.
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
            if pair is not None or name == "window_hu":
                self._check_pair(name, pair)
        if not isinstance(self.lung_mask, bool):
            raise ModelError(
                f"The model's lung_mask is {shown(self.lung_mask)}, but must be true or false."
            )
        if not _is_number(self.multiple, int) or self.multiple < 1:
            raise ModelError(
                f"The model's multiple is {shown(self.multiple)}, but must be a whole number >= 1."
            )
        if self.multiple > _LARGEST_MULTIPLE:
            raise ModelError(f"The model's multiple is larger than {_LARGEST_MULTIPLE} pixels.")
        if not _is_number(self.resample_mm, Real):
            raise ModelError(
                f"The model's resample_mm is {shown(self.resample_mm)}, but must be a number."
            )
        low, high = self.window_hu
        if not low < high:
            raise ModelError(f"The model's HU window {low} to {high} is empty.")
        if self.normalisation not in NORMALISATIONS:
            raise ModelError(
                f"The model's normalisation is {shown(self.normalisation)}, but must be one of: "
                f"{', '.join(NORMALISATIONS)}."
            )
        for name in ("input_size", "patch_size"):
            sizes = getattr(self, name) or ()
            if any(size != int(size) or size <= 0 or size % self.multiple for size in sizes):
                raise ModelError(
                    f"The model's {name} is not a multiple of {self.multiple}, "
                    "as its network needs."
                )
            if any(size > _LARGEST_SIZE for size in sizes):
                raise ModelError(f"The model's {name} is larger than {_LARGEST_SIZE} pixels.")
        low, high = self.pixel_mm or (self.resample_mm, self.resample_mm)
        if not _PIXEL_MM[0] <= low <= self.resample_mm <= high <= _PIXEL_MM[1]:
            raise ModelError(
                f"The model's pixel sizes {low} to {high} mm must be positive, in this order, "
                f"within {_PIXEL_MM[0]:g} to {_PIXEL_MM[1]:g} mm, and hold the "
                f"{self.resample_mm} mm that others are resampled to."
            )
        if self.input_size and (self.patch_size or self.pixel_mm):
            raise ModelError(
                "The model's preprocessing names an input size for whole slices, so it can name "
                "neither a patch size nor a range of pixel sizes."
            )

    def _check_pair(self, name: str, pair: object) -> None:
        numbers = pair if isinstance(pair, (tuple, list)) else ()
        usual = all(_is_number(number, Real) and abs(number) <= _LARGEST_HU for number in numbers)
        if len(numbers) != 2 or not usual:
            raise ModelError(f"The model's {name} is {shown(pair)}, but must be two numbers.")

    @property
    def needs_whole_slices(self) -> bool:
        """Whether the network's input for a part of a slice depends on the whole slice."""
        return self.input_size is not None or self.normalisation in ("min-max", "z-score")

    def to_unit(self, hu: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """HU of any shape to float32 in 0..1, same shape, clipped to the window."""
        low, high = self.window_hu
        unit = (np.asarray(hu, dtype=np.float32) - np.float32(low)) / np.float32(high - low)
        clipped: npt.NDArray[np.float32] = np.clip(unit, 0.0, 1.0, out=unit)
        return clipped

    def from_unit(self, unit: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """0..1 of any shape to the HU of the window, the inverse of :meth:`to_unit` within it."""
        low, high = self.window_hu
        hu: npt.NDArray[np.float32] = np.float32(low) + unit * np.float32(high - low)
        return hu

    def normalise(
        self, unit: npt.NDArray[np.float32], lungs: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Windowed slices to the network's input values.

        Args:
            unit: float32 (n, rows, columns) in 0..1.
            lungs: Non-zero in the lungs, same shape; needed where ``lung_mask`` is set.

        Returns:
            float32, same shape. A slice of one single value becomes 0 under min-max and z-score.

        Raises:
            ValueError: ``lung_mask`` is set, and no lungs are given.
        """
        if self.lung_mask:
            if lungs is None:
                raise ValueError("this preprocessing needs the lungs")
            unit = np.where(lungs > 0, unit, np.float32(0.0))
        if self.normalisation == "grey-levels":
            levels: npt.NDArray[np.float32] = np.rint(unit * np.float32(255.0))
            return levels / np.float32(255.0)
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
    def from_dict(cls, values: Any) -> Preprocessing:
        """The inverse of :meth:`to_dict`; raises ModelError on unknown or missing fields."""
        known = {field.name for field in fields(cls)}
        problem = None
        if not isinstance(values, dict):
            problem = f"{shown(values)} is not a JSON object"
        elif unknown := sorted(set(values) - known):
            problem = f"unknown fields: {shown(unknown)}"
        elif not isinstance(values.get("window_hu"), (list, tuple)):
            problem = f"window_hu is {shown(values.get('window_hu'))}"
        if problem:
            raise ModelError(f"The model's preprocessing record is not understood: {problem}.")
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)


def _divide(
    values: npt.NDArray[np.float32], by: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)


def _is_number(value: object, kind: type) -> bool:
    """Whether this is a finite number of a kind; Python counts bool among them."""
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    return isinstance(value, Real) and math.isfinite(value)
