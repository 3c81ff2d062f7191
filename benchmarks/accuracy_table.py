"""The tables of accuracy as the documentation shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from COVIDLesionSegLib.engine.models.development_scores import OUTSIDE_SET, DevelopmentScore

DOCUMENT = Path(__file__).parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- development scores -->\n", "<!-- end of development scores -->\n"
_HEAD = (
    "Model",
    "Patients",
    "Slices",
    "Learned from",
    "Pooled Dice",
    "Median patient",
    "Lowest patient",
    "Sensitivity",
    "Precision",
    "Seconds a slice",
)


def table(rows: Sequence[DevelopmentScore]) -> str:
    """A table in Markdown for each set, the outside set first: the best model first, protocols."""
    sets = sorted({row.data for row in rows}, key=lambda name: (name != OUTSIDE_SET, name))
    return "\n".join(_of_set(name, [row for row in rows if row.data == name]) for name in sets)


def _of_set(name: str, rows: Sequence[DevelopmentScore]) -> str:
    ordered = sorted(rows, key=lambda row: (-row.pooled_dice, row.model))
    lines = [f"### {name}", "", "| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for row in ordered:
        learned = {"outside": "no", "seen": "yes"}.get(row.learned, row.learned)
        cells = (f"`{row.model}`", str(row.patients), str(row.slices), learned)
        numbers = (
            row.pooled_dice,
            row.median_dice,
            row.lowest_dice,
            row.sensitivity,
            row.precision,
        )
        seconds = _number(row.seconds_per_slice, 2)
        lines.append("| " + " | ".join([*cells, *map(_number, numbers), seconds]) + " |")
    return "\n".join([*lines, "", _protocol(ordered)]) + "\n"


def _protocol(rows: Sequence[DevelopmentScore]) -> str:
    """What holds for all models of a set, then what holds for some."""
    models: dict[str, list[str]] = {}
    for row in rows:
        for part in row.protocol.split("; "):
            models.setdefault(part, []).append(f"`{row.model}`")
    common = [part for part, own in models.items() if len(own) == len(rows)]
    some = [f"{', '.join(own)}: {part}" for part, own in models.items() if part not in common]
    return "Protocol: " + "; ".join([*common, *some]) + "."


def write_into_docs(rows: Sequence[DevelopmentScore], document: Path = DOCUMENT) -> None:
    """Write the tables between their marks; ValueError where a mark is missing."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document.name} has no marks for the tables.")
    document.write_text(f"{before}{begin}{table(rows)}{end}{after}", encoding="utf-8")


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
