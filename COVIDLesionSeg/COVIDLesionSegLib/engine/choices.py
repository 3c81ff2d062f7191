"""Choices that options of a training offer and that its code checks; needs nothing else to load."""

from __future__ import annotations

SCHEDULES = ("constant", "cosine")
"""How the learning rate of a training goes."""
TRAINING_PRECISIONS = ("32-true", "bf16-mixed")
"""Lightning's names."""
REFINEMENTS = ("three blocks", "shared")
BOTTLENECKS = ("half", "full")
"""Of the affinity layer, the default first; see its network."""
