"""Categories of severity, CT-0 to CT-4, and what the papers call them."""

from __future__ import annotations

CATEGORIES = ("CT-0", "CT-1", "CT-2", "CT-3", "CT-4")
"""From the mildest; a CSV of a reader may spell them ``CT0``, see :func:`category_from`."""

WORSE_LUNG, SLICE_MEAN, POOLED = "eamc-worse-lung", "cascade-slice-mean", "pooled"
"""Ids of the rules of :mod:`.rules`."""

RULE_TITLES = {
    WORSE_LUNG: "Worse lung (Pal Das et al. 2022, after Morozov et al. 2020)",
    SLICE_MEAN: "Mean over slices (Qiblawey et al. 2021)",
    POOLED: "Both lungs pooled",
}
CATEGORY_NAMES = {
    # EAMC paper, section 2.6: "normal", "CT-3 (severe pneumonia)", "CT-4 (acute pneumonia)"; it has
    # no names for CT-1 and CT-2.
    WORSE_LUNG: {"CT-0": "normal", "CT-3": "severe pneumonia", "CT-4": "acute pneumonia"},
    # Cascade paper, section 4.4.
    SLICE_MEAN: {
        "CT-0": "healthy",
        "CT-1": "mild",
        "CT-2": "moderate",
        "CT-3": "severe",
        "CT-4": "critical",
    },
}
"""By rule and category; a category without a name in the rule's paper is left out."""


def category_from(text: str) -> str | None:
    """The category that a reader wrote, such as ``CT-2``, ``ct2`` or ``2``; None for none."""
    written = text.strip().upper()
    # Without CT before it, -1 is no category: many tables have it where a grade is missing.
    digits = written.removeprefix("CT").lstrip("-_ ") if written.startswith("CT") else written
    found = f"CT-{digits}"
    return found if found in CATEGORIES else None
