"""The runner of the suites inside Slicer reports every way in which a suite can go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

RUNNER = Path(__file__).parents[1] / "in_slicer" / "run.py"
STAND_IN = Path(__file__).with_name("stand_in.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script"),
]


@pytest.fixture
def run(tmp_path):
    """Run a suite of this text in the stand-in: exit code and what was printed."""
    application = tmp_path / "Slicer"
    application.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    application.chmod(0o755)

    def run_suite(body: str, *options: str, module: str = "") -> tuple[int, str]:
        suite = tmp_path / "test_it.py"
        suite.write_text(
            "import os, subprocess, sys, tempfile, time, unittest\nimport slicer\n"
            + textwrap.dedent(module)
            + "\nclass Suite(unittest.TestCase):\n"
            + textwrap.indent(textwrap.dedent(body), "    ")
        )
        done = subprocess.run(
            [sys.executable, RUNNER, "--slicer", application, *options, suite],
            capture_output=True,
            text=True,
            env={**os.environ, "DISPLAY": ":0"},
            timeout=120,
            check=False,
        )
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    return run_suite


def test_a_suite_that_passes_exits_with_zero(run):
    code, said = run("def test_a(self): pass\n\ndef test_b(self): pass")

    assert code == 0, said
    assert "2 passed, 0 failed, 0 SKIPPED" in said


def test_a_failing_test_and_an_error_in_one_are_failures(run):
    code, said = run(
        "def test_a(self): self.assertEqual(1, 2)\n\ndef test_b(self): raise ValueError('bad')"
    )

    assert code == 1
    assert "2 failed" in said and "1 != 2" in said and "ValueError: bad" in said


def test_an_error_in_a_slot_fails_the_test_that_caused_it(run):
    code, said = run(
        """
        def test_a(self):
            slicer.app.emit(lambda: {}["absent"])

        def test_b(self): pass
        """
    )

    assert code == 1
    assert "1 passed, 1 failed" in said
    assert "KeyError: 'absent'" in said and "slot or observer" in said


def test_an_error_in_the_applications_log_fails_the_test(run):
    code, said = run(
        "def test_a(self): slicer.app.log('[ERROR][VTK] 01.01.2026 08:00:01 [] (:0) - no input')"
    )

    assert code == 1 and "no input" in said
    assert "said while starting" not in said.partition("last output")[0]


def test_a_warning_in_the_applications_log_fails_nothing(run):
    code, said = run(
        "def test_a(self): slicer.app.log('[WARNING][Qt] 01.01.2026 08:00:01 [] (:0) - slow')"
    )

    assert code == 0, said


def test_a_crash_names_the_test_and_keeps_the_results_before_it(run):
    code, said = run("def test_a(self): pass\n\ndef test_b(self): os.abort()")

    assert code == 1
    assert "passed   Suite.test_a" in said
    assert "exit code -6 during Suite.test_b" in said


def test_a_hang_is_ended_with_everything_it_started(run, tmp_path):
    code, said = run(
        f"""
        def test_a(self):
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
            time.sleep(600)
        """,
        "--timeout",
        "3",
    )

    assert code == 1 and "Hung for 3 s during Suite.test_a" in said
    pid = int((tmp_path / "pid").read_text())
    assert (
        not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    )


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc")
def test_a_process_that_outlives_the_application_is_a_failure(run):
    code, said = run('def test_a(self): subprocess.Popen(["sleep", "600"], start_new_session=True)')

    assert code == 1 and "Processes were left behind: sleep 600" in said


def test_a_temporary_folder_that_is_left_is_a_failure(run):
    code, said = run("def test_a(self): tempfile.mkdtemp(prefix='COVIDLesionSeg-')")

    assert code == 1 and "Temporary folders were left behind: COVIDLesionSeg-" in said


def test_a_suite_without_tests_or_that_cannot_be_imported_is_a_failure(run):
    code, said = run("pass")
    assert code == 1 and "contains no test" in said

    code, said = run("def test_a(self): pass", module="import absent_package")
    assert code == 1 and "absent_package" in said


def test_an_error_of_the_whole_class_is_a_failure(run):
    code, said = run(
        """
        @classmethod
        def setUpClass(cls): raise RuntimeError("no data")

        def test_a(self): pass
        """
    )

    assert code == 1 and "no data" in said


def test_skipped_tests_are_said_loudly(run):
    code, said = run("@unittest.skip('no torch')\ndef test_a(self): pass")

    assert code == 0
    assert "1 SKIPPED" in said and "SKIPPED test_it: Suite.test_a: no torch" in said


def test_home_and_temporary_folder_are_the_suites_own_and_removed(run):
    code, said = run(
        """
        def test_a(self):
            print("HOME IS", os.environ["HOME"], tempfile.gettempdir(), flush=True)
            self.fail()
        """
    )

    line = next(line for line in said.splitlines() if "HOME IS" in line)
    home, temporary = line.split("HOME IS ")[1].split()
    assert code == 1 and home != os.environ.get("HOME")
    assert Path(home).parent == Path(temporary).parent
    assert not Path(home).parent.exists()


def test_an_absent_application_or_suite_is_wrong_usage(tmp_path):
    for arguments in (["--slicer", tmp_path / "none"], ["--slicer", shutil.which("sh"), "none"]):
        done = subprocess.run([sys.executable, RUNNER, *arguments], capture_output=True, text=True)
        assert done.returncode == 2 and "There is no" in done.stderr
