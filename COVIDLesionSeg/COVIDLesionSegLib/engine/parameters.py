"""The one parameter object: panel state, console arguments, CLI options, and manifest content."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from numbers import Real
from typing import Any

from .errors import ParameterError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
TILINGS = ("whole-slice", "overlapping", "non-overlapping")
LUNG_METHODS = ("threshold",)


@dataclass(frozen=True)
class Parameters:
    """Everything that decides a result, besides the CT itself.

    Attributes:
        model: Model id from the catalogue (``covid-lesion-seg models``).
        lungs: Lung extractor, one of ``LUNG_METHODS``.
        device: ``auto`` takes the first of cuda, mps, cpu that works.
        precision: ``auto`` takes bfloat16 where the processor or GPU computes it natively and the
            model's card says its scores do not move, else float32.
        tiling: ``whole-slice`` passes each slice through the fully convolutional network at once;
            ``overlapping`` blends half-overlapping patches; ``non-overlapping`` is the EAMC paper's
            test protocol (section 5.1): 16 patches of 128x128 for a 512x512 slice.
        threshold: Voxels whose lesion probability exceeds this are lesion, 0 to 1 exclusive.
        batch_size: Patches per forward pass; 0 chooses from the device.

    Raises:
        ParameterError: A value is outside its allowed set or range.
    """

    model: str = "amc-net"
    lungs: str = "threshold"
    device: str = "auto"
    precision: str = "auto"
    tiling: str = "whole-slice"
    threshold: float = 0.5
    batch_size: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("lungs", LUNG_METHODS),
            ("device", DEVICES),
            ("precision", PRECISIONS),
            ("tiling", TILINGS),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise ParameterError(
                    f"{name} is {value!r}, but must be one of: {', '.join(allowed)}."
                )
        if not self.model or not isinstance(self.model, str):
            raise ParameterError("model must be the id of a model in the catalogue.")
        if not _is_number(self.threshold, Real) or not 0 < self.threshold < 1:
            raise ParameterError(
                f"threshold is {self.threshold!r}, but must be a number between 0 and 1."
            )
        # NumPy's numbers are welcome, but JSON does not know them.
        object.__setattr__(self, "threshold", float(self.threshold))
        if not _is_number(self.batch_size, int) or self.batch_size < 0:
            raise ParameterError(
                f"batch_size is {self.batch_size!r}, but must be a whole number >= 0."
            )

    def to_dict(self) -> dict[str, Any]:
        """All parameters as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Parameters:
        """The inverse of :meth:`to_dict`; an unknown name raises ParameterError."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ParameterError(f"Unknown parameter: {', '.join(sorted(unknown))}.")
        return cls(**values)


def _is_number(value: Any, kind: type) -> bool:
    """Whether ``value`` is a number of that kind; Python counts bool among the whole numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)
