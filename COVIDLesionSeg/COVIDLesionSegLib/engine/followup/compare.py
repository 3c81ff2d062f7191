"""Two or more studies of one patient, each compared with the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..flags import Flag
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..severity import RegionSeverity
from ..volume import Geometry
from . import FEWEST, MOST
from .changes import RegionChange, region_changes
from .comparison_flags import FollowUpFlags
from .matching import Matching, match_lesions
from .matching_rule import MatchingRule
from .quality import IDENTITY, RegistrationQuality
from .registration import Registration, register
from .study import Study, same_study

StudySource = Callable[[ProgressCallback], Study]
"""Reads or makes a study, with progress."""


@dataclass(frozen=True, eq=False)
class StudyNumbers:
    """What is told of a study in a comparison.

    Attributes:
        day: Days from the first study; None where that is not known.
        regions: Right lung, left lung, both lungs, then the lobes that were given.
        flags: Quality flags of its segmentation.
        models: See :class:`~.study.Study`.
    """

    day: int | None
    regions: tuple[RegionSeverity, ...]
    flags: tuple[Flag, ...]
    models: dict[str, str | None]

    def region(self, name: str) -> RegionSeverity:
        """The region called ``name``; KeyError if there is none."""
        return {region.region: region for region in self.regions}[name]


@dataclass(frozen=True, eq=False)
class Pair:
    """A study compared with the one before.

    Attributes:
        earlier, later: Their numbers, from 1.
        geometry: Grid of the later CT.
        changes: By region.
        quality: Quality of the registration.
        matching: Of the lesions; None where the registration is too poor for it.
        flags: What a reader must know before trusting it.
    """

    earlier: int
    later: int
    geometry: Geometry
    changes: tuple[RegionChange, ...]
    quality: RegistrationQuality
    matching: Matching | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Studies of one patient, in the order given.

    Attributes:
        studies: What is told of each.
        pairs: Each study but the first, compared with the one before.
        trend: From the first study to the last, by region.
        rule: When two lesions count as the same.
    """

    studies: tuple[StudyNumbers, ...]
    pairs: tuple[Pair, ...]
    trend: tuple[RegionChange, ...]
    rule: MatchingRule

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Those of all pairs."""
        return tuple(dict.fromkeys(flag for pair in self.pairs for flag in pair.flags))


def compare_studies(
    sources: Sequence[StudySource],
    rule: MatchingRule | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Comparison:
    """Compare studies of one patient, each with the one before.

    Volumes are measured in each study on its own grid; the registration only matches lesions. Two
    studies are in memory at a time.

    Args:
        sources: At least two, the earliest first; each gives its study when it is called.
        rule: When two lesions are the same.
        progress: Called with progress.
        cancel: Looked at between steps.

    Raises:
        InputError: There are fewer than two studies or too many, or their days do not ascend.
        Cancelled: The token was set.
    """
    rule, cancel = rule or MatchingRule(), cancel or CancelToken()
    check_number(len(sources))
    numbers: list[StudyNumbers] = []
    pairs: list[Pair] = []
    earlier: Study | None = None
    for number, source in enumerate(sources):
        start, end = number / len(sources), (number + 1) / len(sources)
        middle = (start + end) / 2
        cancel.raise_if_cancelled()
        study = source(sub_progress(progress, start, middle))
        numbers.append(StudyNumbers(study.day, study.regions(), study.flags, study.models))
        check_days([one.day for one in numbers])
        if earlier is not None:
            within = sub_progress(progress, middle, end)
            pairs.append(_pair(earlier, study, numbers, rule, within, cancel))
        earlier = study
    progress(Progress("Compared", 1.0))
    trend = region_changes(numbers[0].regions, numbers[-1].regions)
    return Comparison(tuple(numbers), tuple(pairs), trend, rule)


def check_number(studies: int) -> None:
    """Raise InputError unless so many studies can be compared."""
    if not FEWEST <= studies <= MOST:
        raise InputError(f"Give from {FEWEST} to {MOST} studies of one patient, not {studies}.")


def check_days(days: Sequence[int | None]) -> None:
    """Raise InputError where a study comes before an earlier one; None is not known."""
    known = [day for day in days if day is not None]
    if known != sorted(known):
        raise InputError("The studies are not in the order of their days: give the earliest first.")


def _pair(
    earlier: Study,
    later: Study,
    numbers: Sequence[StudyNumbers],
    rule: MatchingRule,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Pair:
    """The last study compared with the one before."""
    number = len(numbers) - 1
    flags = FollowUpFlags(number, number + 1)
    changes = region_changes(numbers[-2].regions, numbers[-1].regions)
    both_cts = earlier.hu is not None and later.hu is not None
    if same_study(earlier, later):
        flags.same_study()
        registration = Registration(None, IDENTITY)
    else:
        if not both_cts:
            flags.by_shape()
        registration = register(earlier, later, sub_progress(progress, 0.0, 0.85), cancel)
    cancel.raise_if_cancelled()
    flags.of_studies(earlier, later, changes)
    matching = None
    if flags.of_registration(registration.quality, both_cts):
        progress(Progress("Matching the lesions", 0.85))
        matching = match_lesions(earlier, later, registration, rule)
        flags.of_matching(matching, rule.smallest_ml)
    return Pair(
        number, number + 1, later.geometry, changes, registration.quality, matching, flags.found
    )
