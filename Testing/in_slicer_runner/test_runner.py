"""No suite inside Slicer passes in silence: each way in which one can go wrong is a failure."""

from __future__ import annotations

import os
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

    def run_suite(body: str, *options: str) -> tuple[int, str]:
        suite = tmp_path / "test_it.py"
        suite.write_text(
            "import os, subprocess, sys, tempfile, time, unittest\nimport slicer\n"
            "\nclass Suite(unittest.TestCase):\n" + textwrap.indent(textwrap.dedent(body), "    ")
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


def test_a_suite_that_passes_exits_with_zero_and_names_what_was_skipped(run):
    code, said = run(
        """
        def test_a(self): slicer.app.log("[WARNING][Qt] 01.01.2026 08:00:01 [] (:0) - slow")

        @unittest.skip("no torch")
        def test_b(self): pass
        """
    )
    assert code == 0, said
    assert "1 passed, 0 failed, 1 SKIPPED" in said and "Suite.test_b: no torch" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def test_a(self): self.assertEqual(1, 2)", "1 != 2"),
        ("def test_a(self): raise ValueError('bad')", "ValueError: bad"),
        ("def test_a(self): slicer.app.emit(lambda: {}['absent'])", "slot or observer"),
        (
            "def test_a(self): slicer.app.log('[ERROR][VTK] 01.01.2026 08:00:01 [] (:0) - bad')",
            "bad",
        ),
        ("def test_a(self): pass\n\ndef test_b(self): os.abort()", "-6 during Suite.test_b"),
        ("def test_a(self): time.sleep(600)", "Hung for 5 s during Suite.test_a"),
        (
            "def test_a(self): subprocess.Popen(['sleep', '600'], start_new_session=True)",
            "Processes were left behind: sleep 600",
        ),
        (
            "def test_a(self): tempfile.mkdtemp(prefix='COVIDLesionSeg-')",
            "Temporary folders were left behind: COVIDLesionSeg-",
        ),
        ("pass", "contains no test"),
        ("import absent_package", "absent_package"),
        (
            "@classmethod\ndef setUpClass(cls): raise RuntimeError('no data')\n\n"
            "def test_a(self): pass",
            "no data",
        ),
    ],
    ids=[
        *("failure", "error", "slot", "log", "crash", "hang", "process", "folder", "no-test"),
        *("import", "class"),
    ],
)
def test_what_went_wrong_is_a_failure_and_said(run, body, said):
    options = ["--timeout", "5"] if "Hung" in said else []
    code, printed = run(body, *options)
    assert code == 1 and said in printed, printed
