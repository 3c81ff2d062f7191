"""What runs inside the application: one suite, its report, and the end.

The report is written before and after each test, so that it survives a crash of the application.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import re
import sys
import time
import traceback
import unittest
from pathlib import Path

import slicer

ERROR_ENTRY = re.compile(r"^\[(ERROR|CRITICAL|FATAL)\]")
ENTRY = re.compile(r"^\[[A-Z]+\]\[")


class ApplicationLog:
    """The application's own log file, read on from where it was last read.

    Attributes:
        allowed: Regular expressions of errors that the present test expects.
    """

    def __init__(self) -> None:
        self._path = Path(slicer.app.errorLogModel().filePath)
        self._position = 0
        self.allowed: list[str] = []

    def new_errors(self) -> list[str]:
        """Entries of level error or above since the last call, but those expected."""
        return [
            entry
            for entry in self._new_entries()
            if ERROR_ENTRY.match(entry) and not any(re.search(a, entry) for a in self.allowed)
        ]

    def _new_entries(self) -> list[str]:
        if not self._path.is_file():
            return []
        with self._path.open("rb") as log:
            log.seek(self._position)
            text = log.read()
        self._position += len(text)
        entries: list[str] = []
        for line in text.decode("utf-8", errors="replace").splitlines():
            if ENTRY.match(line) or not entries:
                entries.append(line)
            else:
                entries[-1] += "\n" + line
        return entries


class SlotErrors:
    """Exceptions that end in no test: those of slots, timers and observers.

    PythonQt and VTK print them, which asks ``sys.excepthook``.
    """

    def __init__(self) -> None:
        self._errors: list[str] = []
        self._usual = sys.excepthook
        sys.excepthook = self._hear

    def _hear(self, kind: type, error: BaseException, trace: object) -> None:
        self._errors.append("".join(traceback.format_exception(kind, error, trace)))
        self._usual(kind, error, trace)

    def take(self) -> list[str]:
        """Those since the last call."""
        errors, self._errors = self._errors, []
        return errors


#: The application's log.
log = ApplicationLog()
slot_errors = SlotErrors()


class Report(unittest.TestResult):
    """Writes what becomes of each test, with the errors that no test raised itself."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._facts: dict = {"tests": [], "running": None, "problems": [], "finished": False}
        self._started = 0.0
        self._messages: list[str] = []
        self._skipped = ""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._between_tests()
        self._messages, self._skipped = [], ""
        self._facts["running"] = _name(test)
        self._started = time.monotonic()
        self._write()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self._messages += self._new_errors()
        log.allowed.clear()
        outcome = "failed" if self._messages else "skipped" if self._skipped else "passed"
        self._facts["running"] = None
        self._facts["tests"].append(
            {
                "name": _name(test),
                "outcome": outcome,
                "message": "\n".join(self._messages) or self._skipped,
                "seconds": time.monotonic() - self._started,
            }
        )
        self._write()

    def addError(self, test: unittest.TestCase, err: tuple) -> None:
        super().addError(test, err)
        message = self.errors[-1][1]
        if self._facts["running"] is None:  # of setUpClass or setUpModule
            self._facts["problems"].append(message)
        self._messages.append(message)

    def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
        super().addFailure(test, err)
        self._messages.append(self.failures[-1][1])

    def addSubTest(
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: tuple | None
    ) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._messages.append(f"{subtest}:\n{''.join(traceback.format_exception(*err))}")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        if self._facts["running"] is None:  # a whole class
            self._facts["tests"].append(
                {"name": _name(test), "outcome": "skipped", "message": reason, "seconds": 0.0}
            )
        self._skipped = reason

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._messages.append("It passed, though it was expected to fail.")

    def problem(self, text: str) -> None:
        """Note what went wrong outside of any test."""
        self._facts["problems"].append(text)

    def finish(self) -> bool:
        """Write the last report; whether all went well."""
        self._between_tests()
        self._facts["finished"] = True
        self._write()
        failed = any(test["outcome"] == "failed" for test in self._facts["tests"])
        return not failed and not self._facts["problems"]

    def _between_tests(self) -> None:
        # The start of the application is not the suite's.
        errors = self._new_errors()
        if self._facts["tests"]:
            self._facts["problems"] += [f"Between tests: {error}" for error in errors]

    def _new_errors(self) -> list[str]:
        slicer.app.processEvents()  # entries reach the log through the event loop
        in_slots = [f"Exception in a slot or observer:\n{e}" for e in slot_errors.take()]
        logged = [f"Logged by the application: {entry}" for entry in log.new_errors()]
        return in_slots + logged

    def _write(self) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._facts), encoding="utf-8")
        partial.replace(self._path)


def _name(test: object) -> str:
    # What stands for a whole class or module has no method.
    method = getattr(test, "_testMethodName", None)
    return f"{type(test).__name__}.{method}" if method else str(test)


def load_suite(path: Path) -> unittest.TestSuite:
    """The tests of a file, those named by IN_SLICER_TESTS only if it names any."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    loader = unittest.TestLoader()
    asked = os.environ.get("IN_SLICER_TESTS", "").split()
    loader.testNamePatterns = [f"*{name}*" for name in asked] or None
    return loader.loadTestsFromModule(module)


def main() -> None:
    report = Report(Path(os.environ["IN_SLICER_REPORT"]))
    try:
        _tell_where_it_crashes()
        load_suite(Path(os.environ["IN_SLICER_SUITE"])).run(report)
    except BaseException:
        report.problem(traceback.format_exc())
    slicer.util.exit(0 if report.finish() else 1)


def _tell_where_it_crashes() -> None:
    # The application's sys.stderr is no file.
    faulthandler.enable(os.fdopen(os.dup(2), "w"))
