"""Quality flags about the severity: next to no lesion, divided ensembles, lobes that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..flags import Flag
from ..labels import BOTH_LUNGS
from ..parameters import Parameters
from ..text import millilitres, share_text
from .report import SeverityReport

IN_OTHER_LUNG = "lobes-in-other-lung"
"""Code of the flag with which lobes are not measured."""

_TINY_FRACTION = 0.001
_DEFAULT_FREE_ML = Parameters().lesion_free_ml
"""What is known of patients with less lesion holds for this limit alone."""
_DIVIDED = 0.5
"""Mean disagreement of an ensemble on a slice; votes of 3 to 1 give 0.5."""
_MOST_BESIDE_LOBES = 0.1
_LEAST_MM2 = 50.0  # that some member calls lesion: a disc of 8 mm; less is noise


def severity_flags(severity: SeverityReport) -> Iterator[Flag]:
    """Next to no lesion, and slices on which an ensemble is divided, the worst first."""
    both = severity.region(BOTH_LUNGS)
    if both.lesion_ml > 0 and severity.lesion_free:
        limit, reason = f"the {severity.lesion_free_ml:g} ml ", ""
        if severity.lesion_free_ml == _DEFAULT_FREE_ML:
            limit += "that CTs without COVID-19 may show"
            reason = ", for one in 50 patients graded CT-1 by experts has less"
        else:
            limit += "set as the limit"
        yield Flag(
            "lesion-volume-as-without-covid",
            f"{both.lesion_ml:.2f} ml of lesion was found, no more than {limit}, so the category "
            f"is CT-0: look at the slices{reason}.",
            slices=_by_lesion_area(severity),
        )
    elif both.ratio is not None and 0 < both.ratio < _TINY_FRACTION:
        yield Flag(
            "lesion-volume-tiny",
            f"Only {both.lesion_ml:.2f} ml of lesion was found, less than "
            f"{share_text(_TINY_FRACTION, 1)} of "
            "the lungs: that may be noise, so look at the slices before trusting the category.",
            slices=_by_lesion_area(severity),
        )
    divided = sorted(
        (slice_.disagreement * slice_.voted_mm2, -number, slice_)
        for number, slice_ in enumerate(severity.slices)
        if slice_.disagreement is not None
        and slice_.voted_mm2 is not None
        and slice_.disagreement > _DIVIDED
        and slice_.voted_mm2 >= _LEAST_MM2
    )[::-1]
    if divided:
        places = ", ".join(f"{round(one.position_mm):+d}" for *_, one in divided[:5])
        more = f" and {len(divided) - 5} more" if len(divided) > 5 else ""
        yield Flag(
            "ensemble-divided",
            f"The members of the ensemble disagree on {len(divided)} of {len(severity.slices)} "
            f"slices (the worst first: S {places}{more} mm): look at these.",
            slices=tuple(one.index for *_, one in divided),
        )


def lobe_flags(
    severity: SeverityReport, by_lung: Mapping[str, Mapping[str, float]]
) -> Iterator[Flag]:
    """Given lobes that are incomplete, in the other lung, or beside much of lungs or lesions.

    Args:
        severity: With the lobes.
        by_lung: ml of each lobe in each lung, as :func:`~.lobes.lobes_by_lung` gives it.
    """
    if absent := [lobe.region for lobe in severity.lobes if lobe.ratio is None]:
        yield Flag(
            "lobes-incomplete",
            f"The given lobes lack the {', the '.join(absent)}: there is no CT severity score "
            "without all five.",
        )
    if elsewhere := [lobe for lobe, ml in by_lung.items() if _in_other_lung(lobe, ml)]:
        lobes, lie = ", the ".join(elsewhere), "lies" if len(elsewhere) == 1 else "lie"
        yield Flag(
            IN_OTHER_LUNG,
            f"The {lobes} {lie} in the lung of the other side, so the labels of the given lobes "
            "mean something else, or the lungs are wrong: there are no numbers by lobe.",
        )
        return
    both = severity.region(BOTH_LUNGS)
    for what, whole, within in (
        ("lungs", both.lung_ml, sum(sum(ml.values()) for ml in by_lung.values())),
        ("lesions", both.lesion_ml, sum(lobe.lesion_ml for lobe in severity.lobes)),
    ):
        if whole > severity.lesion_free_ml and within < (1 - _MOST_BESIDE_LOBES) * whole:
            yield Flag(
                f"lobes-miss-{what}",
                f"The given lobes hold {millilitres(within)} ml of the {millilitres(whole)} ml "
                f"of the {what}: "
                "their infected parts and scores are of what they hold, so check that they belong "
                "to this CT and include dense lung.",
            )


def _in_other_lung(lobe: str, by_lung: Mapping[str, float]) -> bool:
    """Whether more of a lobe is in the lung of the other side than in its own."""
    own = sum(ml for lung, ml in by_lung.items() if lobe.split()[0] == lung.split()[0])
    return sum(by_lung.values()) > 2 * own


def _by_lesion_area(severity: SeverityReport) -> tuple[int, ...]:
    """Indices of the slices with lesion, the largest area first."""
    infected = [slice_ for slice_ in severity.slices if slice_.lesion_mm2 > 0]
    return tuple(one.index for one in sorted(infected, key=lambda one: -one.lesion_mm2))
