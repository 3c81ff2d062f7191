"""The one parameter object: panel state, console arguments, CLI options, and manifest content."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from numbers import Real
from typing import Any

from .errors import ParameterError
from .models.user_models import default_model

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
TILINGS = ("whole-slice", "overlapping", "non-overlapping")
COMBINATIONS = ("majority-vote", "mean")
LUNG_METHODS = ("threshold", "lungmask-r231", "lungmask-r231covidweb")
"""Besides these, any model of the catalogue that finds lungs."""


@dataclass(frozen=True)
class Parameters:
    """Everything that decides a result, besides the CT itself.

    Attributes:
        model: Id of a model or ensemble of the catalogue (``covid-lesion-seg models``), or several
            joined by ``+``, which vote. By default the model that was promoted last
            (``covid-lesion-seg registry promote``), or else ``amc-net``.
        combination: How an ensemble decides: ``majority-vote`` of its members, a tie by the mean
            of their probabilities; or ``mean``, by the mean alone.
        lungs: Lung extractor, one of ``LUNG_METHODS``, or the id of a model that finds lungs.
        device: ``auto`` takes the first of cuda, mps, cpu that works.
        precision: ``auto`` takes bfloat16 where the processor or GPU computes it natively and the
            model's card says its scores do not move, else float32.
        tiling: ``whole-slice`` passes each slice through the fully convolutional network at once;
            ``overlapping`` blends half-overlapping patches; ``non-overlapping`` is the EAMC paper's
            test protocol (section 5.1): 16 patches of 128x128 for a 512x512 slice. Networks that
            learned from whole slices take whole slices only.
        threshold: Voxels whose lesion probability exceeds this are lesion, 0 to 1 exclusive.
        batch_size: Patches per forward pass; 0 chooses from the device.
        allow_untrained: Run networks that have no trained weights with random ones, for timing and
            for trying the way; severity is then not graded.

    Raises:
        ParameterError: A value is outside its allowed set or range.
    """

    model: str = field(default_factory=default_model)
    combination: str = "majority-vote"
    lungs: str = "threshold"
    device: str = "auto"
    precision: str = "auto"
    tiling: str = "whole-slice"
    threshold: float = 0.5
    batch_size: int = 0
    allow_untrained: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("combination", COMBINATIONS),
            ("device", DEVICES),
            ("precision", PRECISIONS),
            ("tiling", TILINGS),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise ParameterError(
                    f"{name} is {value!r}, but must be one of: {', '.join(allowed)}."
                )
        if not isinstance(self.model, str) or not all(self.members):
            raise ParameterError(
                "model must be the id of a model in the catalogue, or several joined by '+'."
            )
        if len(set(self.members)) < len(self.members):
            raise ParameterError(f"model is {self.model!r}, but names a member twice.")
        if not isinstance(self.lungs, str) or not self.lungs:
            raise ParameterError("lungs must be the name of a lung extractor.")
        if not isinstance(self.allow_untrained, bool):
            raise ParameterError("allow_untrained must be true or false.")
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

    @property
    def members(self) -> tuple[str, ...]:
        """Ids of the models and ensembles that :attr:`model` names."""
        return tuple(name.strip() for name in self.model.split("+"))

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
