"""Slicer ends during a run: no process and no file of the run stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

import case
import slicer

SECONDS = 240
SCRIPT = """
import sys
sys.path[:0] = {paths!r}
import case, slicer, qt

class Quit(case.Case):
    def runTest(self):
        self.needs_packages()
        self.load_ct()
        self.click(self.ui.applyButton)
        self.wait_until(lambda: self.panel.run.state.name == "RUNNING", 120)
        self.wait_until(lambda: self.ui.progressBar.value > 0, 120)
        with open({pid_file!r}, "w") as file:
            file.write(str(self.panel.run._active.job._process.pid))
        {ending}

test = Quit()
test.setUp()
test.runTest()
"""
OF_THE_CONSOLE = """
import sys
sys.path[:0] = {paths!r}
import case, slicer, qt

class Close(case.Case):
    def runTest(self):
        from COVIDLesionSegLib.engine.errors import Cancelled

        self.needs_packages()
        ct = self.load_ct()
        self.dialogs.answer("Save before exit", "Exit (discard modifications)")
        begun = []
        def close(progress):
            if not begun:
                begun.append(progress)
                qt.QTimer.singleShot(0, slicer.util.mainWindow().close)
        try:
            self.panel.logic.segment(ct, close)
        except Cancelled:
            with open({ended_file!r}, "w") as file:
                file.write("cancelled")

test = Close()
test.setUp()
test.runTest()
"""


@unittest.skipIf(sys.platform == "win32", "signals of processes differ there")
class QuitTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()

    def run_and(self, ending: str) -> tuple[int, Path, subprocess.Popen]:
        """Another application, in which a run is in progress: the worker's process id."""
        folder = Path(tempfile.mkdtemp())
        pid_file = folder / "pid"
        application = self.start(
            folder,
            SCRIPT.format(
                paths=[str(Path(__file__).parent)], pid_file=str(pid_file), ending=ending
            ),
        )
        self.wait_until(
            lambda: pid_file.exists() and pid_file.read_text() != "",
            SECONDS,
            f"No run began:\n{(folder / 'log').read_text()[-2000:]}\n",
        )
        return int(pid_file.read_text()), folder / "temporary", application

    def start(self, folder: Path, text: str) -> subprocess.Popen:
        """Another application that runs a script; its output is in ``folder / "log"``."""
        script = folder / "quit.py"
        script.write_text(textwrap.dedent(text))
        module = Path(sys.modules["COVIDLesionSeg"].__file__).parent
        command = [os.environ["IN_SLICER_APPLICATION"], "--no-splash", "--ignore-slicerrc"]
        command += ["--additional-module-paths", str(module), "--python-script", str(script)]
        temporary = folder / "temporary"
        temporary.mkdir()
        # Without what this application's launcher has set.
        environment = slicer.util.startupEnvironment()
        with (folder / "log").open("wb") as log:
            application = subprocess.Popen(
                command,
                env={**environment, "TMPDIR": str(temporary)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.addCleanup(_end, application)
        return application

    def assert_nothing_is_left(self, pid: int, temporary: Path) -> None:
        self.wait_until(lambda: not _is_alive(pid), 10, "The worker did not end")
        self.wait_until(
            lambda: not list(temporary.rglob("COVIDLesionSeg-*")), 10, "Its files were not removed"
        )

    def test_quit_mid_run(self) -> None:
        pid, temporary, application = self.run_and("slicer.util.exit(0)")
        self.wait_until(lambda: application.poll() is not None, 60, "Slicer did not end")
        self.assertEqual(application.returncode, 0)
        self.assert_nothing_is_left(pid, temporary)

    def test_the_window_is_closed_during_a_run_of_the_console(self) -> None:
        folder = Path(tempfile.mkdtemp())
        ended_file = folder / "ended"
        application = self.start(
            folder,
            OF_THE_CONSOLE.format(paths=[str(Path(__file__).parent)], ended_file=str(ended_file)),
        )
        self.wait_until(lambda: application.poll() is not None, SECONDS, "Slicer did not end")
        log = (folder / "log").read_text()
        self.assertTrue(ended_file.exists(), log[-2000:])
        self.assertEqual(ended_file.read_text(), "cancelled")
        self.assertEqual(list((folder / "temporary").rglob("COVIDLesionSeg-*")), [])

    def test_killed_mid_run(self) -> None:
        pid, temporary, application = self.run_and("self.process_events(600)")
        self.assertTrue(_is_alive(pid))
        os.killpg(application.pid, signal.SIGKILL)
        self.assert_nothing_is_left(pid, temporary)


def _end(application: subprocess.Popen) -> None:
    if application.poll() is None:
        os.killpg(application.pid, signal.SIGKILL)
        application.wait()
    time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that nobody waited for is no longer there.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
