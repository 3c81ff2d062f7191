"""Every score of an evaluation, by name; all are computed the same way for any set of slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

from ..metrics.confusion import Confusion
from ..metrics.detection import by_infection_rate
from ..metrics.infection import INFECTED_ABOVE, SMALL_LESIONS_BELOW, rate_correlation, rate_error
from ..metrics.intervals import mean_and_sd
from ..text import percent
from .tally import SURFACE_TOLERANCE, SliceCount, Tally

Value = float | None


@dataclass(frozen=True)
class Measure:
    """One score.

    Attributes:
        key: Column of ``scores.csv``.
        title: For people; ``{unit}`` is the unit of distances.
        of: Computes it; None where it is undefined.
        slices: The slices it rests on, whose number decides its confidence interval; None for a
            score that is not a share, which has none.
    """

    key: str
    title: str
    of: Callable[[Tally], Value]
    slices: Callable[[Tally], list[SliceCount]] | None = None


def _all(tally: Tally) -> list[SliceCount]:
    return tally.slices


def _with_lesion(tally: Tally) -> list[SliceCount]:
    """Slices on which a Dice is defined."""
    return [one for one in tally.slices if one.infected or one.found]


def _with_lung(tally: Tally) -> list[SliceCount]:
    return [one for one in tally.slices if one.true_rate is not None]


def _infected(tally: Tally) -> list[SliceCount]:
    return [one for one in _with_lung(tally) if one.infected]


def _lesion_free(tally: Tally) -> list[SliceCount]:
    return [one for one in _with_lung(tally) if not one.infected]


def _small(tally: Tally) -> list[SliceCount]:
    return [one for one in _infected(tally) if one.true_rate < SMALL_LESIONS_BELOW]


def _large(tally: Tally) -> list[SliceCount]:
    return [one for one in _infected(tally) if one.true_rate >= SMALL_LESIONS_BELOW]


def _mean_dice(slices: list[SliceCount]) -> Value:
    return mean_and_sd([one.pixels.dice for one in slices])[0]


def _rates(slices: list[SliceCount]) -> tuple[list[float], list[float]]:
    return [one.true_rate for one in slices], [one.predicted_rate for one in slices]


def _detected(tally: Tally) -> Confusion:
    """Slices called positive for any pixel (cascade)."""
    return _decisions((one.found, one.infected) for one in tally.slices)


def _detected_by_rate(tally: Tally) -> Confusion:
    """Slices with lung, called infected for their infection rate (COVID-Rate)."""
    return _decisions(
        (by_infection_rate(one.predicted_rate), one.infected) for one in _with_lung(tally)
    )


def _decisions(pairs: Iterable[tuple[bool, bool]]) -> Confusion:
    """Counts of (called positive, is positive)."""
    counts = Counter(pairs)
    return Confusion(*(counts[pair] for pair in product((True, False), repeat=2)))


_PIXEL_SHARES = (
    ("dice", "Dice, pixels pooled"),
    ("iou", "Intersection over union"),
    ("precision", "Precision"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("accuracy", "Accuracy"),
    ("mae", "Mean absolute error of labels"),
)
_DETECTION_SHARES = (
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("precision", "precision"),
    ("accuracy", "accuracy"),
    ("f1", "F1"),
)


def _share(counts: Callable[[Tally], Confusion], name: str) -> Callable[[Tally], Value]:
    return lambda tally: getattr(counts(tally), name)


MEASURES: tuple[Measure, ...] = (
    *(
        Measure(name, title, _share(lambda tally: tally.pixels, name), _all)
        for name, title in _PIXEL_SHARES
    ),
    Measure("auc", "Area under the ROC curve", lambda tally: tally.probabilities.auc, _all),
    Measure(
        "slice_dice",
        "Dice, mean over slices",
        lambda tally: _mean_dice(_with_lesion(tally)),
        _with_lesion,
    ),
    Measure(
        "slice_dice_small",
        f"Dice, mean over slices infected by less than {percent(SMALL_LESIONS_BELOW)}",
        lambda tally: _mean_dice(_small(tally)),
        _small,
    ),
    Measure(
        "slice_dice_large",
        f"Dice, mean over slices infected by {percent(SMALL_LESIONS_BELOW)} or more",
        lambda tally: _mean_dice(_large(tally)),
        _large,
    ),
    Measure(
        "surface_dice",
        f"Surface Dice, tolerance {SURFACE_TOLERANCE:g} {{unit}}",
        lambda tally: mean_and_sd(tally.surface_dice)[0],
    ),
    Measure(
        "hd95",
        "Hausdorff distance, 95th percentile, {unit}",
        lambda tally: mean_and_sd(tally.hd95)[0],
    ),
    Measure(
        "rate_error_infected",
        "Infection rate, mean absolute error, infected slices",
        lambda tally: rate_error(*_rates(_infected(tally))),
    ),
    Measure(
        "rate_error_lesion_free",
        "Infection rate, mean absolute error, lesion-free slices",
        lambda tally: rate_error(*_rates(_lesion_free(tally))),
    ),
    Measure(
        "rate_correlation",
        "Infection rate, Pearson correlation, infected slices",
        lambda tally: rate_correlation(*_rates(_infected(tally))),
    ),
    *(
        Measure(f"{key}_{name}", f"{title}, {share}", _share(counts, name), slices)
        for key, title, counts, slices in (
            ("detection", "Slices found by any pixel", _detected, _all),
            (
                "rate_detection",
                f"Slices found by an infection rate above {percent(INFECTED_ABOVE)}",
                _detected_by_rate,
                _with_lung,
            ),
        )
        for name, share in _DETECTION_SHARES
    ),
)
