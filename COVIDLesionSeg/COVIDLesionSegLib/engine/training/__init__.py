"""From annotated slices to weights."""
