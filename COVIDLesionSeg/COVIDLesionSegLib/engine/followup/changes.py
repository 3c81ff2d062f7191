"""How volumes changed between two studies, each measured on its own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..severity import RegionSeverity


@dataclass(frozen=True)
class Change:
    """A quantity in two studies.

    Attributes:
        earlier, later: Its values; None where it is undefined.
    """

    earlier: float | None
    later: float | None

    @property
    def difference(self) -> float | None:
        """Later less earlier; None where either is undefined."""
        if self.earlier is None or self.later is None:
            return None
        return self.later - self.earlier

    @property
    def relative(self) -> float | None:
        """Difference as a share of the earlier value; None where that is 0 or undefined."""
        return (
            None
            if self.difference is None or not self.earlier
            else (self.difference / self.earlier)
        )

    def to_dict(self) -> dict[str, float | None]:
        """Both values and what follows from them, ready for JSON."""
        return {
            "earlier": self.earlier,
            "later": self.later,
            "difference": self.difference,
            "relative": self.relative,
        }


@dataclass(frozen=True)
class RegionChange:
    """A lung, both lungs or a lobe in two studies.

    Attributes:
        region: Its name, as in a severity report.
        lung_ml: Its volume, lesions included; 0 in a study without it.
        lesion_ml: Of all lesions; undefined in a study without the region.
        ratio: Infected share, 0 to 1; undefined in a study without the region.
        lesion_class_ml: Of each lesion class that either study knows; undefined in a study that
            does not, or without the region.
    """

    region: str
    lung_ml: Change
    lesion_ml: Change
    ratio: Change
    lesion_class_ml: dict[str, Change]


def region_changes(
    earlier: Sequence[RegionSeverity], later: Sequence[RegionSeverity]
) -> tuple[RegionChange, ...]:
    """The change of every region that either study has, undefined in one that lacks it."""
    before = {one.region: one for one in earlier}
    after = {one.region: one for one in later}
    return tuple(
        _region_change(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
    )


def _region_change(
    name: str, earlier: RegionSeverity | None, later: RegionSeverity | None
) -> RegionChange:
    both = (earlier, later)
    classes = dict.fromkeys(name for one in both if one is not None for name in one.lesion_class_ml)

    # What is not there has no lesions to heal.
    there = [one if one is not None and one.ratio is not None else None for one in both]
    return RegionChange(
        region=name,
        lung_ml=Change(*(None if one is None else one.lung_ml for one in both)),
        lesion_ml=Change(*(None if one is None else one.lesion_ml for one in there)),
        ratio=Change(*(None if one is None else one.ratio for one in there)),
        lesion_class_ml={
            name: Change(*(None if one is None else one.lesion_class_ml.get(name) for one in there))
            for name in classes
        },
    )
