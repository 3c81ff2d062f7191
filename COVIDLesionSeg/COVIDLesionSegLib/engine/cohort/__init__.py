"""A cohort: which CTs belong to it, and what became of each."""

COHORT_HTML = "cohort.html"
"""Of a cohort: the page that sums up."""
