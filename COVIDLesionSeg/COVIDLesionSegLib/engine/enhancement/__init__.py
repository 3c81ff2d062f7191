"""A model that learns from its own answers: the most certain ones, or level by level."""
