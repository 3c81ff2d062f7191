"""Quality flags: what a reader must know before trusting a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNTRAINED = "untrained-network"
"""Code of the flag on a result that means nothing: some of its networks have random weights."""
UNTRAINED_MARK = "UNTRAINED NETWORK"
"""Written on every picture, page and node of such a result."""
POOR_MODEL = "model-scores-low"
"""Code of the flag on a result of a model whose card states a low Dice."""
CLEAN_SLICES = "slices-called-clean"
"""Code of the flag that names the slices which a slice classifier left without segmentation."""
LUNGS_CUT_OFF = "lungs-cut-off"
"""Code of the flag on a CT that ends within the lungs."""


@dataclass(frozen=True)
class Flag:
    """One quality flag of a result.

    Attributes:
        code: Stable identifier for programs, kebab-case: ``"lung-volume-small"``.
        message: One sentence for people: what is odd and what to look at.
        level: ``"warning"`` (look before trusting) or ``"note"`` (good to know).
        slices: Axial slices to look at, the most important first: indices from the inferior end,
            0 first, as in :class:`~.severity.report.SliceSeverity`. Empty where the flag is about
            no slice in particular.
    """

    code: str
    message: str
    level: str = "warning"
    slices: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Flag:
        """The inverse of ``dataclasses.asdict``, also after a trip through JSON.

        Flags of earlier versions have no slices.

        Raises:
            KeyError: There is no code or no message.
        """
        return cls(
            code=values["code"],
            message=values["message"],
            level=values.get("level", "warning"),
            slices=tuple(int(index) for index in values.get("slices", ())),
        )


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


def flagged_slices(flags: Iterable[Flag]) -> list[int]:
    """Every slice that a flag names, from the inferior end."""
    return sorted({index for flag in flags for index in flag.slices})
