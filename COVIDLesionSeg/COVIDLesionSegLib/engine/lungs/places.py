"""Names of places: slices for people, and in order of importance for programs."""

from __future__ import annotations

import numpy as np

_MOST_PLACES = 3


def most_first(amount: np.ndarray) -> tuple[int, ...]:
    """Indices of the slices with any of it, those with most first.

    Args:
        amount: Not negative, (z,).
    """
    order = np.argsort(-amount, kind="stable")
    return tuple(int(index) for index in order if amount[index] > 0)


def name_slices(which: np.ndarray) -> str:
    """Names slices for people: ``slices 30 to 39 and 51 (of 0 to 75, from the inferior end)``.

    Args:
        which: bool (z,).
    """
    numbers = np.flatnonzero(which)
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    parts = [f"{r[0]} to {r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs[:_MOST_PLACES]]
    if len(runs) > _MOST_PLACES:
        others = len(runs) - _MOST_PLACES
        parts.append("1 other place" if others == 1 else f"{others} other places")
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    word = "slice" if len(numbers) == 1 else "slices"
    return f"{word} {text} (of 0 to {len(which) - 1}, from the inferior end)"
