"""Every score of an evaluation, by name; all are computed the same way for any set of slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..metrics.decisions import shares
from ..metrics.infection import (
    INFECTED_ABOVE,
    SLICE_RULES,
    SMALL_LESIONS_BELOW,
    SliceRule,
    rate_correlation,
    rate_error,
)
from ..metrics.overlap import Confusion, Interval, Value, mean_and_sd, wilson_interval
from ..text import percent
from .counts import SURFACE_TOLERANCE, Counts, SliceCount


@dataclass(frozen=True)
class ScoreDefinition:
    """One score.

    Attributes:
        key: Column of ``scores.csv``.
        title: For people; ``{unit}`` is the unit of distances.
        of: Computes it; None where it is undefined.
        interval: Wilson's 95 % confidence interval of its value; None for a score that is not a
            proportion, which has none.
    """

    key: str
    title: str
    of: Callable[[Counts], Value]
    interval: Callable[[Counts, Value], Interval] = lambda counts, value: None


def _judged(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in counts.slices if slice_.is_judged]


def _with_lesion(counts: Counts) -> list[SliceCount]:
    """Slices on which a Dice is defined."""
    return [slice_ for slice_ in counts.slices if slice_.infected or slice_.found]


def _with_lung(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in counts.slices if slice_.true_rate is not None]


def _infected(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in _with_lung(counts) if slice_.infected]


def _lesion_free(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in _with_lung(counts) if not slice_.infected]


def _small(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in _infected(counts) if 0 < _true_rate(slice_) < SMALL_LESIONS_BELOW]


def _large(counts: Counts) -> list[SliceCount]:
    return [slice_ for slice_ in _infected(counts) if _true_rate(slice_) >= SMALL_LESIONS_BELOW]


def _true_rate(slice_: SliceCount) -> float:
    assert slice_.true_rate is not None  # a slice with lung
    return slice_.true_rate


def _predicted_rate(slice_: SliceCount) -> float:
    assert slice_.predicted_rate is not None  # a slice with lung
    return slice_.predicted_rate


def _mean_dice(slices: list[SliceCount]) -> Value:
    return mean_and_sd([slice_.pixels.dice for slice_ in slices])[0]


def _rates(slices: list[SliceCount]) -> tuple[list[float], list[float]]:
    """True and predicted infection rates of slices with lung."""
    return [_true_rate(slice_) for slice_ in slices], [_predicted_rate(slice_) for slice_ in slices]


def _by(rule: SliceRule) -> Callable[[Counts], Confusion]:
    return lambda counts: counts.decisions[rule.rule]


_ANY_PIXEL, _INFECTION_RATE = SLICE_RULES
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


def _share(decisions: Callable[[Counts], Confusion], name: str) -> Callable[[Counts], Value]:
    return lambda counts: getattr(decisions(counts), name)


def _by_number(slices: Callable[[Counts], list[SliceCount]]) -> Callable[[Counts, Value], Interval]:
    """The interval by the number of slices that a score of their pixels is computed from."""
    return lambda counts, value: wilson_interval(value, len(slices(counts)))


def _of_share(
    decisions: Callable[[Counts], Confusion], name: str
) -> Callable[[Counts, Value], Interval]:
    """That of a share of the decisions, by the slices that it is a share of; F1 is none."""

    def interval(counts: Counts, value: Value) -> Interval:
        found = shares(decisions(counts))
        return found[name].interval if name in found else None

    return interval


MEASURES: tuple[ScoreDefinition, ...] = (
    *(
        ScoreDefinition(
            name, title, _share(lambda counts: counts.pixels, name), _by_number(_judged)
        )
        for name, title in _PIXEL_SHARES
    ),
    ScoreDefinition(
        "auc",
        "Area under the ROC curve",
        lambda counts: counts.probabilities.auc,
        _by_number(_judged),
    ),
    ScoreDefinition(
        "slice_dice",
        "Dice, mean over slices",
        lambda counts: _mean_dice(_with_lesion(counts)),
        _by_number(_with_lesion),
    ),
    ScoreDefinition(
        "slice_dice_small",
        f"Dice, mean over slices infected by less than {percent(SMALL_LESIONS_BELOW)}",
        lambda counts: _mean_dice(_small(counts)),
        _by_number(_small),
    ),
    ScoreDefinition(
        "slice_dice_large",
        f"Dice, mean over slices infected by {percent(SMALL_LESIONS_BELOW)} or more",
        lambda counts: _mean_dice(_large(counts)),
        _by_number(_large),
    ),
    ScoreDefinition(
        "surface_dice",
        f"Surface Dice, tolerance {SURFACE_TOLERANCE:g} {{unit}}",
        lambda counts: mean_and_sd(counts.surface_dice)[0],
    ),
    ScoreDefinition(
        "hd95",
        "Hausdorff distance, 95th percentile, {unit}",
        lambda counts: mean_and_sd(counts.hd95)[0],
    ),
    ScoreDefinition(
        "rate_error_infected",
        "Infection rate, mean absolute error, infected slices",
        lambda counts: rate_error(*_rates(_infected(counts))),
    ),
    ScoreDefinition(
        "rate_error_lesion_free",
        "Infection rate, mean absolute error, lesion-free slices",
        lambda counts: rate_error(*_rates(_lesion_free(counts))),
    ),
    ScoreDefinition(
        "rate_correlation",
        "Infection rate, Pearson correlation, infected slices",
        lambda counts: rate_correlation(*_rates(_infected(counts))),
    ),
    *(
        ScoreDefinition(
            f"{key}_{name}",
            f"{title}, {share}",
            _share(decisions, name),
            _of_share(decisions, name),
        )
        for key, title, decisions in (
            ("detection", "Slices found by any pixel", _by(_ANY_PIXEL)),
            (
                "rate_detection",
                f"Slices found by an infection rate above {percent(INFECTED_ABOVE)}",
                _by(_INFECTION_RATE),
            ),
        )
        for name, share in _DETECTION_SHARES
    ),
)
