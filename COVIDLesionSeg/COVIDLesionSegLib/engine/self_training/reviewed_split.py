"""Which reviewed cases a model learns from, and which are held out to evaluate it.

Rejected cases are never learned from. Accepted cases are never held out: their lesions are a
model's own. Corrected cases are split by patient.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..errors import InputError
from ..review import Verdict

LEAST_CORRECTED = 4
"""Corrected cases without which nothing is held out."""
LEAST_HELD_OUT = 2
"""Patients, so that no single one decides."""
_HELD_OUT_SHARE = 0.3
"""Of the patients with corrected cases, as of all patients in COVID-Rate."""


class Reviewed(Protocol):
    """What is needed of a reviewed case."""

    @property
    def id(self) -> str: ...

    @property
    def patient(self) -> str: ...

    @property
    def verdict(self) -> Verdict | None: ...


Case = TypeVar("Case", bound=Reviewed)


@dataclass(frozen=True)
class ReviewedSplit(Generic[Case]):
    """Reviewed cases by their use; no patient is both learned from and held out.

    Attributes:
        accepted, corrected: Learned from.
        held_out: Corrected cases that evaluate the model; empty where it is not evaluated.
        left_out: Accepted cases of held-out patients, which are not used.
        not_evaluated: Why nothing is held out, in one sentence; empty where something is.
    """

    accepted: tuple[Case, ...]
    corrected: tuple[Case, ...]
    held_out: tuple[Case, ...]
    left_out: tuple[Case, ...]
    not_evaluated: str

    @property
    def learned(self) -> tuple[Case, ...]:
        """Accepted, then corrected cases."""
        return (*self.accepted, *self.corrected)

    @property
    def held_out_patients(self) -> tuple[str, ...]:
        """The patients of :attr:`held_out`, sorted, each once."""
        return tuple(sorted({case.patient for case in self.held_out}))


def split_reviewed(
    cases: Sequence[Case], parent: str, learned_before: Collection[str], seed: int
) -> ReviewedSplit[Case]:
    """Split cases by patient; the same cases and seed give the same split, in any order.

    Patients that the parent learned from are learned from again, never held out. Whether a patient
    is held out hangs on the seed and the patient's identifier, so that new cases move few of them.

    Args:
        cases: Reviewed cases with any verdict.
        parent: Id of the model that is fine-tuned.
        learned_before: Patients that it, or a model before it, learned from.
        seed: Seed of the choice.

    Raises:
        InputError: Two cases have the same id, or there is nothing to learn from.
    """
    twice = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    if twice:
        raise InputError(f"The case {twice[0]} is among the reviewed cases twice: remove one.")
    ordered = sorted(cases, key=lambda case: case.id)
    accepted = [case for case in ordered if case.verdict is Verdict.ACCEPTED]
    corrected = [case for case in ordered if case.verdict is Verdict.CORRECTED]
    if not accepted and not corrected:
        raise InputError(
            "There is no accepted or corrected case to learn from: review some cases first."
        )
    why = _why_not(corrected, parent, learned_before)
    held_out = set() if why else _held_out(corrected, learned_before, seed)
    return ReviewedSplit(
        accepted=tuple(case for case in accepted if case.patient not in held_out),
        corrected=tuple(case for case in corrected if case.patient not in held_out),
        held_out=tuple(case for case in corrected if case.patient in held_out),
        left_out=tuple(case for case in accepted if case.patient in held_out),
        not_evaluated=why,
    )


def _why_not(corrected: Sequence[Reviewed], parent: str, learned_before: Collection[str]) -> str:
    patients = {case.patient for case in corrected}
    if len(corrected) < LEAST_CORRECTED:
        return (
            f"Not evaluated: there {'is' if len(corrected) == 1 else 'are'} {len(corrected)} "
            f"corrected case{'' if len(corrected) == 1 else 's'}, and at least {LEAST_CORRECTED} "
            "are needed to hold some out."
        )
    if len(patients) <= LEAST_HELD_OUT:
        return (
            f"Not evaluated: the corrected cases are of {len(patients)} patient"
            f"{'s' if len(patients) > 1 else ''}, and at least {LEAST_HELD_OUT + 1} are needed: "
            f"{LEAST_HELD_OUT} are held out, and the model learns from the others."
        )
    if len(patients - set(learned_before)) < LEAST_HELD_OUT:
        return (
            f"Not evaluated: model {parent} learned from {len(patients & set(learned_before))} of "
            f"the {len(patients)} patients with corrected cases, and at least {LEAST_HELD_OUT} "
            "others are needed: correct cases of new patients, or choose another base model."
        )
    return ""


def _held_out(
    corrected: Sequence[Reviewed], learned_before: Collection[str], seed: int
) -> set[str]:
    patients = {case.patient for case in corrected}
    number = max(LEAST_HELD_OUT, round(_HELD_OUT_SHARE * len(patients)))

    def place(patient: str) -> str:
        return hashlib.sha256(f"{seed}\0{patient}".encode()).hexdigest()

    return set(sorted(patients - set(learned_before), key=place)[:number])
