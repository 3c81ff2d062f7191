"""Things about a result that a reader must know before trusting it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """One remark on a result.

    Attributes:
        code: Stable identifier for programs, kebab-case: ``"lung-volume-small"``.
        message: One sentence for people: what is odd and what to look at.
        level: ``"warning"`` (look before trusting) or ``"note"`` (good to know).
    """

    code: str
    message: str
    level: str = "warning"
