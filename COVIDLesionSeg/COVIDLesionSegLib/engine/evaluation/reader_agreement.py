"""Categories of severity by people beside those of the software, case by case.

The cascade paper (Qiblawey et al. 2021, section 4.4, Figure 8 and Table 8) compares CT-0 to CT-4 by
MosMedData's radiologists with its own so: confusion matrix, and each category against all others.
Weighted kappa (J. Cohen, Psychol. Bull. 70:213, 1968) is added, as categories have an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..metrics.overlap import Confusion, Interval, wilson_interval
from ..severity.categories import CATEGORIES

CATEGORY_MEASURES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "sensitivity": "Recall (sensitivity)",
    "specificity": "Specificity",
    "f1": "F1",
}
KAPPAS = {
    "kappa": "Cohen's kappa, unweighted",
    "kappa_linear": "Weighted kappa, linear weights",
    "kappa_quadratic": "Weighted kappa, quadratic weights",
}
BOOTSTRAP_SAMPLES = 2000
_SEED = 0
MOST_UNDEFINED = 0.05
"""Part of the bootstrap samples in which a score with an interval may be undefined."""

_Matrices = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScoreWithInterval:
    """A score with its 95 % confidence interval; None where either is undefined."""

    value: float | None
    interval: Interval


@dataclass(frozen=True)
class CategoryAgreement:
    """One category against all others.

    Attributes:
        category: One of ``CATEGORIES``.
        cases: How many the reader put into it.
        scores: By key of ``CATEGORY_MEASURES``.
    """

    category: str
    cases: int
    scores: dict[str, ScoreWithInterval]


@dataclass(frozen=True)
class ReaderAgreement:
    """The reader beside one rule of the software.

    Attributes:
        rule: Id of the rule; ``"category"`` of a table that names none.
        title: For people.
        matrix: Number of cases, by the reader's category (rows) and the software's (columns).
        not_graded: Cases with a reader's category that the rule did not grade.
        accuracy: Cases of equal category, of all that are compared.
        within_one: Cases whose categories are equal or neighbours.
        kappas: By key of ``KAPPAS``.
        categories: Each against the others.
        average: Mean of each measure over categories, weighted by the reader's cases, as in the
            cascade paper's Table 8; None where it is undefined for a category with cases.
    """

    rule: str
    title: str
    matrix: tuple[tuple[int, ...], ...]
    not_graded: tuple[str, ...]
    accuracy: ScoreWithInterval
    within_one: ScoreWithInterval
    kappas: dict[str, ScoreWithInterval]
    categories: tuple[CategoryAgreement, ...]
    average: dict[str, float | None]

    @property
    def cases(self) -> int:
        """How many cases are compared."""
        return sum(map(sum, self.matrix))


@dataclass(frozen=True)
class ComparedCase:
    """What both say of one case.

    Attributes:
        case: Its name.
        reader: The reader's category; None where there is none.
        software: By rule; None where it did not grade the case, or its table lacks it.
    """

    case: str
    reader: str | None
    software: dict[str, str | None]

    @property
    def graded_by_software(self) -> bool:
        """Whether any rule graded it."""
        return any(category is not None for category in self.software.values())


@dataclass(frozen=True)
class Agreement:
    """A reader beside the software.

    Attributes:
        rules: One for each rule of the software's table.
        cases: Every case that both tables hold, and the reader graded, by name; a rule compares
            those that it graded.
        only_reader: Cases that the software's table lacks.
        only_software: Cases that the reader's table lacks.
        reader_not_graded: Cases of both tables without a reader's category.
        others: What is known of the cases of these three, by name.
    """

    rules: tuple[ReaderAgreement, ...]
    cases: tuple[ComparedCase, ...]
    only_reader: tuple[str, ...]
    only_software: tuple[str, ...]
    reader_not_graded: tuple[str, ...]
    others: tuple[ComparedCase, ...]


Categories = Mapping[str, str | None]
"""Category by case; None where it was not graded."""


def compare_with_reader(
    reader: Categories, software: Mapping[str, Categories], titles: Mapping[str, str]
) -> Agreement:
    """Compare a reader with every rule of the software.

    Args:
        reader: By case.
        software: By rule and case; the rules know the same cases.
        titles: Titles of the rules.

    Raises:
        InputError: No case has a category of both.
    """
    known = set().union(*software.values())
    both = sorted(set(reader) & known)
    everything = [
        ComparedCase(case, reader.get(case), {rule: of.get(case) for rule, of in software.items()})
        for case in sorted(set(reader) | known)
    ]
    cases = tuple(case for case in everything if case.reader is not None and case.case in known)
    if not any(case.graded_by_software for case in cases):
        raise InputError(
            "No case has a category both of the reader and of the software: check that the names "
            "of the cases are the same in both tables."
        )
    return Agreement(
        rules=tuple(_of_rule(rule, titles[rule], cases) for rule in software),
        cases=cases,
        only_reader=tuple(sorted(set(reader) - known)),
        only_software=tuple(sorted(known - set(reader))),
        reader_not_graded=tuple(case for case in both if reader[case] is None),
        others=tuple(case for case in everything if case not in cases),
    )


def weighted_kappa(matrix: npt.ArrayLike, power: int) -> float | None:
    """Cohen's kappa with weights of disagreement, -1 to 1.

    Args:
        matrix: Numbers of cases (k, k): reader by software.
        power: Of the distance between categories: 1 linear, 2 quadratic; 0 weighs all alike.

    Returns:
        None where chance alone cannot disagree: all cases are in one category.
    """
    value = float(_kappas(np.asarray(matrix, np.float64)[None], power)[0])
    return None if np.isnan(value) else value


def _of_rule(rule: str, title: str, cases: Sequence[ComparedCase]) -> ReaderAgreement:
    matrix = np.zeros((len(CATEGORIES),) * 2, np.int64)
    not_graded = []
    for case in cases:
        found = case.software[rule]
        assert case.reader is not None  # of these cases
        if found is None:
            not_graded.append(case.case)
        else:
            matrix[CATEGORIES.index(case.reader), CATEGORIES.index(found)] += 1
    total = int(matrix.sum())
    resampled = _resampled(matrix)
    distance = np.abs(np.subtract.outer(range(len(CATEGORIES)), range(len(CATEGORIES))))
    categories = tuple(_of_category(number, matrix, resampled) for number in range(len(CATEGORIES)))
    return ReaderAgreement(
        rule=rule,
        title=title,
        matrix=tuple(tuple(map(int, row)) for row in matrix),
        not_graded=tuple(not_graded),
        accuracy=_proportion(int(matrix[distance == 0].sum()), total),
        within_one=_proportion(int(matrix[distance <= 1].sum()), total),
        kappas={
            key: _bootstrapped(weighted_kappa(matrix, power), _kappas(resampled, power))
            for power, key in enumerate(KAPPAS)
        },
        categories=categories,
        average={key: _average(categories, key) for key in CATEGORY_MEASURES},
    )


def _of_category(
    number: int, matrix: npt.NDArray[np.int64], resampled: _Matrices
) -> CategoryAgreement:
    tp = int(matrix[number, number])
    positive, called, total = (
        int(part.sum()) for part in (matrix[number], matrix[:, number], matrix)
    )
    counts = Confusion(tp=tp, fp=called - tp, fn=positive - tp, tn=total - positive - called + tp)
    samples = {
        "accuracy": total,
        "precision": called,
        "sensitivity": positive,
        "specificity": total - positive,
    }
    scores = {
        key: ScoreWithInterval(getattr(counts, key), wilson_interval(getattr(counts, key), count))
        for key, count in samples.items()
    }
    with np.errstate(invalid="ignore"):
        f1 = (
            2
            * resampled[:, number, number]
            / (resampled[:, number].sum(axis=-1) + resampled[:, :, number].sum(axis=-1))
        )
    scores["f1"] = _bootstrapped(counts.f1, f1)
    return CategoryAgreement(CATEGORIES[number], positive, scores)


def _average(categories: Sequence[CategoryAgreement], key: str) -> float | None:
    present = [category for category in categories if category.cases]
    values = [category.scores[key].value for category in present]
    if not present or None in values:
        return None
    weighted = sum(
        (value or 0.0) * category.cases for value, category in zip(values, present, strict=True)
    )
    return weighted / sum(category.cases for category in present)


def _proportion(part: int, whole: int) -> ScoreWithInterval:
    value = part / whole if whole else None
    return ScoreWithInterval(value, wilson_interval(value, whole))


def _kappas(matrices: _Matrices, power: int) -> npt.NDArray[np.float64]:
    """Weighted kappa of each matrix (n, k, k); not a number where it is undefined."""
    size = range(matrices.shape[-1])
    distance = np.abs(np.subtract.outer(size, size)).astype(np.float64)
    weights = np.where(distance > 0, distance**power, 0.0)
    rows, columns = matrices.sum(axis=2), matrices.sum(axis=1)
    expected = np.einsum("nr,nc,rc->n", rows, columns, weights)
    observed = np.einsum("nrc,rc->n", matrices, weights) * matrices.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas: npt.NDArray[np.float64] = np.where(expected > 0, 1 - observed / expected, np.nan)
    return kappas


def _resampled(matrix: npt.NDArray[np.int64]) -> _Matrices:
    """Matrices of cases drawn anew, with replacement: the bootstrap (Efron 1979), seeded."""
    total = int(matrix.sum())
    if not total:
        return np.zeros((BOOTSTRAP_SAMPLES, *matrix.shape))
    drawn = np.random.default_rng(_SEED).multinomial(
        total, matrix.ravel() / total, size=BOOTSTRAP_SAMPLES
    )
    return drawn.reshape(-1, *matrix.shape).astype(np.float64)


def _bootstrapped(value: float | None, resampled: npt.NDArray[np.float64]) -> ScoreWithInterval:
    """The score with the percentile interval; without one where samples are often undefined."""
    defined = resampled[~np.isnan(resampled)]
    if value is None or len(defined) < (1 - MOST_UNDEFINED) * len(resampled):
        return ScoreWithInterval(value, None)
    low, high = (float(end) for end in np.quantile(defined, [0.025, 0.975]))
    return ScoreWithInterval(value, (low, high))
