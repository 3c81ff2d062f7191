"""The CT severity score, 0 to 25: the sum of a score of 0 to 5 for each of the five lobes.

Source: F. Pan et al., "Time Course of Lung Changes at Chest CT during Recovery from Coronavirus
Disease 2019 (COVID-19)", Radiology 295:715, 2020: 0, no involvement; 1, less than 5 %; 2, 5 % to
25 %; 3, 26 % to 49 %; 4, 50 % to 75 %; 5, more than 75 %. M. Francone et al., "Chest CT score in
COVID-19 patients", Eur. Radiol. 30:6808, 2020, print 26 % to 50 % for 3 and 51 % to 75 % for 4, so
they differ at exactly 50 % alone. Both read whole percents by eye: what lies between 25 % and 26 %
counts as 3 here, what lies between 49 % and 50 % too.
"""

from __future__ import annotations

from collections.abc import Iterable

SCORE_TITLE = "CT severity score (Pan et al. 2020)"
HIGHEST_SCORE = 25
_HIGHEST_OF_LOBE = 5


def lobe_score(ratio: float | None) -> int | None:
    """Score of one lobe, 0 to 5, by its infected part.

    Args:
        ratio: 0 to 1; None where the lobe is absent.

    Raises:
        ValueError: The ratio lies outside 0 to 1.
    """
    if ratio is None:
        return None
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"an infected share of a lobe lies between 0 and 1, not {ratio}")
    if ratio == 0.0:
        return 0
    if ratio < 0.05:
        return 1
    if ratio <= 0.25:
        return 2
    if ratio < 0.50:
        return 3
    return 4 if ratio <= 0.75 else _HIGHEST_OF_LOBE


def total_score(scores: Iterable[int | None]) -> int | None:
    """Sum over the five lobes, 0 to 25; None unless every one of them has a score."""
    known = [score for score in scores if score is not None]
    return sum(known) if _HIGHEST_OF_LOBE * len(known) == HIGHEST_SCORE else None
