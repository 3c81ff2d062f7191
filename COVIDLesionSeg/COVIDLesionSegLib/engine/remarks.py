"""What a reader must know before trusting a result as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .flags import Flag
from .labels import BOTH_LUNGS
from .severity import SeverityReport

UNTRAINED = "untrained-network"
"""Code of the flag on a result that means nothing: some of its networks have random weights."""
UNTRAINED_MARK = "UNTRAINED NETWORK"
"""Written on every picture, page and node of such a result."""

_TINY_SHARE = 0.001
_UNCERTAIN = 0.5
"""Mean disagreement of an ensemble on a slice; votes of 3 to 1 give 0.5."""
_DISPUTED = 50.0  # mm2 that some member calls lesion: a disc of 8 mm; less is noise


def untrained_flag(model_ids: Sequence[str]) -> Flag:
    """Says that these models have no trained weights."""
    names = ", ".join(model_ids)
    return Flag(
        UNTRAINED,
        f"Never trained: {names}. The weights are random, so what was found means nothing and "
        "severity is not graded.",
    )


def is_untrained(flags: Sequence[Flag]) -> bool:
    """Whether these are the flags of a result that means nothing."""
    return any(flag.code == UNTRAINED for flag in flags)


def severity_flags(severity: SeverityReport) -> Iterator[Flag]:
    """Next to no lesion, and slices on which an ensemble is divided."""
    both = severity.region(BOTH_LUNGS)
    if both.ratio is not None and 0 < both.ratio < _TINY_SHARE:
        yield Flag(
            "lesion-volume-tiny",
            f"Only {both.lesion_ml:.2f} ml of lesion was found, less than {_TINY_SHARE:.1%} of the "
            "lungs: that may be noise, so look at the slices before trusting the category.",
        )
    divided = [
        one
        for one in severity.slices
        if (one.disagreement or 0.0) > _UNCERTAIN and one.voted_mm2 >= _DISPUTED
    ]
    if divided:
        divided.sort(key=lambda one: one.disagreement * one.voted_mm2, reverse=True)
        places = ", ".join(f"{round(one.position_mm):+d}" for one in divided[:5])
        more = f" and {len(divided) - 5} more" if len(divided) > 5 else ""
        yield Flag(
            "ensemble-divided",
            f"The members of the ensemble disagree on {len(divided)} of {len(severity.slices)} "
            f"slices (the worst first: S {places}{more} mm): look at these.",
        )
