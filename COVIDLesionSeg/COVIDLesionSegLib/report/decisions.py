"""``decisions.csv`` and its table: which slices and cases each rule calls infected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.metrics.decisions import RULES, RuleAgreement, shares
from ..engine.metrics.overlap import Confusion
from ..engine.text import interval_text
from .tables import write_table

if TYPE_CHECKING:
    from ..engine.evaluation.run import Evaluation

ALL = "all"
_SHARES = tuple(shares(Confusion()))


def decision_rows(
    named: Mapping[tuple[str, ...], Mapping[str, Confusion]],
    all_named: tuple[str, ...],
    together: Mapping[str, RuleAgreement],
) -> list[tuple[tuple[str, ...], Confusion]]:
    """Rows (names, rule, ``slices`` or ``cases``) with their decisions.

    Args:
        named: Decisions on slices by rule, of every patient or group.
        all_named: The names of all together.
        together: Their decisions by rule.
    """
    rows = [
        ((*names, rule, "slices"), agreement)
        for names, rules in named.items()
        for rule, agreement in rules.items()
    ]
    rows += [
        ((*all_named, rule, "slices"), agreement.slices) for rule, agreement in together.items()
    ]
    rows += [((*all_named, rule, "cases"), agreement.cases) for rule, agreement in together.items()]
    return rows


def write_decisions_csv(
    columns: Sequence[str], rows: Iterable[tuple[tuple[str, ...], Confusion]], path: Path
) -> None:
    """Write ``columns``, ``rule``, ``of``, counts, and each share with its 95 % interval.

    Raises:
        OutputError: The file cannot be written.
    """
    ends = [name + end for name in _SHARES for end in ("", "_low", "_high")]
    write_table(
        [*columns, "rule", "of", "tp", "fp", "fn", "tn", *ends],
        [[*named, row.tp, row.fp, row.fn, row.tn, *_values(row)] for named, row in rows],
        path,
    )


def _values(decisions: Confusion) -> list[float | None]:
    return [
        value
        for share in shares(decisions).values()
        for value in (share.value, *(share.interval or (None, None)))
    ]


def decisions_for_page(together: Mapping[str, RuleAgreement]) -> list[dict[str, Any]]:
    """Rows of a page: rule, what is counted, how many, and each share with its interval."""
    return [
        {"rule": RULES[rule], "of": of, "number": one.total, "told": _told(one)}
        for of in ("slices", "cases")
        for rule, agreement in together.items()
        for one in (getattr(agreement, of),)
    ]


def _told(decisions: Confusion) -> list[str]:
    """``0.912 (0.850 to 0.951)``, or ``n/a``."""
    return [interval_text(share.value, share.interval) for share in shares(decisions).values()]


def write_model_decisions_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model, patient and rule, and two over all: of slices and of cases.

    Columns: ``model``, ``patient``, and those of :func:`write_decisions_csv`.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [
        row
        for scores in evaluation.models
        for row in decision_rows(
            {
                (scores.model, name): patient_scores.decisions
                for name, patient_scores in scores.patients.items()
            },
            (scores.model, ALL),
            scores.decisions,
        )
    ]
    write_decisions_csv(("model", "patient"), rows, path)


def model_decisions_for_page(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the page, of all patients: model, rule, and each share with its interval."""
    return [
        {"model": scores.model, **row}
        for scores in evaluation.models
        for row in decisions_for_page(scores.decisions)
    ]
