"""A cohort: which CTs belong to it, and what became of each."""
