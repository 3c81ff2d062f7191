"""Numbers as people read them; what is undefined is ``n/a``, never zero."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable
from difflib import get_close_matches

_BOUNDS_PERCENT = (5.0, 25.0, 50.0, 75.0)
"""Between the categories of a CT and between the scores of a lobe."""


def percent(ratio: float | None) -> str:
    """A ratio for people; ``n/a`` where it is undefined, ``< 0.1 %`` rather than a false zero.

    With as many decimals more as show on which side of a bound between two categories it lies:
    25.04 %, not 25.0 %.
    """
    if ratio is None:
        return "n/a"
    if 0 < ratio < 0.001:
        return "< 0.1 %"
    value = 100 * ratio
    for decimals in (1, 2, 3, 4):
        shown = round(value, decimals)
        if shown not in _BOUNDS_PERCENT or math.isclose(value, shown, abs_tol=1e-9):
            break
    return share_text(ratio, decimals)


def millilitres(volume: float | None) -> str:
    """A volume in ml for people, the smaller the more decimals; ``n/a`` where it is undefined."""
    if volume is None:
        return "n/a"
    if 0 < volume < 0.01:
        return "< 0.01"
    if volume < 1:
        return f"{volume:.2f}"
    return f"{volume:.1f}" if volume < 100 else thousands(volume)


def thousands(number: float) -> str:
    """A whole number for people, in groups of three digits."""
    return f"{number:,.0f}".replace(",", "\u202f")


def share_text(share: float, decimals: int = 0) -> str:
    """A share within a sentence: ``12 %``; see :func:`percent` for what is measured."""
    return f"{100 * share:.{decimals}f} %"


def signed_millilitres(change: float | None) -> str:
    """A change of a volume in ml for people, with its sign, else as :func:`millilitres`."""
    return _signed(change, millilitres)


def signed_percent(change: float | None) -> str:
    """A change for people, 0.18 as ``+18.0 %``; ``+<0.1 %`` rather than a false zero."""
    return _signed(change, lambda size: "< 0.1 %" if size < 0.001 else share_text(size, 1))


def _signed(change: float | None, text: Callable[[float], str]) -> str:
    if change is None:
        return "n/a"
    if change == 0:
        return "0"
    return f"{'+' if change > 0 else '−'}{text(abs(change)).replace('< ', '<')}"


def counted(count: int, name: str) -> str:
    """A number of things that get an s in the plural: ``1 case``, ``2 cases``, ``0 cases``."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def megabytes(size: int) -> str:
    """A number of bytes for people, in MB of a million bytes, without the unit."""
    return f"{size / 1_000_000:.1f}"


def yes_or_no(answer: bool | None) -> str:
    """``yes``, ``no``, or ``n/a`` where it is not known."""
    return "n/a" if answer is None else ("no", "yes")[answer]


def index_ranges(indices: Iterable[int]) -> str:
    """Ascending numbers for people, ``3–8, 11``; ``none`` where there are none."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    texts = [f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(texts) or "none"


def confidence_text(value: float | None) -> str:
    """A confidence, 0 to 1, with two decimals; ``n/a`` where it is undefined."""
    return "n/a" if value is None else f"{value:.2f}"


def score_text(value: float | None) -> str:
    """A score with three decimals, one where it is large; ``n/a`` where it is undefined."""
    if value is None:
        return "n/a"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval_text(value: float | None, interval: tuple[float, float] | None) -> str:
    """A score with its confidence interval: ``0.843 (0.790 to 0.884)``; without, the score."""
    if interval is None:
        return score_text(value)
    low, high = map(score_text, interval)
    return f"{score_text(value)} ({low} to {high})"


def printable(text: str, longest: int | None = None) -> str:
    """Text from outside on one line, without control characters: those could rewrite a terminal.

    Args:
        text: Any text, such as the name of a class.
        longest: Number of characters from which on the text is cut, with an ellipsis.

    Returns:
        A blank for each line break or tabulator, and U+FFFD for other control characters, marks of
        the writing direction and halves of characters.
    """
    shown = "".join(map(_printable, text))
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1] + "…"


def similar_names(name: str, names: Iterable[str]) -> list[str]:
    """At most three of ``names`` that a user may have meant by ``name``, the most similar first."""
    folded = {name.casefold(): name for name in names}
    return [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


def near_names(name: str, names: Iterable[str]) -> str:
    """The end of a message about an unknown name: what may have been meant, or all names."""
    known = sorted(names)
    near = similar_names(name, known)
    if not near and len(name) >= 3:
        near = [one for one in known if name.casefold() in one.casefold()]
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}."


def _printable(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in ("Zl", "Zp") or (category == "Cc" and sign.isspace()):
        return " "
    # Some scripts cannot be written without the two joiners.
    if category in ("Cc", "Cf", "Cs") and sign not in "\u200c\u200d":
        return "\ufffd"
    return sign
