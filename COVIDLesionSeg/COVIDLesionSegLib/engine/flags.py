"""Quality flags: what a reader must know before trusting a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UNTRAINED = "untrained-network"
"""Code of the flag on a result that means nothing: some of its networks have random weights."""
UNTRAINED_MARK = "UNTRAINED NETWORK"
"""Written on every picture, page and node of such a result."""


@dataclass(frozen=True)
class Flag:
    """One quality flag of a result.

    Attributes:
        code: Stable identifier for programs, kebab-case: ``"lung-volume-small"``.
        message: One sentence for people: what is odd and what to look at.
        level: ``"warning"`` (look before trusting) or ``"note"`` (good to know).
    """

    code: str
    message: str
    level: str = "warning"


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
