"""Whose lesion and whose lung a synthetic slice is made of.

The rule that keeps patients apart: a synthetic slice belongs to both of its patients, and may be
learned from only where neither of them is judged on.
"""

from __future__ import annotations

_JOIN = "+"


def synthetic_patient(lesion: str, lungs: str) -> str:
    """Patient of a synthetic slice: both of its sources, or the one where both are the same."""
    return lesion if lesion == lungs else f"{lesion}{_JOIN}{lungs}"


def source_patients(patient: str) -> tuple[str, ...]:
    """The patients behind a slice's patient: two of a synthetic slice, itself of any other."""
    return tuple(patient.split(_JOIN))
