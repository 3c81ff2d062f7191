"""When two lesions of two CTs are the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MatchingRule:
    """When two lesions are the same, and which are new or resolved; see :mod:`.matching`.

    Attributes:
        tolerance_mm: They lie within so many mm after registration, 0 or more. The default is about
            twice the error of a deformable registration of the body, 2.3 to 2.6 mm
            (Santoro-Fernandes et al. 2021, Phys Med Biol 66:155017).
        least_overlap: Share of the smaller of two lesions that must lie within the tolerance of
            the other, more than 0 and at most 1.
        smallest_ml: Volume from which on a lesion without a partner is new or resolved; by default
            that of a ball of 5.8 mm.
    """

    tolerance_mm: float = 5.0
    least_overlap: float = 0.1
    smallest_ml: float = 0.1
