"""Which CTs are to be scored, and which a person should label next: the least sure one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..engine.cohort.sources import CaseSource
from ..engine.errors import InputError

SCORE = "covid_lesion_seg"
"""Of what is known of a CT, in the server's list of images."""
DOUBT, CONFIDENCE = "doubt_ml", "confidence"
TRY = "try"
"""In that: the weights and the files that were last tried, and when."""
_AGAIN_SECONDS = 10 * 60
_SERVED_SECONDS = 24 * 60 * 60
"""So long a CT that was handed out comes after those that were not."""


def score_of(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the scoring found for a CT, by what the server knows of it; empty before it ran."""
    found = info.get(SCORE)
    return found if isinstance(found, dict) else {}


def to_score(
    images: Mapping[str, Mapping[str, Any]],
    states: Mapping[str, str | None],
    weights: str,
    now: float | None = None,
) -> list[str]:
    """The CTs to score now, in this order.

    Those whose score is of other weights, or of another state of their files. Where that was tried
    and gave no score, a CT comes after those that were not tried, the one tried first before the
    others; and not within ten minutes, as each request of a strategy asks for scores.

    Args:
        images: What the server knows of each CT without a label.
        states: Of the files of each, see :func:`state_of`; None is no other than before.
        weights: Of the model, see :func:`.prediction.weights_of`.
        now: Seconds since 1970; the present where None.
    """
    now = time.time() if now is None else now
    tried = {}
    for name, info in images.items():
        known = score_of(info)
        if not _is_of(known, weights, states[name]):
            before = known.get(TRY, {})
            tried[name] = before["time"] if _is_of(before, weights, states[name]) else 0.0
    due = [name for name, time_ in tried.items() if now - time_ >= _AGAIN_SECONDS]
    return sorted(due, key=lambda name: (tried[name], name))


def _is_of(noted: Mapping[str, Any], weights: str, files: str | None) -> bool:
    """Whether something was noted of these weights and files, which may be out of sight now."""
    return noted.get("weights") == weights and files in (None, noted.get("files"))


def begun(info: Mapping[str, Any], weights: str, files: str | None) -> dict[str, Any]:
    """What to note of a CT before it is scored: one that ends the process is not the first again.

    Args:
        info: What the server knows of it: its score stays until there is a new one.
        weights, files: As for :func:`to_score`.
    """
    return {**score_of(info), TRY: {"weights": weights, "files": files, "time": time.time()}}


def state_of(info: Mapping[str, Any]) -> str | None:
    """Changes with the files of a CT; None where they do not lie on this computer (yet)."""
    path = info.get("path")
    try:
        return None if path is None else CaseSource("ct", ".", Path(path)).fingerprint()
    except InputError:
        return None


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
