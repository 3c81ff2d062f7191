"""A cohort that is killed again and again, its memory and files, and its speed.

``python -m benchmarks.cohort endurance`` segments a generated cohort of small CTs, bad files among
them, without a break; and beside it again, killed at random moments and gone on with. It fails
unless every good CT has one result, every bad one a reason, both summaries are equal, and neither
resident memory nor open files have grown between two counts of cases.

``python -m benchmarks.cohort throughput`` compares a cohort with a run of the software for each CT.
"""

from __future__ import annotations

import os
import platform
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from COVIDLesionSegLib.engine.cohort.record import MANIFEST_FOLDER, read_records
from COVIDLesionSegLib.report.result_files import CASE_FOLDER, COHORT_CSV

from .cohort_inputs import BAD, FEW_SLICES, write_chest, write_cohort

_COMMAND = "import sys; from COVIDLesionSegLib.cli.main import main; sys.exit(main())"
_LOOK_SECONDS = 0.05
_REASONS = ("InputError", "LungsNotFoundError")
_MOST_GROWTH = 1.05
_TOGETHER = 20
"""Cases whose memory is printed together."""
_console = Console(highlight=False)
app = typer.Typer(help=__doc__, add_completion=False)


@app.command()
def endurance(
    cases: Annotated[int, typer.Option(min=24, help="CTs and bad files together.")] = 200,
    kills: Annotated[int, typer.Option(min=0, max=3)] = 3,
    early: Annotated[
        int, typer.Option(min=2, help="Cases after which memory is measured first.")
    ] = 50,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Kill a cohort, go on with it, and compare it with one that was not killed."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cts = folder / "cts"
        cts.mkdir()
        _console.print("Generating the CTs ...")
        good, bad = write_cohort(cts, cases - len(BAD), **FEW_SLICES)
        moments = sorted(random.Random(seed).sample(range(1, cases), kills))
        seen: list[tuple[int, float, int]] = []
        with ThreadPoolExecutor() as beside:
            killed = beside.submit(_kill_and_go_on, cts, folder / "killed", moments)
            seconds = _batch(cts, folder / "whole", lambda done, pid: _sample(seen, done, pid))
            _console.print(f"{cases} cases without a break in {seconds:.0f} s")
            killed.result()
        for out in (folder / "whole", folder / "killed"):
            _check(out, good, bad)
        same = [(folder / name / COHORT_CSV).read_bytes() for name in ("whole", "killed")]
        assert same[0] == same[1], "The two summaries differ."
        _console.print(f"{len(good)} results, {len(bad)} reasons, the summaries are equal.")
        _print_samples(seen)
        _compare_samples(seen, early)


@app.command()
def throughput(
    cases: Annotated[int, typer.Option(min=2)] = 8,
    size: Annotated[int, typer.Option(min=64, help="Rows and columns of a slice.")] = 256,
    slices: Annotated[int, typer.Option(min=12)] = 40,
) -> None:
    """Time a cohort, and the same CTs one by one."""
    spacing = (320 / size, 320 / size, 264 / slices)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cts = folder / "cts"
        cts.mkdir()
        paths = [
            write_chest(cts / f"{n}.nii.gz", n, size=(size, size, slices), spacing=spacing)
            for n in range(cases)
        ]
        alone = [_timed(["segment", str(ct), "--out", str(folder / ct.name)]) for ct in paths]
        together = _batch(cts, folder / "cohort", options=["--scene"])
        without = _batch(cts, folder / "without")
        _console.print(f"{cases} CTs of {size}x{size}x{slices} voxels, {_machine()}")
        _console.print(f"one by one: {sum(alone):.1f} s, {sum(alone) / cases:.1f} s each")
        _console.print(f"cohort with scenes: {together:.1f} s, {sum(alone) / together:.2f} times")
        _console.print(f"cohort: {without:.1f} s, {sum(alone) / without:.2f} times")
        for name in ("cohort", "without"):
            stages: dict[str, float] = {}
            for record in read_records(folder / name):
                for stage, seconds in record.seconds.items():
                    stages[stage] = stages.get(stage, 0.0) + seconds
            _console.print(name, {stage: round(total, 1) for stage, total in stages.items()})


def _kill_and_go_on(cts: Path, out: Path, moments: list[int]) -> None:
    """Kill the cohort once so many cases have been begun, again and again, then let it end."""
    for moment in moments:
        _batch(cts, out, lambda done, pid, m=moment: done >= m)
        _console.print(f"Killed once {moment} cases had been begun")
    _batch(cts, out)
    _console.print("Gone on with to its end")


def _batch(
    cts: Path,
    out: Path,
    stop: Callable[[int, int], bool] = lambda done, pid: False,
    options: list[str] | None = None,
) -> float:
    """Run ``batch``, and kill it once ``stop(cases begun, its process)``; seconds."""
    start = time.perf_counter()
    arguments = ["batch", str(cts), "--out", str(out), "--quiet", *(options or [])]
    process = subprocess.Popen([sys.executable, "-c", _COMMAND, *arguments])
    while process.poll() is None:
        if stop(len(list((out / MANIFEST_FOLDER).glob("*.json"))), process.pid):
            process.send_signal(signal.SIGKILL)
            process.wait()
            return time.perf_counter() - start
        time.sleep(_LOOK_SECONDS)
    assert process.returncode == 0, f"The cohort ended with exit code {process.returncode}."
    return time.perf_counter() - start


def _timed(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", _COMMAND, *arguments, "--quiet"], check=True)
    return time.perf_counter() - start


def _sample(seen: list[tuple[int, float, int]], begun: int, pid: int) -> bool:
    """Resident memory in MiB and open files of a process, now; it goes on."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, IndexError):
        return False
    seen.append((begun, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, files))
    return False


def _print_samples(seen: list[tuple[int, float, int]]) -> None:
    """Resident memory over the cases: what grows steadily looks otherwise than a single peak."""
    for first in range(0, seen[-1][0] + 1, _TOGETHER):
        here = [mib for begun, mib, _ in seen if first <= begun < first + _TOGETHER]
        if here:
            _console.print(
                f"from case {first}: {min(here):.0f} MiB at least, {median(here):.0f} mostly, "
                f"{max(here):.0f} at most"
            )


def _compare_samples(seen: list[tuple[int, float, int]], early: int) -> None:
    """The most that was seen around two counts of cases: one moment says little."""
    last = seen[-1][0]
    width = max(2, early // 5)
    before, after = (
        [(mib, files) for begun, mib, files in seen if place - width <= begun <= place]
        for place in (early, last)
    )
    for what, place, unit in (("resident memory", 0, " MiB"), ("open files", 1, "")):
        then, now = max(one[place] for one in before), max(one[place] for one in after)
        _console.print(f"{what}: {then:.0f}{unit} after {early} cases, {now:.0f} after {last}")
        assert now <= _MOST_GROWTH * then, f"The {what} grew."


def _check(out: Path, good: set[str], bad: set[str]) -> None:
    records = {record.case: record for record in read_records(out)}
    assert set(records) == good | bad, "Not every file is a case."
    assert {case for case, record in records.items() if record.status == "done"} == good
    assert {path.name for path in (out / CASE_FOLDER).iterdir()} == good
    unclear = [case for case in bad if (records[case].error or {}).get("kind") not in _REASONS]
    assert not unclear, f"No clear reason: {', '.join(unclear)}."


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    app()
