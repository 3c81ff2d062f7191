"""Two or more CTs of one patient: what changed, lesion by lesion."""

FEWEST, MOST = 2, 12
"""Studies that can be compared."""

COMPARISON_JSON = "comparison.json"
COMPARISON_HTML = "comparison.html"
TREND_PICTURE = "trend.png"
"""Files of a comparison that other processes read."""


def changes_file(earlier: int, later: int) -> str:
    """File with the new, persistent and resolved lesions of two studies, by their numbers."""
    return f"changes-{earlier}-{later}.seg.nrrd"
