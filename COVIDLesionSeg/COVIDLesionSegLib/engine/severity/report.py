"""How much of the lungs is infected: volumes, ratios and categories, and never a silent zero."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..labels import BOTH_LUNGS
from ..metrics.infection import SLICE_RULES
from .categories import CATEGORY_NAMES
from .lobe_score import lobe_score, total_score

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class RegionSeverity:
    """One lung, or both together, or one lobe.

    Attributes:
        region: ``"right lung"``, ``"left lung"`` or ``"both lungs"``; of a lobe one of ``LOBES``.
        lung_ml: Volume of the region including its lesions, in ml.
        lesion_ml: Volume of all lesions within the region, in ml.
        ratio: ``lesion_ml / lung_ml``, 0 to 1; None where the region is absent (shown as n/a).
        lesion_class_ml: Lesion volume by class name, in ml.
    """

    region: str
    lung_ml: float
    lesion_ml: float
    ratio: float | None
    lesion_class_ml: dict[str, float]


@dataclass(frozen=True)
class SliceSeverity:
    """One axial slice that contains lung.

    Attributes:
        index: Slice index along the inferior-to-superior axis, 0 at the inferior end.
        position_mm: Position along the patient's superior axis (RAS S), in mm, of the slice centre.
        lung_mm2: Area of both lungs, in mm2.
        lesion_mm2: Area of all lesions, in mm2.
        ratio: ``lesion_mm2 / lung_mm2``, 0 to 1.
        lesion_class_mm2: Lesion area by class name, in mm2.
        voted_mm2: Area that any member of an ensemble calls lesion, in mm2; None with a single
            model.
        disagreement: Mean disagreement of the members over that area, 0 to 1; None with a single
            model, or where there is no such area.
        confidence: Share of the lesion voxels that experts would be expected to mark, too, 0 to 1,
            see :func:`.lesions.measure_lesions`; None without lesion, or without calibration.
        segmented: Whether lesions were looked for; not in a slice that a slice classifier calls
            clean, whose lesion areas are 0 by its word alone.
    """

    index: int
    position_mm: float
    lung_mm2: float
    lesion_mm2: float
    ratio: float
    lesion_class_mm2: dict[str, float]
    voted_mm2: float | None = None
    disagreement: float | None = None
    confidence: float | None = None
    segmented: bool = True


@dataclass(frozen=True)
class Lesion:
    """One lesion in three dimensions, whoever found it.

    Attributes:
        number: 1 is the largest.
        region: The lung that holds most of it, ``"right lung"`` or ``"left lung"``.
        lesion_ml: Its volume, in ml.
        slices: First and last axial slice that it reaches, from the inferior end.
        largest_slice: The slice with most of it.
        centre_lps_mm: Its centroid, LPS, in mm, to a tenth.
    """

    number: int
    region: str
    lesion_ml: float
    slices: tuple[int, int]
    largest_slice: int
    centre_lps_mm: tuple[float, float, float]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From plain values, also after a trip through JSON."""
        own: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**own)


@dataclass(frozen=True)
class LesionSeverity(Lesion):
    """One connected area of lesion.

    Attributes:
        confidence: Defined as for a slice, see :class:`SliceSeverity`.
    """

    confidence: float | None = None


@dataclass(frozen=True)
class RuleResult:
    """Severity by one published rule.

    Attributes:
        rule: Stable id, of those in :mod:`.categories`.
        title: For people, with the source.
        ratio: The ratio this rule grades, 0 to 1; None if it is undefined.
        category: ``"CT-0"`` ... ``"CT-4"``, or None if it is undefined.
    """

    rule: str
    title: str
    ratio: float | None
    category: str | None

    @property
    def name(self) -> str | None:
        """What the rule's paper calls the category, such as ``"mild"``; None where it has none."""
        return CATEGORY_NAMES.get(self.rule, {}).get(self.category or "")

    @property
    def named_category(self) -> str | None:
        """The category with its name, if it has one: ``"CT-1 (mild)"``."""
        return f"{self.category} ({self.name})" if self.name else self.category


@dataclass(frozen=True)
class SeverityReport:
    """Severity of one CT, by every rule side by side.

    Attributes:
        regions: Right lung, left lung, both lungs, in that order.
        slices: Every axial slice with lung, inferior to superior.
        rules: The first is the one shown large (EAMC: the worse lung decides).
        lesion_free_ml: With no more lesion than this in both lungs, in ml, every rule says CT-0
            where it would say CT-1; see :attr:`lesion_free`.
        lesions: Every connected area of lesion, the largest first; empty in results of earlier
            versions, too.
        lobes: The five of ``LOBES``, in their order; empty where no lobes were given. The ratio of
            one without a voxel is None.
    """

    regions: tuple[RegionSeverity, ...]
    slices: tuple[SliceSeverity, ...]
    rules: tuple[RuleResult, ...]
    lesion_free_ml: float = 0.0
    lesions: tuple[LesionSeverity, ...] = ()
    lobes: tuple[RegionSeverity, ...] = ()

    @property
    def lesion_free(self) -> bool:
        """Whether so little lesion was found that every rule says CT-0.

        Only CT-1 becomes CT-0: a small volume may be much of a lung that is shown in small part.
        """
        mild = all(rule.category in (None, "CT-0", "CT-1") for rule in self.rules)
        return mild and self.region(BOTH_LUNGS).lesion_ml <= self.lesion_free_ml

    @property
    def category(self) -> str | None:
        """Category by the headline rule, ``rules[0]``."""
        return self.rules[0].category

    @property
    def ratio(self) -> float | None:
        """Ratio graded by the headline rule, 0 to 1."""
        return self.rules[0].ratio

    @property
    def graded(self) -> bool:
        """Whether any rule gave a category; none does where the result means nothing."""
        return any(rule.category is not None for rule in self.rules)

    @property
    def confidence(self) -> float | None:
        """Of all lesions together, by their volumes; None where that of any is not known."""
        return _confidence(self.lesions)

    def confidence_in(self, region: str) -> float | None:
        """Of the lesions that lie for the most part in this lung, or of all in both."""
        if region == BOTH_LUNGS:
            return self.confidence
        return _confidence([lesion for lesion in self.lesions if lesion.region == region])

    def by_rule(self, rule: str) -> RuleResult:
        """Severity by the rule with this id; by the headline rule where the report has no such."""
        return next((one for one in self.rules if one.rule == rule), self.rules[0])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the lesion classes, in their order."""
        return tuple(dict.fromkeys(n for region in self.regions for n in region.lesion_class_ml))

    @property
    def most_infected_slice(self) -> SliceSeverity | None:
        """The slice with the largest lesion area, or without any lesion the largest lung area."""
        return max(self.slices, key=lambda one: (one.lesion_mm2, one.lung_mm2), default=None)

    @property
    def lobe_scores(self) -> dict[str, int | None]:
        """Score of each lobe, 0 to 5, see :mod:`.lobe_score`; None where severity is not graded.

        It is 0 where the CT counts as :attr:`lesion_free`, as the category is.
        """
        if not self.lobes:
            return {}
        free = self.lesion_free
        return {
            lobe.region: lobe_score(0.0 if free and lobe.ratio is not None else lobe.ratio)
            if self.graded
            else None
            for lobe in self.lobes
        }

    @property
    def ct_severity_score(self) -> int | None:
        """Sum of the scores of all five lobes, 0 to 25; None where any of them is not known."""
        return total_score(self.lobe_scores.values())

    def positive_by_rule(self, one: SliceSeverity) -> dict[str, bool | None]:
        """Whether a slice is positive, by the id of each of ``SLICE_RULES``.

        What counts is the segmentation, so without the small areas that it leaves out. None where
        severity is not graded, or the slice is not segmented.
        """
        known = self.graded and one.segmented
        return {
            rule.rule: rule.positive(one.lesion_mm2, one.ratio) if known else None
            for rule in SLICE_RULES
        }

    def positive_slices(self, rule: str) -> tuple[int, ...] | None:
        """Indices of the slices that one of ``SLICE_RULES`` calls positive; None if not graded."""
        if not self.graded:
            return None
        return tuple(slice_.index for slice_ in self.slices if self.positive_by_rule(slice_)[rule])

    def ungraded(self) -> SeverityReport:
        """The same volumes, without a category by any rule: for results that mean nothing."""
        return replace(
            self,
            rules=tuple(replace(rule, ratio=None, category=None) for rule in self.rules),
        )

    @property
    def slices_not_segmented(self) -> tuple[int, ...]:
        """Indices of the slices in which lesions were not looked for."""
        return tuple(slice_.index for slice_ in self.slices if not slice_.segmented)

    def without_slices(self, slices: Collection[int]) -> SeverityReport:
        """The same, where the slices of these indices were not segmented.

        One with lesions was: a person drew them there.
        """
        return replace(
            self,
            slices=tuple(
                replace(slice_, segmented=False)
                if slice_.index in slices and not slice_.lesion_mm2
                else slice_
                for slice_ in self.slices
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SeverityReport:
        """The inverse of :meth:`to_dict`, also after a trip through JSON."""
        return cls(
            regions=tuple(RegionSeverity(**region) for region in values["regions"]),
            slices=tuple(SliceSeverity(**value) for value in values["slices"]),
            rules=tuple(RuleResult(**rule) for rule in values["rules"]),
            lesion_free_ml=values.get("lesion_free_ml", 0.0),
            lesions=tuple(LesionSeverity.from_dict(one) for one in values.get("lesions", ())),
            lobes=tuple(RegionSeverity(**lobe) for lobe in values.get("lobes", ())),
        )

    def region(self, name: str) -> RegionSeverity:
        """The region called ``name``; KeyError if there is none."""
        for region in self.regions:
            if region.region == name:
                return region
        raise KeyError(name)


def _confidence(lesions: Sequence[LesionSeverity]) -> float | None:
    if not lesions or any(lesion.confidence is None for lesion in lesions):
        return None
    total = sum(lesion.lesion_ml for lesion in lesions)
    return sum((lesion.confidence or 0.0) * lesion.lesion_ml for lesion in lesions) / total
