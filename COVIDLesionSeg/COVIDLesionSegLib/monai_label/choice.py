"""Which CT a person should label next: the one that the model is least sure of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

SCORE = "covid_lesion_seg"
"""Of what is known of a CT, in the server's list of images."""
DOUBT, CONFIDENCE = "doubt_ml", "confidence"
_SERVED_SECONDS = 24 * 60 * 60
"""So long a CT that was handed out comes after those that were not."""


def score_of(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the scoring found for a CT, by what the server knows of it; empty before it ran."""
    found = info.get(SCORE)
    return found if isinstance(found, dict) else {}


def next_ct(
    images: Mapping[str, Mapping[str, Any]], measure: str, strategy: str, now: float | None = None
) -> str | None:
    """The CT to label next; None where there is none.

    CTs that were handed out within a day come last, the one handed out first before the others, so
    that several people get several CTs. Of the rest those with a score come first, the least sure
    before the others; CTs without a score are in the order of their names.

    Args:
        images: What the server knows of each CT without a label.
        measure: ``DOUBT``, of which much is unsure; or ``CONFIDENCE``, of which little is.
        strategy: Name under which the server notes when it handed a CT out.
        now: Seconds since 1970; the present where None.
    """
    now = time.time() if now is None else now

    def place(name: str) -> tuple[float, bool, float, str]:
        info = images[name]
        served = float(info.get("strategy", {}).get(strategy, {}).get("ts", 0.0))
        value = score_of(info).get(measure)
        unsure = 0.0 if value is None else value if measure == CONFIDENCE else -value
        return served if now - served < _SERVED_SECONDS else 0.0, value is None, unsure, name

    return min(images, key=place, default=None)
