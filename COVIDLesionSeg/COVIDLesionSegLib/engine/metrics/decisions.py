"""Agreement with experts on which slices, and which cases, are infected, rule by rule.

The rules of lesions are :data:`~.infection.SLICE_RULES`; a detector also names a slice's class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .infection import SLICE_RULES
from .overlap import Confusion, wilson_interval

SLICE_CLASS = "affinity-slice-class"
RULES = {
    **{rule.rule: rule.title for rule in SLICE_RULES},
    SLICE_CLASS: "Class of the slice (Ter-Sarkisov 2022)",
}
"""What makes a slice infected, for people, by the rule's id."""
CASE_RULE = "A case is infected where one of its slices is, and called so where one is called so."


@dataclass(frozen=True)
class Share:
    """A proportion with Wilson's 95 % interval of its own denominator; None where undefined."""

    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class RuleAgreement:
    """Decisions by one rule.

    Attributes:
        slices: Decisions on all slices.
        cases: Of all cases, see :data:`CASE_RULE`.
    """

    slices: Confusion
    cases: Confusion


def counted(pairs: Iterable[tuple[bool, bool]]) -> Confusion:
    """Counts of (called infected, is infected)."""
    found = Counter(pairs)
    return Confusion(
        tp=found[True, True], fp=found[True, False], fn=found[False, True], tn=found[False, False]
    )


def called_infected(lesion: float, rate: float | None) -> dict[str, bool]:
    """What the rules of lesions call a slice, but those that say nothing of it.

    Args:
        lesion: Number of its pixels that are called lesion.
        rate: Its infection rate, 0 to 1; None without lung.
    """
    answers = {rule.rule: rule.positive(lesion, rate) for rule in SLICE_RULES}
    return {rule: answer for rule, answer in answers.items() if answer is not None}


def agreement_by_rule(cases: Iterable[Mapping[str, Confusion]]) -> dict[str, RuleAgreement]:
    """Decisions on the slices of every case, by rule, as decisions on all slices and on cases.

    A case without a slice that the rule could decide, as without lungs, does not count.
    """
    found: dict[str, RuleAgreement] = {}
    for case in cases:
        for rule, slices in case.items():
            before = found.get(rule, RuleAgreement(Confusion(), Confusion()))
            own = [(slices.tp + slices.fp > 0, slices.tp + slices.fn > 0)] if slices.total else []
            found[rule] = RuleAgreement(before.slices + slices, before.cases + counted(own))
    return found


def shares(decisions: Confusion) -> dict[str, Share]:
    """Sensitivity, specificity, precision and accuracy of decisions."""
    found, missed, alarms, rest = decisions.tp, decisions.fn, decisions.fp, decisions.tn
    return {
        name: Share(value, wilson_interval(value, of))
        for name, value, of in (
            ("sensitivity", decisions.sensitivity, found + missed),
            ("specificity", decisions.specificity, rest + alarms),
            ("precision", decisions.precision, found + alarms),
            ("accuracy", decisions.accuracy, decisions.total),
        )
    }
