"""Runs test suites inside the real 3D Slicer application, each in an application of its own.

    python3 Testing/in_slicer/run.py --slicer /path/to/Slicer [suite ...]

Needs nothing but Python 3.10's standard library. Without a screen it starts an Xvfb. The user's
settings, models and reviews stay untouched: home and temporary folder are the suite's own.

A suite fails if a test fails, if an exception is raised in a slot or an observer, if the
application logs an error, crashes or hangs, if it leaves a process or a temporary folder behind,
or if it contains no test. Exit code: 0 all passed, 1 something failed, 2 wrong usage.

SLICER_PYTHON names another interpreter for the background processes, where Slicer's own Python has
no PyTorch.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import processes
from screen import Screen

HERE = Path(__file__).resolve().parent
MODULE_FOLDER = HERE.parents[1] / "COVIDLesionSeg"
DEFAULT_TIMEOUT_SECONDS = 900
EXIT_SECONDS = 60
"""Between the last test and the end of the application."""
FIGURE = "FIGURE "
"""Begins a line that a test prints of what it measured; it is shown of every suite."""
LOG_LINES = 60
"""Of the application's output, shown of a suite that failed."""
NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "QT_QPA_PLATFORM", "QT_PLUGIN_PATH")


@dataclass
class Outcome:
    """What became of one suite."""

    suite: str
    tests: list[dict] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What went wrong outside of any test."""
    output: str = ""
    seconds: float = 0.0

    def of(self, outcome: str) -> list[dict]:
        return [test for test in self.tests if test["outcome"] == outcome]

    @property
    def passed(self) -> bool:
        return not self.problems and not self.of("failed")


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    if shutil.which(options.slicer) is None:
        print(f"There is no application at {options.slicer!r}.", file=sys.stderr)
        return 2
    suites = [_suite_file(name) for name in options.suites] or sorted(HERE.glob("test_*.py"))
    for suite in suites:
        if not suite.is_file():
            print(f"There is no suite {suite.stem!r} in {HERE}.", file=sys.stderr)
            return 2
    outcomes = []
    try:
        with Screen() as display:
            for suite in suites:
                print(f"{suite.stem} ...", flush=True)
                outcomes.append(run_suite(suite, options, display))
                _report(outcomes[-1])
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    return _summary(outcomes)


def run_suite(suite: Path, options: argparse.Namespace, display: dict[str, str]) -> Outcome:
    """Start the application, run one suite in it, wait for its end, and look at what is left."""
    outcome = Outcome(suite.stem)
    folder = Path(tempfile.mkdtemp(prefix="in-slicer-"))
    out = Path(options.out).resolve() if options.out else folder / "out"
    started = time.monotonic()
    try:
        environment = _environment(folder, suite, out, options) | display
        mark = environment[processes.MARK]
        with (folder / "output.log").open("wb") as log:
            process = subprocess.Popen(
                _command(options.slicer),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=sys.platform != "win32",
            )
            try:
                _await_end(process, folder, _timeout(suite, options), outcome)
            finally:
                processes.kill_tree(process)
        outcome.tests = _read_report(folder).get("tests", [])
        if not outcome.tests and not outcome.problems:
            outcome.problems.append("The suite contains no test.")
        _look_for_leftovers(mark, folder, outcome)
        outcome.output = (folder / "output.log").read_text(encoding="utf-8", errors="replace")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.seconds = time.monotonic() - started
    return outcome


def _command(slicer: str) -> list[str]:
    return [
        slicer,
        "--no-splash",
        "--ignore-slicerrc",
        "--additional-module-paths",
        str(MODULE_FOLDER),
        "--python-script",
        str(HERE / "inside.py"),
    ]


def _environment(
    folder: Path, suite: Path, out: Path, options: argparse.Namespace
) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    places = {
        "HOME": folder / "home",
        "USERPROFILE": folder / "home",
        "APPDATA": folder / "home",
        "LOCALAPPDATA": folder / "home",
        "XDG_CONFIG_HOME": folder / "home" / ".config",
        "XDG_CACHE_HOME": folder / "home" / ".cache",
        "XDG_DATA_HOME": folder / "home" / ".local",
        "TMPDIR": folder / "temporary",
        "TEMP": folder / "temporary",
        "TMP": folder / "temporary",
        "COVIDLESIONSEG_MODELS": folder / "models",
        "COVIDLESIONSEG_REVIEWS": folder / "reviews",
        "COVIDLESIONSEG_RETRAININGS": folder / "retrainings",
        "IN_SLICER_OUT": out,
    }
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return environment | {
        **{name: str(place) for name, place in places.items()},
        processes.MARK: uuid.uuid4().hex,
        "IN_SLICER_SUITE": str(suite),
        "IN_SLICER_TESTS": " ".join(options.tests),
        "IN_SLICER_REPORT": str(folder / "report.json"),
        "IN_SLICER_APPLICATION": str(Path(shutil.which(options.slicer) or "").absolute()),
    }


def _await_end(process: subprocess.Popen, folder: Path, timeout: float, outcome: Outcome) -> None:
    deadline = time.monotonic() + timeout
    finished_at: float | None = None
    while process.poll() is None:
        now = time.monotonic()
        if finished_at is None and _read_report(folder).get("finished"):
            finished_at = now
        if finished_at is not None and now > finished_at + EXIT_SECONDS:
            outcome.problems.append(f"The application ran on {EXIT_SECONDS} s after its tests.")
            return
        if finished_at is None and now > deadline:
            outcome.problems.append(f"Hung for {timeout:.0f} s{_during(_read_report(folder))}.")
            return
        time.sleep(0.1)
    report = _read_report(folder)
    if not report.get("finished"):
        outcome.problems.append(
            f"The application ended with exit code {process.returncode}{_during(report)}."
        )
    elif process.returncode not in (0, 1):
        outcome.problems.append(
            f"The application crashed after its tests (exit code {process.returncode})."
        )
    elif process.returncode == 1 and all(t["outcome"] != "failed" for t in report["tests"]):
        outcome.problems.append("The application ended with exit code 1, though no test failed.")
    outcome.problems.extend(report.get("problems", []))


def _during(report: dict) -> str:
    if report.get("running"):
        return f" during {report['running']}"
    return " between tests" if report.get("tests") else " before the first test"


def _look_for_leftovers(mark: str, folder: Path, outcome: Outcome) -> None:
    left = processes.left_alive(mark)
    if left:
        outcome.problems.append(f"Processes were left behind: {', '.join(left.values())}.")
        processes.kill(left)
    folders = sorted(path.name for path in (folder / "temporary").rglob("COVIDLesionSeg-*"))
    if folders:
        outcome.problems.append(f"Temporary folders were left behind: {', '.join(folders)}.")


def _timeout(suite: Path, options: argparse.Namespace) -> float:
    """The suite's own TIMEOUT_SECONDS, or the usual one."""
    if options.timeout:
        return float(options.timeout)
    for statement in ast.parse(suite.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            if "TIMEOUT_SECONDS" in names:
                return float(statement.value.value)
    return DEFAULT_TIMEOUT_SECONDS


def _read_report(folder: Path) -> dict:
    try:
        return json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def _report(outcome: Outcome) -> None:
    for test in outcome.tests:
        print(f"  {test['outcome']:8} {test['name']} ({test['seconds']:.1f} s)")
        if test["outcome"] == "skipped":
            print(f"    SKIPPED: {test['message']}")
        elif test["message"]:
            print("    " + test["message"].strip().replace("\n", "\n    "))
    for line in outcome.output.splitlines():
        if line.startswith(FIGURE):
            print(f"  {line.removeprefix(FIGURE)}")
    for problem in outcome.problems:
        print(f"  PROBLEM  {problem}")
    if not outcome.passed:
        print("  The application's last output:")
        for line in outcome.output.splitlines()[-LOG_LINES:]:
            print(f"  | {line}")
    sys.stdout.flush()


def _summary(outcomes: list[Outcome]) -> int:
    def count(kind: str) -> int:
        return sum(len(outcome.of(kind)) for outcome in outcomes)

    problems = sum(len(outcome.problems) for outcome in outcomes)
    print(
        f"\n{count('passed')} passed, {count('failed')} failed, {count('skipped')} SKIPPED, "
        f"{problems} other problems in {len(outcomes)} suites."
    )
    for outcome in outcomes:
        for test in outcome.of("skipped"):
            print(f"  SKIPPED {outcome.suite}: {test['name']}: {test['message']}")
    for outcome in outcomes:
        if not outcome.passed:
            print(f"  FAILED {outcome.suite}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _suite_file(name: str) -> Path:
    path = Path(name)
    return path.resolve() if path.suffix == ".py" else HERE / f"{name}.py"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slicer", required=True, help="the application's executable")
    parser.add_argument("--timeout", type=float, help="seconds for each suite")
    parser.add_argument("--out", help="folder for pictures that a suite makes")
    parser.add_argument(
        "-k", dest="tests", action="append", default=[], help="only tests with this in their name"
    )
    parser.add_argument("suites", nargs="*", help="names or files of suites; all if none is given")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
