"""The table of accuracy as the documentation shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from COVIDLesionSegLib.engine.models.development_scores import OUTSIDE_SET, DevelopmentScore

DOCUMENT = Path(__file__).parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- development scores -->\n", "<!-- end of development scores -->\n"
_HEAD = (
    "Model",
    "Set",
    "Patients",
    "Slices",
    "Learned from",
    "Pooled Dice",
    "Median patient",
    "Lowest patient of several slices",
    "Sensitivity",
    "Precision",
    "Seconds a slice",
)


def table(rows: Sequence[DevelopmentScore]) -> str:
    """The table in Markdown: the outside set first, the best of each set first, then protocols."""
    ordered = sorted(
        rows, key=lambda row: (row.data != OUTSIDE_SET, row.data, -row.pooled_dice, row.model)
    )
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for row in ordered:
        learned = "no" if row.learned == "outside" else row.learned
        cells = (f"`{row.model}`", row.data, str(row.patients), str(row.slices), learned)
        numbers = (
            row.pooled_dice,
            row.median_dice,
            row.lowest_dice,
            row.sensitivity,
            row.precision,
        )
        seconds = "" if row.seconds_per_slice is None else f"{row.seconds_per_slice:.2f}"
        lines.append("| " + " | ".join([*cells, *map(_score, numbers), seconds]) + " |")
    protocols: dict[str, list[str]] = {}
    for row in ordered:
        protocols.setdefault(row.protocol, []).append(f"`{row.model}` on {row.data}")
    lines.append("")
    for protocol, measured in protocols.items():
        lines.append(f"- {', '.join(measured)}: {protocol}.")
    return "\n".join(lines) + "\n"


def write_into_docs(rows: Sequence[DevelopmentScore], document: Path = DOCUMENT) -> None:
    """Write the table between its marks; ValueError where a mark is missing."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document.name} has no marks for the table.")
    document.write_text(f"{before}{begin}{table(rows)}{end}{after}", encoding="utf-8")


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
