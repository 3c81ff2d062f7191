"""Training, validation and test split by patient, and the check that no patient is on both sides.

A synthetic slice belongs to both of its patients, and may be trained on only where neither of them
is held out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, ParameterError
from .labelled import LabelledImage

_JOIN = "+"
LEAVE_ONE_OUT = "lopo"
COVID_RATE_SHARES = (60, 10, 30)
"""Training, validation and test, in percent."""


def patients_in(slices: Iterable[LabelledImage]) -> set[str]:
    """The patients that slices show; both of a synthetic one."""
    return {patient for item in slices for patient in item.patients}


def slices_without(
    slices: Sequence[LabelledImage], patients: Collection[str]
) -> list[LabelledImage]:
    """The slices that show none of these patients, not even in part."""
    return [item for item in slices if set(item.patients).isdisjoint(patients)]


def check_patients_apart(
    training: Sequence[LabelledImage], held_out: Sequence[LabelledImage]
) -> None:
    """Make sure that no patient is on both sides; raises InputError naming who is."""
    if shared := patients_in(training) & patients_in(held_out):
        raise InputError(
            f"These patients are both trained on and held out: {', '.join(sorted(shared))}; "
            "name each patient once."
        )


def synthetic_patient(lesion: str, lungs: str) -> str:
    """The name that a synthetic slice is filed under: both patients, or the one that both are."""
    return lesion if lesion == lungs else f"{lesion}{_JOIN}{lungs}"


def source_patients(patient: str) -> tuple[str, ...]:
    """The patients in the name that a synthetic slice is filed under.

    For model cards, and slice folders of earlier versions, which hold this name alone.
    """
    return tuple(patient.split(_JOIN))


def learned_patients(record: Iterable[str]) -> set[str]:
    """The patients behind the ``training`` record of a model's card; both of synthetic slices."""
    return {name for key in record for name in (key, *source_patients(key))}


@dataclass(frozen=True)
class Fold:
    """Three groups of patients without a common one.

    Attributes:
        training: Trained on.
        validation: Select when training ends and which weights are kept; may be empty.
        test: Held out, to be scored.
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def leave_one_out(patients: Iterable[str]) -> list[Fold]:
    """One fold for each patient, who is held out (EAMC, section 2.2).

    Raises:
        InputError: There is one patient only, or none.
    """
    names = _at_least(2, patients)
    return k_folds(names, len(names), seed=None)


def k_folds(patients: Iterable[str], k: int, seed: int | None) -> list[Fold]:
    """``k`` folds that hold out every patient once, as evenly as can be.

    Args:
        patients: Their names, each once.
        k: 2 or more, at most the number of patients.
        seed: Of the order in which patients are dealt; None to deal them sorted.

    Raises:
        InputError: There are fewer patients than folds.
        ParameterError: ``k`` is below 2.
    """
    if k < 2:
        raise ParameterError(f"There are {k} folds, but there must be 2 or more.")
    names = _at_least(k, patients)
    groups = np.array_split(_shuffled(names, seed), k)
    return [
        Fold(tuple(n for n in names if n not in group), (), tuple(sorted(map(str, group))))
        for group in groups
    ]


def split(
    patients: Iterable[str], seed: int, shares: tuple[int, int, int] = COVID_RATE_SHARES
) -> Fold:
    """One fold by shares in percent, at least one patient for each; 60/10/30 as in COVID-Rate.

    Raises:
        InputError: There are fewer than three patients.
        ParameterError: The shares are not three numbers above 0 that sum to 100.
    """
    if len(shares) != 3 or min(shares) < 1 or sum(shares) != 100:
        raise ParameterError(f"The shares {shares} must be three numbers above 0 that sum to 100.")
    names = _shuffled(_at_least(3, patients), seed)
    validation, test = (max(1, round(len(names) * share / 100)) for share in shares[1:])
    if validation + test >= len(names):
        validation, test = 1, len(names) - 2
    training = len(names) - validation - test
    groups = np.split(np.array(names), [training, training + validation])
    return Fold(*(tuple(sorted(map(str, group))) for group in groups))


def hold_out_validation(fold: Fold, seed: int) -> Fold:
    """The fold with a fifth of its training patients kept for validation (cascade).

    Raises:
        InputError: There is only one training patient.
    """
    names = _shuffled(_at_least(2, fold.training), seed)
    count = max(1, round(len(names) / 5))
    return Fold(tuple(sorted(names[count:])), tuple(sorted(names[:count])), fold.test)


def make_folds(wanted: str, patients: Iterable[str], seed: int) -> list[Fold]:
    """The folds that ``wanted`` names.

    Args:
        wanted: ``"lopo"``; a number; shares such as ``"60/10/30"``; or ``"60/10/30x10"``, which
            deals ten times anew, with the seeds from ``seed`` on, so that a patient may be held out
            several times, or never.
        patients: Their names, each once.
        seed: Of the order in which patients are dealt.

    Raises:
        ParameterError: It names no folds.
        InputError: There are too few patients.
    """
    if wanted == LEAVE_ONE_OUT:
        return leave_one_out(patients)
    shares, again, times = wanted.partition("x")
    try:
        numbers = [int(part) for part in shares.split("/")]
        repeats = int(times) if again else 1
    except ValueError:
        numbers, repeats = [], 0
    if len(numbers) == 1 and not again:
        return k_folds(patients, numbers[0], seed)
    if len(numbers) == 3 and repeats > 0:
        training, validation, test = numbers
        names = list(patients)
        return [split(names, seed + n, (training, validation, test)) for n in range(repeats)]
    raise ParameterError(
        f"The folds {wanted!r} are not understood: use {LEAVE_ONE_OUT}, a number such as 5, "
        "shares such as 60/10/30, or repeated ones such as 60/10/30x10."
    )


def _at_least(count: int, patients: Iterable[str]) -> list[str]:
    names = sorted(set(patients))
    if len(names) < count:
        raise InputError(
            f"There are {len(names)} patients, but {count} are needed to hold some out: add "
            "patients."
        )
    return names


def _shuffled(names: Iterable[str], seed: int | None) -> list[str]:
    names = sorted(names)
    if seed is None:
        return names
    return [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
