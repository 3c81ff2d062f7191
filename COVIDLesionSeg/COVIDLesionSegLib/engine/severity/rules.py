"""Published rules that turn ratios of infected lung into categories CT-0 to CT-4.

Both papers print 25 %, 50 % and 75 % in two classes at once. The bounds used are stated here,
once per rule: the upper bound belongs to the lower category, except that the cascade paper's text
counts 75 % itself as CT-4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from .categories import POOLED, RULE_TITLES, SLICE_MEAN, WORSE_LUNG
from .report import RegionSeverity, RuleResult, SliceSeverity


def category_of(ratio: float | None, *, from_75_is_ct4: bool = False) -> str | None:
    """Category of an infected share of the lung.

    Args:
        ratio: 0 to 1, or None where it is undefined.
        from_75_is_ct4: Count exactly 75 % as CT-4 instead of CT-3.

    Raises:
        ValueError: The ratio lies outside 0 to 1.
    """
    if ratio is None:
        return None
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"an infected share of the lung lies between 0 and 1, not {ratio}")
    if ratio == 0.0:
        return "CT-0"
    if ratio <= 0.25:
        return "CT-1"
    if ratio <= 0.50:
        return "CT-2"
    if ratio < 0.75 or (ratio == 0.75 and not from_75_is_ct4):
        return "CT-3"
    return "CT-4"


def without_lesions(result: RuleResult) -> RuleResult:
    """The same ratio graded CT-0: as much lesion is found in CTs without COVID-19, too."""
    return result if result.category is None else replace(result, category="CT-0")


def worse_lung(right: RegionSeverity, left: RegionSeverity) -> RuleResult:
    """EAMC paper, section 2.6, after Morozov et al. 2020: the larger share decides."""
    ratios = [lung.ratio for lung in (right, left) if lung.ratio is not None]
    ratio = max(ratios, default=None)
    return RuleResult(
        rule=WORSE_LUNG,
        title=RULE_TITLES[WORSE_LUNG],
        ratio=ratio,
        category=category_of(ratio),
    )


def slice_mean(slices: Sequence[SliceSeverity]) -> RuleResult:
    """Cascade paper (Qiblawey et al. 2021): mean of the slices' infected shares.

    Slices without lung do not count.
    """
    ratio = fmean(slice_.ratio for slice_ in slices) if slices else None
    return RuleResult(
        rule=SLICE_MEAN,
        title=RULE_TITLES[SLICE_MEAN],
        ratio=ratio,
        category=category_of(ratio, from_75_is_ct4=True),
    )


def pooled(both: RegionSeverity) -> RuleResult:
    """Lesion volume of both lungs over their volume."""
    return RuleResult(
        rule=POOLED,
        title=RULE_TITLES[POOLED],
        ratio=both.ratio,
        category=category_of(both.ratio),
    )
