"""A retrained model beside its parent on held-out patients, and whether it may become the default.

The rule is this software's own: the pooled Dice of the held-out patients must rise, and no patient
may lose more than :data:`LARGEST_FALL`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import score_text

LARGEST_FALL = 0.02
"""Dice that a single held-out patient may lose."""


@dataclass(frozen=True)
class Overlap:
    """Agreement with the reviewed lesions, voxel by voxel, 0 to 1; None where undefined."""

    dice: float | None
    sensitivity: float | None
    precision: float | None


@dataclass(frozen=True)
class HeldOutPatient:
    """One held-out patient.

    Attributes:
        patient: Short identifier; no patient data.
        slices: Number of slices of all their corrected cases.
        old, new: Of the parent and of the retrained model.
    """

    patient: str
    slices: int
    old: Overlap
    new: Overlap


@dataclass(frozen=True)
class ParentScores:
    """Parent and retrained model on the held-out patients.

    Attributes:
        patients: One by one.
        old, new: Over all their voxels together.
    """

    patients: tuple[HeldOutPatient, ...]
    old: Overlap
    new: Overlap

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return {
            "patients": [
                {
                    "patient": patient.patient,
                    "slices": patient.slices,
                    "old": vars(patient.old),
                    "new": vars(patient.new),
                }
                for patient in self.patients
            ],
            "pooled": {"old": vars(self.old), "new": vars(self.new)},
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ParentScores:
        """The inverse of :meth:`to_dict`; KeyError or TypeError where something is missing."""
        return cls(
            tuple(
                HeldOutPatient(
                    str(value["patient"]),
                    int(value["slices"]),
                    Overlap(**value["old"]),
                    Overlap(**value["new"]),
                )
                for value in values["patients"]
            ),
            Overlap(**values["pooled"]["old"]),
            Overlap(**values["pooled"]["new"]),
        )


@dataclass(frozen=True)
class PromotionDecision:
    """Whether a retrained model may become the default, and why, in one sentence."""

    allowed: bool
    reason: str


def decide_promotion(comparison: ParentScores) -> PromotionDecision:
    """Apply the rule to held-out patients.

    A patient without lesion in whom the new model marks some has fallen: the Dice was undefined, as
    nothing was there to find, and is 0 now.
    """
    old, new = comparison.old.dice, comparison.new.dice
    if old is None or new is None:
        return PromotionDecision(
            False, "Not evaluated: no held-out patient has lesions, so there is no Dice to compare."
        )
    if fallen := list(_fallen(comparison.patients)):
        return PromotionDecision(False, f"Worse on held-out patients: {', '.join(fallen)}.")
    pooled = f"Dice {_change(old, new)}"
    if new <= old:
        return PromotionDecision(False, f"No better on the held-out patients together: {pooled}.")
    return PromotionDecision(
        True,
        f"Better on the {len(comparison.patients)} held-out patients together: {pooled}; no "
        f"patient falls by more than {LARGEST_FALL:g}.",
    )


def _fallen(patients: Sequence[HeldOutPatient]) -> Iterator[str]:
    for patient in patients:
        old, new = patient.old.dice, patient.new.dice
        # Undefined means that neither truth nor prediction hold lesion, which is right.
        if new is not None and round((1.0 if old is None else old) - new, 6) > LARGEST_FALL:
            yield f"{patient.patient} {_change(old, new)}"


def _change(old: float | None, new: float | None) -> str:
    return f"{score_text(old)} to {score_text(new)}"
