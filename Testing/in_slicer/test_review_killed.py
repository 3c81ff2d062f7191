"""Slicer is killed in the middle of edits: nothing older than two seconds is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

import case
import numpy as np
import slicer

TIMEOUT_SECONDS = 900
START_SECONDS = 180
SAVED_SECONDS = 60
LOST_SECONDS = 2.0
HERE = Path(__file__).resolve().parent


@unittest.skipIf(sys.platform == "win32", "POSIX signals")
class KilledTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(prefix="killed-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.log = self.folder / "edits.log"
        self.reviews = self.folder / "reviews"
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()

    def start(self) -> subprocess.Popen:
        environment = {
            **os.environ,
            "COVIDLESIONSEG_REVIEWS": str(self.reviews),
            "EDITS_LOG": str(self.log),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        }
        process = subprocess.Popen(
            [
                slicer.app.launcherExecutableFilePath or slicer.app.applicationFilePath(),
                "--no-splash",
                "--ignore-slicerrc",
                "--additional-module-paths",
                str(HERE.parents[1] / "COVIDLesionSeg"),
                "--python-script",
                str(HERE / "edit_until_killed.py"),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(_kill, process)
        return process

    def edits(self) -> list[tuple[int, float]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(line.split()[0]), float(line.split()[1])) for line in lines]

    def saved_case(self) -> Any:
        from COVIDLesionSegLib.engine.review import read_cases

        cases, problems = read_cases(self.reviews)
        self.assertEqual(problems, ())
        self.assertEqual(len(cases), 1)
        return cases[0]

    def nothing_is_being_saved(self) -> bool:
        """Whether the process that saves has carried out what it was ordered."""
        return not any(self.temporary.rglob("job-input"))

    def test_edits_before_the_last_two_seconds_are_saved(self) -> None:
        for after in (1.0, *(random.uniform(2.0, 9.0) for _ in range(2))):
            with self.subTest(seconds_of_editing=round(after, 2)):
                shutil.rmtree(self.reviews, ignore_errors=True)
                self.log.unlink(missing_ok=True)
                process = self.start()
                self.wait_until(self.edits, START_SECONDS, "No edit was made")
                self.process_events(after)
                killed = time.time()
                _kill(process)
                self.wait_until(
                    self.nothing_is_being_saved, SAVED_SECONDS, "The saving went on and on"
                )
                due = [number for number, at in self.edits() if at < killed - LOST_SECONDS]
                if not due:
                    continue  # nothing but what may be lost
                saved = self.saved_case()
                lesions = saved.lesions()
                found = int(lesions[0, 0].sum())
                self.assertGreaterEqual(found, due[-1] + 1, f"{found} of {due[-1] + 1} edits")
                # Not one of them is half an edit.
                np.testing.assert_array_equal(lesions[0, 0, :found], 1)


def _kill(process: subprocess.Popen) -> None:
    """End Slicer behind its launcher at once; the process that saves is in a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
