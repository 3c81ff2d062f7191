"""Parts of the section Review: which slices and cases to look at, and how reviews are saved."""
