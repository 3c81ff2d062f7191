"""What the benchmark found: a table on the screen, CSV, JSON and a plot."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from .inputs import Facts
from .memory import Growth

_WHOLE = ("whole-job", "command")
_ON_SCREEN = ("case", "seconds", "ms_per_slice", "share_of_ceiling", "peak_mib")
"""Columns that fit a terminal; the CSV file has all."""
_COLORS = {"naive": "#b9c6d2", "pipeline": "#c62828"}


@dataclass
class Measurement:
    """One case; a case that failed has no seconds.

    Attributes:
        label: For people.
        case: Its name in :mod:`.cases`.
        seconds: Of every timed run.
        slices, gflop, precision, note: See :class:`~.cases.Ready`.
        peak_mib: Peak memory of its process; ``peak_before_mib`` before the first run.
        threads: Of PyTorch.
        gpu_peak_mib: Peak of PyTorch's memory on the GPU, if any.
    """

    label: str
    case: str
    seconds: list[float] = field(default_factory=list)
    slices: int = 0
    gflop: float | None = None
    precision: str = "float32"
    note: str = "failed"
    peak_mib: float | None = None
    peak_before_mib: float | None = None
    threads: int | None = None
    gpu_peak_mib: float | None = None

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    @property
    def gflop_per_second(self) -> float | None:
        return self.gflop / self.median_seconds if self.gflop and self.seconds else None


def write_report(
    results: list[Measurement],
    facts: Facts,
    growth: Growth | None,
    machine: dict[str, Any],
    folder: Path,
) -> None:
    """Print the table and write ``benchmark.csv``, ``benchmark.json`` and ``benchmark.png``."""
    ceilings = _ceilings(results)
    rows = [_row(result, ceilings) for result in results]
    with (folder / "benchmark.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    content = {
        "machine": machine,
        "input": asdict(facts),
        "ceiling_gflop_per_second": ceilings,
        "measurements": [asdict(result) for result in results],
        "memory_growth": asdict(growth) if growth else None,
        "ratios": _ratios(results),
    }
    (folder / "benchmark.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
    _plot(results, ceilings, folder / "benchmark.png")
    _print(rows, results, facts, growth, machine)


def _ceilings(results: list[Measurement]) -> dict[str, float]:
    """Best GFLOP/s of any single convolution, by precision."""
    best: dict[str, float] = {}
    for result in results:
        if result.case == "ceiling" and result.gflop_per_second:
            best[result.precision] = max(best.get(result.precision, 0.0), result.gflop_per_second)
    return best


def _row(one: Measurement, ceilings: dict[str, float]) -> dict[str, Any]:
    seconds, speed = one.median_seconds, one.gflop_per_second
    ceiling = ceilings.get(one.precision)
    return {
        "case": one.label,
        "seconds": _rounded(seconds, 3),
        "fastest": _rounded(min(one.seconds, default=None), 3),
        "slowest": _rounded(max(one.seconds, default=None), 3),
        "ms_per_slice": _rounded(1000 * seconds / one.slices if seconds else None, 1),
        "gflop_per_second": _rounded(speed, 0),
        "share_of_ceiling": _rounded(speed / ceiling if speed and ceiling else None, 3),
        "peak_mib": _rounded(one.peak_mib, 0),
        "note": one.note,
    }


def _ratios(results: list[Measurement]) -> dict[str, float]:
    """How many times faster ours is than what it is compared with."""
    by_label = {result.label: result for result in results if result.seconds}
    ratios = {}
    for label, one in by_label.items():
        naive = by_label.get(label.partition(", ours")[0] + ", naive")
        if one.case == "pipeline" and naive:
            ratios[f"{label}: times faster than naive"] = naive.median_seconds / one.median_seconds
    other = next((one for one in by_label.values() if one.case == "lungmask"), None)
    for label, one in by_label.items():
        if other and one.case in _WHOLE:
            ratio = other.median_seconds / one.median_seconds
            ratios[f"{label}: times faster than lungmask's network alone"] = ratio
    return {label: round(ratio, 2) for label, ratio in ratios.items()}


def _plot(results: list[Measurement], ceilings: dict[str, float], path: Path) -> None:
    shown = [result for result in results if result.case in _COLORS and result.seconds]
    figure = Figure(figsize=(9, 0.32 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.barh(
        [one.label for one in shown],
        [1000 * one.median_seconds / one.slices for one in shown],
        color=[_COLORS[one.case] for one in shown],
    )
    for row, one in enumerate(shown):
        ceiling = ceilings.get(one.precision)
        speed = one.gflop_per_second
        share = f"  {speed / ceiling:.0%} of ceiling" if speed and ceiling else ""
        axes.text(1000 * one.median_seconds / one.slices, row, share, va="center", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set_xlabel("milliseconds per slice, median")
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_figure(path, dpi=120, metadata={"Software": None})


def _print(
    rows: list[dict[str, Any]],
    results: list[Measurement],
    facts: Facts,
    growth: Growth | None,
    machine: dict[str, Any],
) -> None:
    console = Console(highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value))
    console.print(f"{facts.source}: {facts.shape}, {facts.slices_with_lung} slices with lung")
    table = Table(*(name.replace("_", " ") for name in _ON_SCREEN))
    for row in rows:
        table.add_row(*("n/a" if row[name] is None else str(row[name]) for name in _ON_SCREEN))
    console.print(table)
    for row in rows:
        if row["seconds"] is None:
            console.print(f"{row['case']}: {row['note']}")
    for label, ratio in _ratios(results).items():
        console.print(f"{label}: {ratio}")
    if growth:
        console.print(
            f"Peak memory on {growth.slices[0]} and {growth.slices[1]} slices: "
            f"{growth.peak_mib[0]:.0f} and {growth.peak_mib[1]:.0f} MiB; beyond the arrays' own "
            f"growth: {growth.beyond_arrays_mib:+.0f} MiB."
        )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
